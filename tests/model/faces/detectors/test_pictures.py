"""Single pictures: cropped faces are taken whole, and pictures on their side are turned."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from emoscope.model.entities import Detection
from emoscope.model.faces.cropping import CropGeometry, crop_face
from emoscope.model.faces.detectors import create_picture_detector
from emoscope.model.faces.detectors.pictures import PictureDetector, brightened, is_cropped_face

PLAIN_CROP = CropGeometry(scale=1.0, offset=(0.0, 0.0))
ROTATIONS = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def square(side: float, at: float = 0.0) -> Detection:
    return Detection(np.array([at, at, at + side, at + side]), 0.9)


@pytest.mark.parametrize(
    ("shape", "found", "expected"),
    [
        ((48, 48), [], True),
        ((128, 100), [], True),
        ((128, 60), [], False),  # too long for a crop
        ((129, 129), [], False),  # large enough for a detector to find a face
        ((100, 100), [square(60)], True),
        ((100, 100), [square(40)], False),
        ((400, 400), [square(320)], True),
        ((400, 400), [square(250)], False),
        ((400, 400), [square(320), square(50, 340)], False),  # two people
    ],
)
def test_a_picture_that_one_face_fills_is_a_cropped_face(
    shape: tuple[int, int], found: list[Detection], expected: bool
) -> None:
    assert is_cropped_face(noise(*shape), found, PLAIN_CROP) is expected


@pytest.mark.parametrize("color", [(0, 0, 0), (255, 255, 255), (200, 30, 90)])
def test_a_small_picture_of_nothing_is_no_face(color: tuple[int, int, int]) -> None:
    assert not is_cropped_face(np.full((48, 48, 3), color, np.uint8), [], PLAIN_CROP)


def test_a_face_cut_out_is_taken_whole_unless_told_otherwise(photo: np.ndarray) -> None:
    crop = cv2.resize(photo[70:180, 168:278], (48, 48), interpolation=cv2.INTER_AREA)
    [whole] = create_picture_detector("blazeface").detect(crop)
    assert whole.is_cropped_face and whole.xyxy.tolist() == [0, 0, 48, 48]
    assert not any(
        face.is_cropped_face for face in create_picture_detector("blazeface", takes_crops=False).detect(crop)
    )


@pytest.mark.parametrize(
    ("name", "turned"), [*(("blazeface", turned) for turned in ROTATIONS), ("haar", 90), ("haar", 270)]
)
def test_a_picture_on_its_side_is_turned_and_its_face_found_where_it_is(
    photo: np.ndarray, name: str, turned: int
) -> None:
    lying = cv2.rotate(photo[:300], ROTATIONS[turned])  # to be turned clockwise by so many degrees
    detector = create_picture_detector(name)
    [upright] = detector.detect(photo[:300])
    [face] = detector.detect(lying)
    assert (upright.turned, face.turned) == (0, turned)
    x1, y1, x2, y2 = (int(v) for v in face.xyxy)
    assert 0 <= x1 < x2 <= lying.shape[1] and 0 <= y1 < y2 <= lying.shape[0]
    crops = [
        crop_face(frame, found, detector.crop, (48, 48), 1)[0] for frame, found in ((photo, upright), (lying, face))
    ]
    assert np.abs(crops[0].astype(int) - crops[1]).mean() < 6, "the crop is upright, too"


def dark(picture: np.ndarray, light: float) -> np.ndarray:
    """Return a picture in so little light, with the noise of a camera."""
    noisy = picture * light + np.random.default_rng(0).normal(0, 1.5, picture.shape)
    return noisy.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(("name", "light"), [("blazeface", 0.03), ("haar", 0.08)])
def test_a_dark_picture_is_brightened_which_its_faces_say(photo: np.ndarray, name: str, light: float) -> None:
    detector = create_picture_detector(name)
    [known] = detector.detect(photo)
    [found] = detector.detect(dark(photo, light))
    assert found.brightened and not known.brightened
    assert np.abs(found.xyxy - known.xyxy).max() < 0.25 * max(known.size)


def test_a_dark_picture_on_its_side_is_brightened_and_turned(photo: np.ndarray) -> None:
    [found] = create_picture_detector("blazeface").detect(dark(np.rot90(photo), 0.03))
    assert found.brightened and found.turned == 90


@pytest.mark.parametrize("level", [0, 3, 12, 40])
def test_noise_in_the_dark_is_no_face(level: int) -> None:
    for size in ((360, 480, 3), (48, 48, 3)):
        assert create_picture_detector("blazeface").detect(dark(np.full(size, level, np.uint8), 1)) == []


def test_a_light_picture_and_a_dark_one_with_a_lamp_are_told_apart(photo: np.ndarray) -> None:
    assert brightened(photo) is None
    night = dark(photo, 0.08)
    night[:40, :100] = 255
    assert brightened(night) is not None


def test_a_turn_that_finds_nothing_surer_changes_nothing() -> None:
    class Unsure:
        name, crop = "haar", PLAIN_CROP

        def detect(self, frame_bgr: np.ndarray) -> list[Detection]:
            return [square(30, 100)] if frame_bgr.shape[0] > frame_bgr.shape[1] else [square(40, 100)]

    [face] = PictureDetector(Unsure(), Unsure).detect(noise(300, 200))
    assert face.turned == 0 and face.size == (30, 30)
