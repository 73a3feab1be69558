"""What every detector promises, on a photo and on pictures made of it."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from skimage import data

from emoscope.model.entities import Detection
from emoscope.model.errors import DetectorError
from emoscope.model.faces.detectors import (
    BlazeFaceDetector,
    Detector,
    HaarDetector,
    MtcnnDetector,
    WholeImage,
    create_detector,
    detector_problem,
)
from emoscope.model.faces.detectors.search import without_overlaps

FACE_CENTER = np.array([222.0, 117.0])
FACE_SIZE = 98.0  # of the Haar box; YuNet's and MTCNN's are near

Make = Callable[..., Detector]


def assert_is_face(detection: Detection, center: np.ndarray, size: float) -> None:
    found = detection.xyxy.reshape(2, 2).mean(0)
    assert np.abs(found - center).max() < 0.15 * size
    assert 0.75 < math.sqrt(math.prod(detection.size)) / size < 1.3
    assert 0.5 < detection.confidence <= 1.0


def assert_landmarks_in_order(detection: Detection) -> None:
    """The person's right eye first, which is left in the picture; eyes above nose above mouth."""
    assert detection.landmarks is not None
    right_eye, left_eye, nose, right_mouth, left_mouth = detection.landmarks
    assert right_eye[0] < nose[0] < left_eye[0] and right_mouth[0] < nose[0] < left_mouth[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])


@pytest.mark.parametrize("for_video", [False, True])
def test_the_astronaut_is_the_only_face(make: Make, photo: np.ndarray, for_video: bool) -> None:
    (detection,) = make(for_video=for_video).detect(photo)
    assert_is_face(detection, FACE_CENTER, FACE_SIZE)
    if detection.landmarks is not None:
        assert_landmarks_in_order(detection)


@pytest.mark.slow
def test_mtcnn_finds_the_astronaut_and_nothing_in_grass(photo: np.ndarray) -> None:
    detector = MtcnnDetector()
    (detection,) = detector.detect(photo)
    assert_is_face(detection, FACE_CENTER, FACE_SIZE)
    assert_landmarks_in_order(detection)
    assert detector.detect(cv2.cvtColor(data.grass(), cv2.COLOR_GRAY2BGR)) == []
    assert detector.detect(np.zeros((1, 1, 3), np.uint8)) == []


@pytest.mark.parametrize("width", [160, 3000])
def test_boxes_are_in_pixels_of_the_frame_whatever_its_size(make: Make, photo: np.ndarray, width: int) -> None:
    (detection,) = make().detect(cv2.resize(photo, (width, width), interpolation=cv2.INTER_AREA))
    assert_is_face(detection, FACE_CENTER * width / 512, FACE_SIZE * width / 512)


def test_every_face_of_a_group_is_found_once_largest_first(make: Make, photo: np.ndarray) -> None:
    frame = np.full((900, 1400, 3), 200, np.uint8)
    head = photo[0:260, 90:350]  # the face's centre at (132, 117)
    places = [(20, 20, 1.0), (320, 40, 0.8), (640, 10, 1.5), (1060, 30, 0.6), (100, 500, 1.2), (700, 560, 0.7)]
    centers = []
    for x, y, zoom in places:
        small = cv2.resize(head, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
        frame[y : y + small.shape[0], x : x + small.shape[1]] = small
        centers.append((x + 132 * zoom, y + 117 * zoom, zoom))
    found = make().detect(frame)
    assert len(found) == len(places)
    for detection, (x, y, zoom) in zip(found, sorted(centers, key=lambda c: -c[2]), strict=True):
        assert_is_face(detection, np.array([x, y]), FACE_SIZE * zoom)


@pytest.mark.parametrize("angle", [-25.0, 25.0])
def test_a_tilted_head_is_found(make: Make, photo: np.ndarray, angle: float) -> None:
    turn = cv2.getRotationMatrix2D(FACE_CENTER.tolist(), angle, 1.0)
    (detection,) = make().detect(cv2.warpAffine(photo, turn, (512, 512), borderMode=cv2.BORDER_REPLICATE))
    assert_is_face(detection, FACE_CENTER, FACE_SIZE)


@pytest.mark.parametrize("texture", ["brick", "grass", "gravel", "moon", "text", "coffee", "cat"])
def test_pictures_without_a_face_give_none(make: Make, texture: str) -> None:
    image = getattr(data, texture)()
    frame = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR if image.ndim == 2 else cv2.COLOR_RGB2BGR)
    assert make().detect(frame) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (4000, 3), (19, 19)])
