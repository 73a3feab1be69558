import itertools

import numpy as np
import pytest

from emoscope.model.entities import Detection, Prediction
from emoscope.model.faces.tracking import Tracker, TrackingSettings, distance_iou

NAMES = ("happy", "sad", "neutral")
HAPPY, SAD = (0.9, 0.05, 0.05), (0.05, 0.9, 0.05)


def face(x: float, y: float = 100, size: float = 80, probabilities=HAPPY, **fields) -> Prediction:
    box = np.array([x, y, x + size, y + size], np.float32)
    return Prediction(Detection(box), np.array(probabilities), NAMES, **fields)


def center(tracked) -> float:
    box = tracked.prediction.detection.xyxy
    return float(box[0] + box[2]) / 2


def test_two_crossing_faces_keep_their_ids():
    tracker = Tracker()
    for i in range(30):
        faces = [face(40 + 12 * i, 60), face(400 - 12 * i, 200)]
        shown = tracker.update(faces if i % 2 else faces[::-1], i / 15)
    ids = {t.track_id: t.prediction.detection.xyxy[1] for t in shown}
    assert ids.keys() == {1, 2}
    upper = min(ids, key=ids.get)
    assert center(next(t for t in shown if t.track_id == upper)) == pytest.approx(40 + 12 * 29 + 40, abs=8)


def test_a_box_moves_on_between_analyses():
    tracker = Tracker()
    for i in range(12):
        tracker.update([face(100 + 20 * i)], i * 0.1)
    ahead = tracker.faces(1.1 + 0.1)
    assert center(ahead[0]) == pytest.approx(100 + 20 * 12 + 40, abs=6)


def test_a_resting_box_is_steadier_than_its_detections():
    rng = np.random.default_rng(0)
    tracker = Tracker(TrackingSettings(box_smoothing=0.12))
    jitter = rng.normal(0, 3, 200)
    shown = [
        center(tracker.update([face(100 + d)], i / 15)[0])
        for i, d in enumerate(jitter)
        if i or tracker.update([face(100)], -1 / 15) is None
    ]
    assert np.std(shown[20:]) < 0.75 * jitter.std()


def test_a_blip_is_never_shown_and_a_face_that_left_is_dropped():
    tracker = Tracker(TrackingSettings(hold=0.5))
    assert tracker.update([face(100)], 0.0) == []
    assert tracker.update([], 0.1) == []
    assert tracker.update([face(100)], 0.2) == []
    assert len(tracker.update([face(100)], 0.3)) == 1
    assert len(tracker.update([], 0.6)) == 1
    assert tracker.update([], 0.9) == []
    tracker.update([face(100)], 1.0)
    assert tracker.update([face(100)], 1.1)[0].track_id == 3


def test_a_face_that_its_detector_is_sure_of_needs_no_second_analysis():
    sure = Prediction(Detection(np.array([300, 100, 380, 180]), 0.9), np.array(HAPPY), NAMES)
    blip = Prediction(Detection(np.array([100, 100, 180, 180]), 0.7), np.array(HAPPY), NAMES)
    tracker = Tracker(TrackingSettings(sure=0.8))
    assert [t.track_id for t in tracker.update([blip, sure], 0.0)] == [2]
    assert [t.track_id for t in tracker.unconfirmed()] == [1]
    assert [(t.track_id, t.is_held) for t in tracker.update([blip], 0.1)] == [(1, False), (2, True)]
    assert tracker.unconfirmed() == []
    assert Tracker().update([sure], 0.0) == [], "live, a face is confirmed first"


def test_a_short_miss_keeps_the_id():
    tracker = Tracker()
    for at in (0.0, 0.1, 0.2):
        tracker.update([face(100)], at)
    tracker.update([], 0.3)
    assert tracker.update([face(104)], 0.4)[0].track_id == 1


@pytest.mark.parametrize("rate", [5, 15, 30])
def test_smoothing_is_in_seconds_whatever_the_rate(rate):
    tracker = Tracker(TrackingSettings(smoothing=0.5, confirm=1))
    tracker.update([face(100)], 0.0)
    for i in range(1, rate + 1):
        shown = tracker.update([face(100, probabilities=SAD)], i * 0.5 / rate)
    # after one time constant 63 % of the way from 0.05 to 0.9
    assert shown[0].prediction.probabilities[1] == pytest.approx(0.05 + 0.85 * (1 - np.exp(-1)), abs=0.01)


