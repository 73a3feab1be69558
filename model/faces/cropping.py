"""From a detection to the crop that the network gets, framed as its training images frame a face."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from emoscope.model.entities import Detection

MAX_ROLL_DEGREES = 60.0
"""A face is turned upright by at most this much; stronger rolls come mostly from misplaced landmarks."""

# More samples per side would cost time and change less than one gray level.
_MAX_OVERSAMPLING = 8


@dataclass(frozen=True)
class CropGeometry:
    """How one detector's boxes and landmarks lie in the network's frame.

    The frame is a square of side 1, x to the right and y down. Measured by ``benchmarks/crop_margin.py``.

    Attributes:
        scale: Side of the frame over the size of the box, the square root of its area.
        offset: Centre of the frame minus centre of the box, ``(x, y)``, over the size of the box.
        landmarks: Where the five landmarks of :class:`~emoscope.model.entities.Detection` lie in the frame; a detection
            that has landmarks is aligned by them, and its box is not used. None if the detector gives none.
    """

    scale: float = 1.0
    offset: tuple[float, float] = (0.0, 0.0)
    landmarks: tuple[tuple[float, float], ...] | None = None


def crop_face(
    frame_bgr: np.ndarray,
    detection: Detection,
    geometry: CropGeometry,
    input_size: tuple[int, int],
    channels: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Cut one face out of a frame at the network's input size, upright, in a single resampling.

    Outside of the frame its border is repeated. A face larger than the input is averaged, not skipped through.

    Args:
        frame_bgr: uint8, shape (H, W, 3).
        detection: The face.
        geometry: Of the detector that found it.
        input_size: Height and width of the crop.
        channels: 1 for gray, 3 for RGB.

    Returns:
        The crop, uint8, shape (height, width) or (height, width, 3) RGB, and the 2×3 float32 matrix that takes its
        pixel coordinates (0, 0 is the centre of the first pixel) to the frame's.
    """
    height, width = input_size
    crop_to_frame = crop_matrix(detection, geometry, input_size)
    zoom = math.hypot(crop_to_frame[0, 0], crop_to_frame[1, 0])
    samples = min(max(1, math.ceil(zoom - 1e-3)), _MAX_OVERSAMPLING)
    fine_to_frame = crop_to_frame @ _shift(-0.5, -0.5) @ _scaling(1 / samples) @ _shift(0.5, 0.5)
    face = cv2.warpAffine(
        frame_bgr,
        fine_to_frame[:2],
        (width * samples, height * samples),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if samples > 1:
        face = cv2.resize(face, (width, height), interpolation=cv2.INTER_AREA)
    face = cv2.cvtColor(face, cv2.COLOR_BGR2GRAY if channels == 1 else cv2.COLOR_BGR2RGB)
    return face, crop_to_frame[:2].astype(np.float32)


def crop_matrix(detection: Detection, geometry: CropGeometry, input_size: tuple[int, int]) -> np.ndarray:
    """Return the 3×3 matrix, float64, that takes pixel coordinates of the crop to the frame's.

    The square of the geometry is the largest one centred in the crop; a crop that is not square shows more beside it.
    """
    unit_to_frame = frame_square(detection, geometry)
    height, width = input_size
    side = min(height, width)
    # Pixel i covers i..i+1 and has its centre at i + 0.5, in the crop and in the frame alike.
    crop_to_unit = _scaling(1 / side) @ _shift(0.5 - (width - side) / 2, 0.5 - (height - side) / 2)
    matrix: np.ndarray = _shift(-0.5, -0.5) @ unit_to_frame @ crop_to_unit
    return matrix


def frame_square(detection: Detection, geometry: CropGeometry) -> np.ndarray:
    """Return the similarity, 3×3 float64, from the geometry's unit square to edge coordinates of the frame."""
    if detection.is_cropped_face:
        geometry = CropGeometry()
    if detection.turned:
        turn = turn_matrix(detection.turned, detection.xyxy.reshape(2, 2).mean(0))
        upright: np.ndarray = np.linalg.inv(turn) @ frame_square(detection.transformed(turn), geometry)
        return upright
    x1, y1, x2, y2 = (float(v) for v in detection.xyxy)
    size = math.sqrt((x2 - x1) * (y2 - y1))
    if geometry.landmarks is not None and detection.landmarks is not None:
        square = _fit_landmarks(np.asarray(geometry.landmarks, float), detection.landmarks.astype(float))
        side = math.hypot(square[0, 0], square[1, 0])
        if size / 3 < side < size * 3:  # landmarks in one spot, or all over the frame, are no guide
            return square
    side = size * geometry.scale
    center_x = (x1 + x2) / 2 + geometry.offset[0] * size
    center_y = (y1 + y2) / 2 + geometry.offset[1] * size
    return _shift(center_x - side / 2, center_y - side / 2) @ _scaling(side)


def turn_matrix(degrees: float, center: np.ndarray) -> np.ndarray:
    """Return the 3×3 matrix of a clockwise turn about a point ``(x, y)``."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turn = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    matrix: np.ndarray = _shift(*center) @ turn @ _shift(*-np.asarray(center, float))
    return matrix


def _fit_landmarks(template: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Fit the similarity from template to points, least squares over all five, its rotation bounded.

    The scale is fitted from the points to the template, whose regression ignores an axis that has collapsed: a head
    turned aside keeps its size, because eyes and mouth still stand as far apart in height.

    Source: S. Umeyama, Least-squares estimation of transformation parameters between two point patterns, PAMI 1991.
    """
    template_center, points_center = template.mean(0), points.mean(0)
    a = template - template_center
    b = points - points_center
    # As complex numbers a similarity of the plane is one multiplication: a ≈ z · b.
    z_a, z_b = a[:, 0] + 1j * a[:, 1], b[:, 0] + 1j * b[:, 1]
    spread = float((np.abs(z_b) ** 2).sum())
    z = complex((z_a * z_b.conj()).sum()) / max(spread, 1e-9)
    limit = math.radians(MAX_ROLL_DEGREES)
    roll = min(max(-math.atan2(z.imag, z.real), -limit), limit)
    scale = 1 / max(abs(z), 1e-9)
    cosine, sine = scale * math.cos(roll), scale * math.sin(roll)
    turn = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    matrix: np.ndarray = _shift(*points_center) @ turn @ _shift(*-template_center)
    return matrix


def _shift(x: float, y: float) -> np.ndarray:
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def _scaling(factor: float) -> np.ndarray:
    return np.diag([factor, factor, 1.0])