def test_frames_too_small_for_a_face_give_none(make: Make, shape: tuple[int, int]) -> None:
    assert make().detect(np.zeros((*shape, 3), np.uint8)) == []


def test_threads_may_share_a_detector(make: Make, photo: np.ndarray) -> None:
    frames = [photo, photo[:300], photo[:, 60:420], np.ascontiguousarray(photo[:, ::-1])] * 3
    alone = [make(for_video=True).detect(frame) for frame in frames]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(make(for_video=True).detect, frames))
    for first, second in zip(alone, together, strict=True):
        assert [d.xyxy.tolist() for d in first] == [d.xyxy.tolist() for d in second]


def test_the_frame_is_left_as_it_was(make: Make, photo: np.ndarray) -> None:
    before = photo.copy()
    make().detect(photo)
    assert (photo == before).all()


def test_whole_image_covers_the_frame() -> None:
    (detection,) = WholeImage().detect(np.zeros((30, 20, 3), np.uint8))
    assert detection.xyxy.tolist() == [0, 0, 20, 30] and detection.confidence == 1.0


def test_overlapping_boxes_leave_the_surest() -> None:
    def at(x: float, size: float, confidence: float) -> Detection:
        return Detection(np.array([x, 0, x + size, size]), confidence)

    inside, around, beside, apart = at(20, 40, 0.9), at(0, 100, 0.8), at(70, 50, 0.7), at(300, 60, 0.5)
    assert without_overlaps([around, apart, inside, beside]) == [apart, beside, inside]
    assert without_overlaps([]) == []


@pytest.mark.parametrize("name", ["blazeface", "haar", "none"])
def test_detectors_that_need_nothing_have_no_problem(name: str) -> None:
    assert detector_problem(name) == ""
    assert create_detector(name).name == name


def test_an_unknown_detector_is_refused_with_the_known_ones() -> None:
    with pytest.raises(DetectorError, match=r"no detector 'dlib'.*blazeface, haar, yunet, mtcnn, none"):
        create_detector("dlib")


def test_mtcnn_without_its_package_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "mtcnn, tensorflow" in detector_problem("mtcnn")
    with pytest.raises(DetectorError, match="pip install mtcnn"):
        create_detector("mtcnn")


def test_importing_the_detectors_loads_no_heavy_package() -> None:
    code = (
        "import sys, emoscope.model.faces.detectors; "
        "print(*{'tensorflow', 'keras', 'mtcnn', 'pooch', 'requests'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""


@pytest.mark.parametrize("kind", [BlazeFaceDetector, HaarDetector])
def test_a_face_that_moves_is_followed_until_it_is_gone(
    kind: type[BlazeFaceDetector | HaarDetector], photo: np.ndarray
) -> None:
    detector = kind(for_video=True)
    known = detector.detect(photo)
    for shift in (0, 8, 16, 24):
        moved = np.roll(photo, shift, axis=1)
        found = detector.follow(moved, known)
        assert found is not None and len(found) == 1
        assert_is_face(found[0], FACE_CENTER + np.array([shift, 0.0]), FACE_SIZE)
        known = found
    assert detector.follow(np.zeros_like(photo), known) is None
    assert detector.follow(photo[:40, :40], known) is None, "the face lies outside of the frame"
