import csv
import io

import numpy as np
import pytest

from emoscope.model.entities import Detection, Prediction
from emoscope.model.faces.tracking import TrackedFace
from emoscope.model.video.predictions import VideoPredictions, VideoPredictionsBuilder
from emoscope.model.video.summary import binned, people

NAMES = ("happy", "sad", "neutral")
TOO_DARK = "The face is too dark."


def face(person: int, left: float, happy: float, warning: str = "") -> TrackedFace:
    probabilities = np.array([happy, 1 - happy, 0], np.float32)
    detection = Detection(np.array([left, 10, left + 20, 30]), track_id=person)
    prediction = Prediction(detection, probabilities, NAMES, warnings=(warning,) if warning else ())
    return TrackedFace(prediction, int(probabilities.argmax()))


def read(analyses: list[tuple[float, list[TrackedFace]]], scale: float = 1.0) -> VideoPredictions:
    builder = VideoPredictionsBuilder(NAMES)
    for at, faces in analyses:
        builder.add(at, faces, scale)
    return builder.build()


def test_faces_move_in_a_straight_line_between_analyses():
    predictions = read(
        [(0.0, [face(1, 0, 0.2)]), (0.1, [face(1, 10, 0.8), face(2, 100, 1)]), (0.2, [face(2, 100, 1)])], 2
    )
    (middle,) = predictions.faces_at(0.05)
    assert middle.prediction.detection.xyxy == pytest.approx([10, 20, 50, 60])
    assert middle.prediction.detection.track_id == 1 and middle.label_index == 1
    assert middle.prediction.probabilities == pytest.approx([0.5, 0.5, 0])
    (smaller,) = predictions.faces_at(0.05, scale=0.5)
    assert smaller.prediction.detection.xyxy == pytest.approx([5, 10, 25, 30])
    assert [shown.prediction.detection.track_id for shown in predictions.faces_at(0.1)] == [1, 2]
    assert [shown.prediction.detection.track_id for shown in predictions.faces_at(0.2)] == [2]


def test_nothing_is_shown_before_the_first_and_long_after_the_last_analysis():
    times = (0.9, 1.0, 1.1, 9.0, 9.1)
    predictions = read([(at, [face(1, 50 if at > 5 else 0, 1)]) for at in times])
    assert predictions.faces_at(0.8) == [] and len(predictions.faces_at(1.5)) == 1
    assert predictions.faces_at(1.5)[0].prediction.detection.xyxy[0] == 0  # no way is drawn over a long pause
    assert predictions.faces_at(5.0) == [] and predictions.faces_at(99.0) == []
    assert read([]).faces_at(0.0) == []


def test_csv_holds_a_row_a_face_and_why_one_could_not_be_read():
    stream = io.StringIO()
    read([(0.0, [face(1, 0, 0.75)]), (0.5, [face(1, 1, 0.1, TOO_DARK), face(2, 40, 0.25)])]).write_csv(stream)
    first, dark, second = csv.DictReader(stream.getvalue().splitlines())
    assert (first["seconds"], first["person"], first["emotion"], first["confidence"]) == (
        "0.000",
        "1",
        "happy",
        "0.7500",
    )
    assert (dark["emotion"], dark["confidence"], dark["warning"], dark["p_sad"]) == ("", "", TOO_DARK, "0.9000")
    assert (second["person"], second["x1"], second["y2"], second["emotion"]) == ("2", "40.0", "30.0", "sad")


def test_people_are_summed_up_by_the_time_they_were_seen():
    first = [(i / 10, [face(3, 0, 1 if i < 30 else 0)]) for i in range(40)]
    pause = [(i / 10, []) for i in range(40, 80)]
    second = [(i / 10, [face(3, 0, 1), face(5, 90, 0.3, TOO_DARK)]) for i in range(80, 85)]
    main, dark = people(read(first + pause + second))
    assert (main.number, main.first, main.last, main.label) == (3, 0.0, 8.4, "happy")
    assert main.seen == pytest.approx(4.5) and main.readable == 1 and not main.is_brief
    assert main.shares == pytest.approx([35 / 45, 10 / 45, 0])
    assert (dark.number, dark.label, dark.readable, dark.is_brief) == (5, "", 0.0, True)
    assert people(read([])) == []


def test_bins_average_and_absence_is_a_gap():
    predictions = read([(t, [face(1, 0, happy)]) for t, happy in ((0.0, 0.2), (0.4, 0.4), (2.1, 1.0), (4.0, 0.5))])
    middles, shares = binned(predictions, 1, bins=4, seconds=4.0)
    assert middles == pytest.approx([0.5, 1.5, 2.5, 3.5])
    assert shares[:, 0] == pytest.approx([0.3, np.nan, 1.0, 0.5], nan_ok=True)
