import numpy as np
import pytest

from emoscope.model.entities import Detection, Prediction


def test_a_moved_prediction_takes_landmarks_and_crop_along():
    points = np.arange(10, dtype=np.float32).reshape(5, 2)
    matrix = np.array([[2, 0, 10], [0, 2, 20]], np.float32)
    detection = Detection(np.array([0, 0, 10, 20]), 0.5, points, track_id=3)
    before = Prediction(detection, np.array([1.0, 0.0]), ("a", "b"), crop_to_frame=matrix)
    after = before.moved(0.5, (7, 9))
    assert after.detection.xyxy.tolist() == [7, 9, 12, 19]
    assert after.detection.landmarks == pytest.approx(points / 2 + (7, 9))
    corner = np.array([4, 6, 1])
    assert after.crop_to_frame @ corner == pytest.approx(before.crop_to_frame @ corner / 2 + (7, 9))
    assert (after.detection.track_id, after.detection.confidence) == (3, 0.5)
    assert (before.crop_to_frame == matrix).all() and before.moved(1) is before
