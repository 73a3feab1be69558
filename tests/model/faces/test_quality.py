import cv2
import numpy as np
import pytest
from skimage import data

from emoscope.model.entities import Detection, Prediction
from emoscope.model.faces import quality

FACE = (170, 60, 280, 190)
FRONTAL = [[40, 40], [80, 40], [60, 60], [45, 80], [75, 80]]


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    return np.ascontiguousarray(data.astronaut()[:, :, ::-1])


def warnings_of(frame: np.ndarray, xyxy=FACE, landmarks=None) -> tuple[str, ...]:
    return quality.face_warnings(frame, Detection(np.array(xyxy, np.float32), landmarks=landmarks))


def test_a_well_lit_sharp_face_has_no_warning(astronaut):
    assert warnings_of(astronaut) == ()


@pytest.mark.parametrize(
    ("degrade", "expected"),
    [
        (lambda f: (f * 0.12).astype(np.uint8), quality.TOO_DARK),
        (lambda f: cv2.GaussianBlur(f, (0, 0), 8), quality.BLURRED),
        (lambda f: np.zeros_like(f), quality.TOO_DARK),
        (lambda f: np.full_like(f, 255), quality.BLURRED),
    ],
)
def test_a_degraded_face_is_named(astronaut, degrade, expected):
    assert warnings_of(degrade(astronaut)) == (expected,)


def test_a_small_face_is_too_small_whatever_else(astronaut):
    small = cv2.resize(astronaut, (96, 96), interpolation=cv2.INTER_AREA)
    assert warnings_of(small, (32, 11, 52, 35)) == (quality.TOO_SMALL,)


def test_half_the_brightness_is_still_read(astronaut):
    assert warnings_of((astronaut * 0.5).astype(np.uint8)) == ()


@pytest.mark.parametrize(("nose", "turned"), [(60, False), (66, False), (79, True), (41, True)])
def test_a_nose_beside_the_eyes_is_a_head_turned_away(astronaut, nose, turned):
    points = np.array(FRONTAL, np.float32)
    points[2, 0] = nose
    assert (quality.TURNED_AWAY in warnings_of(astronaut, landmarks=points)) == turned


def test_the_nose_is_measured_along_a_tilted_eye_line():
    angle = np.radians(30)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    assert quality.nose_offset(np.array(FRONTAL) @ turn.T) == pytest.approx(0, abs=1e-9)


def test_a_box_outside_of_the_frame_is_no_crash(astronaut):
    assert warnings_of(astronaut, (600, 600, 700, 700)) == ()


def test_sharpness_does_not_depend_on_contrast(astronaut):
    gray = cv2.cvtColor(astronaut[60:190, 170:280], cv2.COLOR_BGR2GRAY)
    assert quality.sharpness((gray * 0.5).astype(np.uint8)) == pytest.approx(quality.sharpness(gray), rel=0.1)


def test_an_unsure_detector_is_named_and_another_threshold_judges_afresh(astronaut):
    doubtful = Detection(np.array(FACE, np.float32), confidence=0.7)
    assert quality.face_warnings(astronaut, doubtful) == (quality.DOUBTFUL,)
    assert quality.face_warnings(astronaut, doubtful, sure_from=0.7) == ()
    prediction = Prediction(doubtful, np.array([1.0]), ("happy",), warnings=(quality.TOO_DARK,))
    strict = quality.judged(prediction, 0.9)
    assert strict.warnings == (quality.DOUBTFUL, quality.TOO_DARK)
    assert quality.judged(strict, 0.5).warnings == (quality.TOO_DARK,)
    assert quality.judged(prediction, 0.5) is prediction
