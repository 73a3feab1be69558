"""Faces too poor to be classified: they get a warning in place of a prediction.

A network predicts something for every crop. These checks find faces whose prediction would mean little. Their
thresholds lie outside the range of FER-2013's validation images, which networks are trained for: none of them is
rejected as it is, nearly all are once blurred over 2 of their 48 pixels or left with 15 % of their light
(``benchmarks/face_quality.py`` prints the shares beside a run's accuracy).
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from emoscope.model.entities import Detection, Prediction

TOO_SMALL = "The face is too small."
TOO_DARK = "The face is too dark."
BLURRED = "The face is blurred."
TURNED_AWAY = "The face is turned away."
DOUBTFUL = "The detector is unsure: perhaps a face."

SURE_FROM = 0.8
"""Confidence of the detector below which a face is called doubtful, unless the user sets another."""

MIN_SIDE = 28
"""Smallest box, in pixels; below it eyes and mouth are a few pixels each."""

MIN_BRIGHTNESS = 45
"""Lowest gray level that the brightest tenth of a face must reach."""

MIN_SHARPNESS = 0.16
"""Lowest share of fine detail, see :func:`sharpness`."""

MAX_NOSE_OFFSET = 0.4
"""Farthest that the nose may lie beside the middle of the eyes, in eye distances; a head turned by about 40°."""

BLACK = 24
"""Level that no pixel exceeds where the camera is covered; the noise of a sensor in the dark stays below it."""

BLACK_CAMERA = (
    "The camera's picture is black. Open its shutter or cover, switch it on by its key, or close what else uses it."
)

_BLACK_STEP = 16  # pixels: every so many are looked at
_SIDE = 48


def is_black(frame_bgr: np.ndarray) -> bool:
    """Tell whether a camera sees nothing: it is covered, switched off by a key, or kept by another program.

    Args:
        frame_bgr: uint8, shape (H, W, 3).
    """
    return int(frame_bgr[::_BLACK_STEP, ::_BLACK_STEP].max(initial=0)) <= BLACK


def face_warnings(frame_bgr: np.ndarray, detection: Detection, sure_from: float = SURE_FROM) -> tuple[str, ...]:
    """Return why a face should not be classified, gravest reason first; empty if it can be.

    Args:
        frame_bgr: uint8, shape (H, W, 3).
        detection: The face; whether it is turned away shows only where it has landmarks.
        sure_from: Confidence of the detector below which it is perhaps no face.
    """
    warnings = [DOUBTFUL] if detection.confidence < sure_from else []
    if min(detection.size) < MIN_SIDE:
        return (*warnings, TOO_SMALL)
    face = _face_gray(frame_bgr, detection)
    if face is None:
        return tuple(warnings)
    if _gray_level(face, 0.9) < MIN_BRIGHTNESS:
        warnings.append(TOO_DARK)
    elif sharpness(face) < MIN_SHARPNESS:  # of a dark face this would measure the camera's noise
        warnings.append(BLURRED)
    if detection.landmarks is not None and nose_offset(detection.landmarks) > MAX_NOSE_OFFSET:
        warnings.append(TURNED_AWAY)
    return tuple(warnings)


def judged(prediction: Prediction, sure_from: float) -> Prediction:
    """Return a prediction whose face is called doubtful below another confidence of the detector."""
    warnings = tuple(warning for warning in prediction.warnings if warning != DOUBTFUL)
    if prediction.detection.confidence < sure_from:
        warnings = (DOUBTFUL, *warnings)
    return prediction if warnings == prediction.warnings else replace(prediction, warnings=warnings)


def sharpness(face_gray: np.ndarray) -> float:
    """Measure fine detail: the deviation of the Laplacian over that of the gray levels, at 48×48 pixels.

    Unlike the bare variance of the Laplacian it depends neither on contrast nor on the picture's size.

    Args:
        face_gray: uint8, shape (H, W).

    Source: the variance of the Laplacian of Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy, 2000.
    """
    shrinks = min(face_gray.shape) >= _SIDE
    small = cv2.resize(face_gray, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    detail = cv2.Laplacian(small.astype(np.float32), cv2.CV_32F)
    return _deviation(detail) / max(_deviation(small), 1.0)


def nose_offset(landmarks: np.ndarray) -> float:
    """Return how far the nose lies beside the middle of the eyes, along their line, in eye distances.

    Args:
        landmarks: As in :class:`~emoscope.model.entities.Detection`, shape (5, 2).
    """
    right_eye, left_eye, nose = np.asarray(landmarks[:3], np.float64)
    across = left_eye - right_eye
    distance = max(float(np.hypot(*across)), 1e-6)
    return float(abs((nose - (right_eye + left_eye) / 2) @ across) / distance**2)


def _gray_level(face_gray: np.ndarray, share: float) -> int:
    """Return the gray level that such a share of the pixels stays below; many times faster than a percentile."""
    place = round(share * (face_gray.size - 1))
    return int(np.partition(face_gray, place, axis=None)[place])


def _deviation(values: np.ndarray) -> float:
    return float(cv2.meanStdDev(values)[1][0, 0])  # several times faster than NumPy's


def _face_gray(frame_bgr: np.ndarray, detection: Detection) -> np.ndarray | None:
    """Return the part of the box that lies in the frame, gray; None where none does."""
    height, width = frame_bgr.shape[:2]
    x1, y1, x2, y2 = (round(float(v)) for v in detection.xyxy)
    region = frame_bgr[max(0, y1) : min(height, y2), max(0, x1) : min(width, x2)]
    return cv2.cvtColor(region, cv2.COLOR_BGR2GRAY) if region.size else None
