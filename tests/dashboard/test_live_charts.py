import numpy as np

from dashboard.charts.live import BIN_SECONDS, MAX_FACES, binned, distribution, timeline
from dashboard.live_statistics import Moment

NAMES = ("happy", "sad", "neutral")


def moments(face: int, start: float, end: float, probabilities, warning: str = "") -> list[Moment]:
    times = np.arange(start, end, 0.1)
    return [Moment(float(t), face, "happy", NAMES, np.array(probabilities), warning) for t in times]


def test_bins_average_and_absence_is_a_gap():
    found = moments(1, 90, 95, (0.8, 0.1, 0.1)) + moments(1, 95, 97, (0.2, 0.2, 0.6), "The face is blurred.")
    seconds, shares = binned(found, now=100)
    assert seconds[0] == -60 + BIN_SECONDS / 2 and len(seconds) == 120
    assert np.allclose(shares[(seconds > -10) & (seconds < -5)], (0.8, 0.1, 0.1))
    assert np.isnan(shares[(seconds > -5)]).all() and np.isnan(shares[seconds < -10.5]).all()


def test_the_timeline_has_a_row_a_face_and_the_latest_faces_only():
    found = [m for face in range(1, 6) for m in moments(face, 90 + face, 92 + face, (0.5, 0.3, 0.2))]
    fig = timeline(sorted(found, key=lambda m: m.at), now=100)
    assert len(fig.data) == MAX_FACES * len(NAMES)
    assert [fig.layout[a].title.text for a in ("yaxis", "yaxis2", "yaxis3")] == ["Face 3", "Face 4", "Face 5"]
    assert [t.name for t in fig.data if t.showlegend] == list(NAMES)


def test_after_a_change_of_network_only_its_classes_are_shown():
    old = [Moment(99.0, 1, "yes", ("yes", "no"), np.array([0.5, 0.5]))]
    fig = timeline(old + moments(2, 99.1, 99.9, (0.5, 0.3, 0.2)), now=100)
    assert {t.name for t in fig.data} == set(NAMES)


def test_an_empty_timeline_is_an_empty_chart():
    assert len(timeline([], now=100).data) == 0


def test_the_reference_is_marked_beside_the_bars():
    fig = distribution(np.array([0.7, 0.2, 0.1]), NAMES, np.array([0.2, 0.7, 0.1]), "without baseline")
    assert list(fig.data[0].x) == [0.7, 0.2, 0.1] and list(fig.data[1].x) == [0.2, 0.7, 0.1]
    assert fig.data[1].name == "without baseline"
