import numpy as np
import pytest

from emoscope.dashboard.charts.video import MAX_BINS, tick_places, tick_text, timeline
from emoscope.model.entities import Detection, Prediction
from emoscope.model.faces.tracking import TrackedFace
from emoscope.model.video.predictions import VideoPredictions, VideoPredictionsBuilder

NAMES = ("happy", "sad", "neutral")


def predictions(seconds: float, step: float = 0.1) -> VideoPredictions:
    """Two people: one happy all the time, one sad for the second half."""
    builder = VideoPredictionsBuilder(NAMES)
    for at in np.arange(0, seconds, step):
        faces = [(1, (0.8, 0.1, 0.1))] + ([(2, (0.2, 0.7, 0.1))] if at >= seconds / 2 else [])
        shown = [
            TrackedFace(Prediction(Detection(np.array([0, 0, 9, 9]), track_id=person), np.array(p), NAMES), 0)
            for person, p in faces
        ]
        builder.add(float(at), shown, 1.0)
    return builder.build()


def test_each_person_has_a_row_and_absence_is_a_gap():
    fig = timeline(predictions(4.0), [1, 2], 4.0)
    assert len(fig.data) == 2 * len(NAMES)
    assert [fig.layout[axis].title.text for axis in ("yaxis", "yaxis2")] == ["Person 1", "Person 2"]
    assert [trace.name for trace in fig.data if trace.showlegend] == list(NAMES)
    sad = np.array(fig.data[4].y, float)
    middles = np.array(fig.data[4].x)
    assert np.isnan(sad[middles < 1.9]).all() and sad[middles > 2.1] == pytest.approx(0.7)


@pytest.mark.parametrize(("seconds", "step"), [(0.04, 0.04), (3600.0, 1.0)])
def test_short_and_long_videos_have_a_bounded_number_of_bars(seconds, step):
    fig = timeline(predictions(seconds, step), [1], seconds)
    assert 1 <= len(fig.data[0].x) <= MAX_BINS
    assert len(fig.layout.xaxis.tickvals) <= 10


def test_ticks_are_round_times():
    assert tick_places(4.0) == [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4]
    assert tick_places(60) == [0, 10, 20, 30, 40, 50, 60]
    assert [tick_text(at) for at in (0.5, 2, 90, 3600)] == ["0:00.5", "0:02", "1:30", "1:00:00"]
