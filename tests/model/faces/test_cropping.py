"""Crops against the geometry they promise."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from emoscope.model.entities import Detection
from emoscope.model.faces.cropping import MAX_ROLL_DEGREES, CropGeometry, crop_face

WHOLE = CropGeometry()
TEMPLATE = ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8))
ALIGNED = CropGeometry(landmarks=TEMPLATE)


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def box(x1: float, y1: float, x2: float, y2: float) -> Detection:
    return Detection(np.array([x1, y1, x2, y2]))


def placed(center: tuple[float, float], side: float, roll_degrees: float) -> Detection:
    """A face whose square has this centre and side in edge coordinates, rolled clockwise on the screen."""
    angle = math.radians(roll_degrees)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    points = (np.array(TEMPLATE) - 0.5) * side @ turn.T + center
    return Detection(np.array([*(np.array(center) - side / 2), *(np.array(center) + side / 2)]), landmarks=points)


def test_identity_geometry_reproduces_the_picture() -> None:
    frame = noise(48, 48)
    face, crop_to_frame = crop_face(frame, box(0, 0, 48, 48), WHOLE, (48, 48), 3)
    assert (face == frame[:, :, ::-1]).all()
    assert np.allclose(crop_to_frame, [[1, 0, 0], [0, 1, 0]], atol=1e-6)


def test_gray_crop_is_the_frame_in_gray() -> None:
    frame = noise(32, 32)
    face, _ = crop_face(frame, box(0, 0, 32, 32), WHOLE, (32, 32), 1)
    assert face.shape == (32, 32) and (face == cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)).all()


@pytest.mark.parametrize("factor", [2, 4, 7])
def test_shrinking_averages_every_pixel(factor: int) -> None:
    frame = noise(24 * factor, 24 * factor)
    face, _ = crop_face(frame, box(0, 0, 24 * factor, 24 * factor), WHOLE, (24, 24), 3)
    means = frame.reshape(24, factor, 24, factor, 3).mean((1, 3))[:, :, ::-1]
    assert np.abs(face - means).max() <= 1


def test_shrinking_far_shows_no_moire() -> None:
    frame = np.zeros((2000, 2000, 3), np.uint8)
    frame[:, ::2] = 255
    face, _ = crop_face(frame, box(0, 0, 2000, 2000), WHOLE, (48, 48), 1)
    assert np.abs(face.astype(int) - 127).max() <= 20


def test_margin_and_offset_place_the_square() -> None:
    geometry = CropGeometry(scale=1.5, offset=(0.1, -0.2))
    _, crop_to_frame = crop_face(noise(200, 200), box(60, 80, 100, 120), geometry, (48, 48), 1)
    center = crop_to_frame @ (23.5, 23.5, 1)
    assert np.allclose(center, (80 + 4 - 0.5, 100 - 8 - 0.5), atol=1e-4)
    assert math.isclose(crop_to_frame[0, 0] * 48, 60, rel_tol=1e-5)


def test_a_box_that_is_not_square_gives_a_square_of_its_area() -> None:
    _, crop_to_frame = crop_face(noise(200, 200), box(50, 20, 100, 148), WHOLE, (40, 40), 1)
    assert np.allclose(crop_to_frame[:, :2] * 40, np.eye(2) * 80, atol=1e-3)


def test_outside_of_the_frame_its_border_is_repeated() -> None:
    frame = np.zeros((40, 40, 3), np.uint8)
    frame[:, 0], frame[:, -1] = 50, 200
    face, _ = crop_face(frame, box(-20, 0, 60, 40), CropGeometry(scale=80 / math.sqrt(80 * 40)), (80, 80), 1)
    assert (face[:, :20] == 50).all() and (face[:, 60:] == 200).all()


def test_input_that_is_not_square_keeps_the_aspect() -> None:
    face, crop_to_frame = crop_face(noise(100, 100), box(20, 20, 80, 80), WHOLE, (30, 60), 3)
    assert face.shape == (30, 60, 3)
    assert np.allclose(crop_to_frame[:, :2], np.eye(2) * 2, atol=1e-5)
    assert np.allclose(crop_to_frame @ (29.5, 14.5, 1), (49.5, 49.5), atol=1e-4)


@pytest.mark.parametrize("roll", [-45.0, -20.0, 0.0, 10.0, 50.0])
def test_landmarks_are_taken_to_their_places_whatever_the_roll(roll: float) -> None:
    detection = placed((120.0, 90.0), 64.0, roll)
    _, crop_to_frame = crop_face(noise(200, 240), detection, ALIGNED, (48, 48), 1)
    in_crop = np.array(TEMPLATE) * 48 - 0.5
    in_frame = in_crop @ crop_to_frame[:, :2].T + crop_to_frame[:, 2]
    assert np.allclose(in_frame, detection.landmarks - 0.5, atol=1e-2)


def test_a_rolled_face_is_turned_upright() -> None:
    # A blob on each landmark; eyes of a rolled face must come out level and where the template has them.
    frame = np.zeros((240, 240, 3), np.uint8)
    detection = placed((120.0, 120.0), 96.0, 30.0)
    for x, y in detection.landmarks[:2]:
        cv2.circle(frame, (round(float(x)), round(float(y))), 4, (255, 255, 255), -1)
    face, _ = crop_face(frame, detection, ALIGNED, (96, 96), 1)
    _, _, _, centers = cv2.connectedComponentsWithStats((face > 100).astype(np.uint8))
    right_eye, left_eye = sorted(centers[1:].tolist())
    assert abs(right_eye[1] - left_eye[1]) < 1
    assert np.allclose([right_eye, left_eye], np.array(TEMPLATE[:2]) * 96 - 0.5, atol=1)


def test_the_roll_is_bounded() -> None:
    _, crop_to_frame = crop_face(noise(200, 200), placed((100.0, 100.0), 60.0, 170.0), ALIGNED, (48, 48), 1)
    roll = math.degrees(math.atan2(crop_to_frame[1, 0], crop_to_frame[0, 0]))
    assert math.isclose(roll, MAX_ROLL_DEGREES, abs_tol=1e-3)


def test_a_head_turned_aside_keeps_its_size() -> None:
    frontal = placed((100.0, 100.0), 60.0, 0.0)
    turned = frontal.landmarks.copy()
    turned[:, 0] = 100 + (turned[:, 0] - 100) * 0.3
    detection = Detection(frontal.xyxy, landmarks=turned)
    _, crop_to_frame = crop_face(noise(200, 200), detection, ALIGNED, (48, 48), 1)
    assert 0.75 < crop_to_frame[0, 0] * 48 / 60 <= 1.0


@pytest.mark.parametrize("landmarks", [np.full((5, 2), 100.0), np.array(TEMPLATE) * 5000, np.zeros((5, 2))])
def test_landmarks_that_cannot_be_are_left_aside(landmarks: np.ndarray) -> None:
    detection = Detection(np.array([70, 70, 130, 130]), landmarks=landmarks)
    _, crop_to_frame = crop_face(noise(200, 200), detection, ALIGNED, (48, 48), 1)
    assert np.allclose(crop_to_frame[:, :2] * 48, np.eye(2) * 60, atol=1e-3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (5000, 2)])
def test_tiny_and_narrow_frames_give_a_crop(shape: tuple[int, int]) -> None:
    frame = np.full((*shape, 3), 77, np.uint8)
    face, _ = crop_face(frame, box(0, 0, shape[1], shape[0]), WHOLE, (48, 48), 1)
    assert face.shape == (48, 48) and (face == 77).all()