def test_the_label_does_not_flicker_between_two_near_classes():
    rng = np.random.default_rng(1)
    near = [np.array([0.45 + d, 0.45 - d, 0.1]) for d in rng.normal(0, 0.06, 150)]
    raw = sum(int(a.argmax() != b.argmax()) for a, b in itertools.pairwise(near))
    tracker = Tracker(TrackingSettings(smoothing=0.3, confirm=1))
    labels = [tracker.update([face(100, probabilities=p)], i / 15)[0].label for i, p in enumerate(near)]
    assert raw > 30
    assert sum(a != b for a, b in itertools.pairwise(labels)) <= 2


def test_a_real_change_comes_through_within_a_second():
    tracker = Tracker(TrackingSettings(smoothing=0.4))
    for i in range(10):
        tracker.update([face(100)], i / 15)
    labels = [tracker.update([face(100, probabilities=SAD)], (10 + i) / 15)[0].label for i in range(15)]
    assert labels[-1] == "sad" and labels[0] == "happy"


def test_what_is_read_in_a_poor_picture_does_not_count_and_the_warning_shows():
    tracker = Tracker(TrackingSettings(smoothing=0.2))
    for i in range(10):
        tracker.update([face(100)], i / 15)
    dark = face(100, probabilities=SAD, warnings=("The face is too dark.",))
    first = tracker.update([dark], 10 / 15)[0]
    for i in range(11, 30):
        last = tracker.update([dark], i / 15)[0]
    assert first.prediction.warnings == ()
    assert last.prediction.warnings == ("The face is too dark.",)
    assert last.prediction.label == "happy"
    for i in range(30, 45):
        back = tracker.update([face(100)], i / 15)[0]
    assert back.prediction.warnings == ()


def test_the_crop_moves_with_its_box():
    matrix = np.array([[2, 0, 100], [0, 2, 100]], np.float32)
    tracker = Tracker(TrackingSettings(confirm=1))
    for i in range(8):
        moved = matrix.copy()
        moved[0, 2] += 20 * i
        tracker.update([face(100 + 20 * i, crop_to_frame=moved)], i * 0.1)
    ahead = tracker.faces(0.8)[0].prediction
    assert ahead.crop_to_frame[0, 2] == pytest.approx(float(ahead.detection.xyxy[0]), abs=0.5)


def test_a_second_network_is_smoothed_beside_the_first():
    tracker = Tracker(TrackingSettings(smoothing=0.5, confirm=1))
    tracker.update([face(100)], 0.0, [face(100, probabilities=HAPPY)])
    shown = tracker.update([face(100)], 0.1, [face(100, probabilities=SAD)])[0]
    assert 0.05 < shown.other.probabilities[1] < 0.9
    assert tracker.update([face(100)], 0.2)[0].other is None


def test_other_classes_start_new_tracks():
    tracker = Tracker(TrackingSettings(confirm=1))
    tracker.update([face(100)], 0.0)
    other = Prediction(Detection(np.array([100, 100, 180, 180])), np.array([0.5, 0.5]), ("yes", "no"))
    assert tracker.update([other], 0.1)[0].track_id == 2


def test_distance_iou_of_equal_apart_and_nested_boxes():
    first = np.array([[50, 50, 20, 20.0]])
    second = np.array([[50, 50, 20, 20.0], [90, 50, 20, 20.0], [50, 50, 10, 10.0]])
    assert distance_iou(first, second)[0] == pytest.approx([1, -(40**2) / (60**2 + 20**2), 0.25])


def test_many_faces_come_and_go_without_growing():
    tracker = Tracker()
    rng = np.random.default_rng(2)
    for i in range(300):
        tracker.update([face(float(x), float(y)) for x, y in rng.uniform(0, 2000, (5, 2))], i / 15)
    assert len(tracker._tracks) <= 5 + 10


def test_slow_analyses_still_show_their_faces_until_they_stop_coming():
    tracker = Tracker(TrackingSettings(hold=0.5))
    tracker.update([face(100)], 0.0)
    tracker.update([face(100)], 2.0)
    assert len(tracker.faces(5.9)) == 1  # the next result is two seconds under way
    assert tracker.faces(8.0) == []
