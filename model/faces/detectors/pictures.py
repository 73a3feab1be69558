"""Faces in single pictures, which may be cropped faces already, lie on their side, or be dark."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import cv2
import numpy as np

from emoscope.model.entities import Detection
from emoscope.model.faces.cropping import MAX_ROLL_DEGREES, CropGeometry, frame_square, turn_matrix
from emoscope.model.faces.detectors.base import Detector, WholeImage
from emoscope.model.faces.quality import SURE_FROM

CROP_SIDE = 128
"""A picture of at most this many pixels per side in which no face is found is taken for a cropped face."""

_CROP_RATIO = 1.6  # of the longer to the shorter side; crops of faces are about square
_SMALL_FILLED, _FILLED = 0.5, 0.75  # side of the face's crop over that of the picture, from which on it is one
# Confidence below which a picture is turned, and what a face in a turned picture must have, by detector. BlazeFace is
# sure of nearly every face that stands upright; of those on their side it finds half as well, at wrong places.
_TURNED_BELOW, _TURNED_FROM = {"blazeface": 0.99}, {"blazeface": 0.975}
_SURE = 0.9  # confidence of the face that a larger picture must have to be one
_PLAIN = 8.0  # deviation of the gray levels, below which a picture shows nothing at all
# A picture is dark if so many percent of its pixels stay below a level. What sticks out of them may be a lamp.
_MOST, _DARK = 95, 80
_HIGHLIGHTS, _LEAST_WHITE, _GAMMA = 99.5, 4.0, 0.6
_LEVELS_FROM = 256  # rows or columns
_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 270: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180}


class PictureDetector:
    """Detects faces as another detector does, and looks again where that finds nothing it is sure of.

    A picture that one face fills is taken whole, since a tighter crop of a cropped face is not what a network was
    trained on. A dark one is brightened as well, and one in which no face is clear is turned by 90°, 270° and 180°.
    Thread-safe if the others are.

    Args:
        detector: Searches the pictures.
        quick: Makes the same kind of detector for video, which tells which way up a picture is, when one is turned.
        takes_crops: Whether a picture may be taken whole.
    """

    def __init__(self, detector: Detector, quick: Callable[[], Detector], takes_crops: bool = True) -> None:
        self.name, self.crop = detector.name, detector.crop
        self._detector, self._quick = detector, cache(quick)
        self._takes_crops = takes_crops

    def detect(self, frame_bgr: np.ndarray) -> list[Detection]:
        """Return the faces of a picture, uint8, shape (H, W, 3), largest first."""
        found = self._detector.detect(frame_bgr)
        light = brightened(frame_bgr)
        if light is None:
            return self._reconsidered(frame_bgr, frame_bgr, found)
        others = self._detector.detect(light)
        if _clearness(found) >= _clearness(others) and found:
            return self._reconsidered(frame_bgr, frame_bgr, found)
        return [replace(face, brightened=True) for face in self._reconsidered(frame_bgr, light, others)]

    def _reconsidered(self, original: np.ndarray, frame_bgr: np.ndarray, found: list[Detection]) -> list[Detection]:
        """Return what was found, or what is found in the picture taken whole or turned; it may have been brightened."""
        if self._takes_crops and is_cropped_face(original, found, self.crop):
            return WholeImage().detect(original)
        upright = _confidence([face for face in found if not _lies(face)])
        if upright >= _TURNED_BELOW.get(self.name, SURE_FROM):
            return found
        least = max(upright, _TURNED_FROM.get(self.name, SURE_FROM))
        quick = self._quick()
        promises = {turn: _confidence(quick.detect(cv2.rotate(frame_bgr, code))) for turn, code in _TURNS.items()}
        for turn in sorted(_TURNS, key=promises.__getitem__, reverse=True):
            if promises[turn] >= least and _confidence(turned := self._detect_turned(frame_bgr, turn)) >= least:
                return turned
        return found

    def _detect_turned(self, frame_bgr: np.ndarray, degrees: int) -> list[Detection]:
        """Return the faces of the picture turned clockwise, in places of the picture as it is."""
        turned = cv2.rotate(frame_bgr, _TURNS[degrees])
        back = turn_matrix(-degrees, np.zeros(2))
        corner = back[:2, :2] @ (turned.shape[1], turned.shape[0])
        back[:2, 2] = -np.minimum(corner, 0)
        return [face.transformed(back, degrees) for face in self._detector.detect(turned)]


def brightened(frame_bgr: np.ndarray) -> np.ndarray | None:
    """Return a dark picture with its highlights at white and its shadows raised; None for one that is light enough.

    Args:
        frame_bgr: uint8, shape (H, W, 3).
    """
    step = max(1, min(frame_bgr.shape[:2]) // _LEVELS_FROM)
    levels = frame_bgr[::step, ::step].max(axis=2)
    if np.percentile(levels, _MOST) >= _DARK:
        return None
    white = max(float(np.percentile(levels, _HIGHLIGHTS)), _LEAST_WHITE)
    curve = 255 * np.minimum(np.arange(256) / white, 1) ** _GAMMA
    return cv2.LUT(frame_bgr, curve.round().astype(np.uint8))


def is_cropped_face(frame_bgr: np.ndarray, found: Sequence[Detection], geometry: CropGeometry) -> bool:
    """Tell whether a picture is a cropped face already, as those of FER-2013 are.

    It is about square, and either small, with nothing found in it but perhaps a face that fills half of it; or of any
    size, with nothing found but one face that fills it.

    Args:
        frame_bgr: uint8, shape (H, W, 3).
        found: What a detector found in it.
        geometry: Of that detector.
    """
    height, width = frame_bgr.shape[:2]
    if max(height, width) > _CROP_RATIO * min(height, width):
        return False
    is_small = max(height, width) <= CROP_SIDE
    if not found:
        return is_small and float(frame_bgr.std(axis=(0, 1)).max()) >= _PLAIN
    if len(found) > 1 or (not is_small and found[0].confidence < _SURE):
        return False
    side = math.hypot(*frame_square(found[0], geometry)[:2, 0]) / math.sqrt(height * width)
    return side >= (_SMALL_FILLED if is_small else _FILLED)


def _clearness(found: Sequence[Detection]) -> tuple[int, float]:
    """Return how many faces a detector is sure of, and how sure of the clearest."""
    return sum(face.confidence >= SURE_FROM for face in found), _confidence(found)


def _lies(face: Detection) -> bool:
    """Tell whether the eyes of a face say that it is turned further than a crop is turned back."""
    if face.landmarks is None:
        return False
    x, y = face.landmarks[1] - face.landmarks[0]
    return math.degrees(math.atan2(abs(y), x)) > MAX_ROLL_DEGREES


def _confidence(found: Sequence[Detection]) -> float:
    return max((face.confidence for face in found), default=0.0)
