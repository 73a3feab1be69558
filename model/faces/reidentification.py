"""People of a video who are hidden for a while and come back: they keep the number that they had.

A tracker gives up a face that is not found for half a second. Whoever then turns up close by, as large, in the same
scene and not looking different is the same person; after a cut to another scene nobody is, until the scene is back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from emoscope.model.faces.tracking import TrackedFace

MEMORY_SECONDS = 30.0
SAME_SCENE = 35.0
"""Gray levels by which two pictures of one scene differ at most on average; no camera's movement makes more at once."""

_GLIMPSE = (16, 9)
_LOOK_SIDE = 12
_SAMPLES = 4  # per side, averaged into one against noise
_LOOK_ZOOM = 1.5  # with hair and collar
_LEAST_ALIKE = 0.4  # a veto only: place and scene say more than so few pixels
_NEAR, _NEAR_PER_SECOND, _NEAR_AT_MOST = 0.75, 0.25, 1.5  # widths of the face
_LARGEST_RATIO = 1.6


def glimpse(frame_bgr: np.ndarray) -> np.ndarray:
    """Return a picture so small that only its scene is left: uint8, shape (9, 16, 3)."""
    return cv2.resize(frame_bgr, _GLIMPSE, interpolation=cv2.INTER_AREA)


def is_same_scene(first: np.ndarray, second: np.ndarray, moved: np.ndarray | None = None) -> bool:
    """Tell whether two glimpses are of one scene, by how much of their light differs.

    Args:
        first: The earlier one.
        second: The later one.
        moved: By how many pixels of a glimpse, to the right and down, the camera's movement may have shifted it.
    """
    if float(cv2.absdiff(first, second).mean()) <= SAME_SCENE:
        return True
    if moved is None or (np.abs(moved) > np.array(_GLIMPSE) / 2).any():
        return False
    matrix = np.array([[1, 0, moved[0]], [0, 1, moved[1]]], np.float32)
    shifted = cv2.warpAffine(first, matrix, _GLIMPSE, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    covered = cv2.warpAffine(np.ones_like(first), matrix, _GLIMPSE, flags=cv2.INTER_NEAREST) > 0
    return float(cv2.absdiff(shifted, second)[covered].mean()) <= SAME_SCENE


@dataclass(frozen=True, eq=False)
class _Sighting:
    """A person as last seen: when, where (centre x and y, width), how, and in which scene.

    ``cell`` is the width and height of a glimpse's pixel in the frame.
    """

    at: float
    place: np.ndarray
    look: np.ndarray
    scene: np.ndarray
    cell: np.ndarray

    def could_be(self, later: _Sighting) -> float:
        """Return how much alike they look, or -1 where place, size or scene say that they are two people."""
        gap = later.at - self.at
        ratio = later.place[2] / self.place[2]
        if gap > MEMORY_SECONDS or not 1 / _LARGEST_RATIO < ratio < _LARGEST_RATIO:
            return -1.0
        reach = min(_NEAR + _NEAR_PER_SECOND * gap, _NEAR_AT_MOST) * self.place[2]
        way = later.place[:2] - self.place[:2]
        if np.hypot(*way) > reach or not is_same_scene(self.scene, later.scene, way / self.cell):
            return -1.0
        alike = float(self.look @ later.look)
        return alike if alike >= _LEAST_ALIKE else -1.0


class Reidentification:
    """Turns a tracker's ids into people's numbers, counted from 1. Not thread-safe."""

    def __init__(self) -> None:
        self._people: dict[int, _Sighting] = {}
        self._numbers: dict[int, int] = {}  # of the faces in sight, by track id
        self._counted = 0

    def recognize(self, faces: Sequence[TrackedFace], frame_bgr: np.ndarray, at: float) -> list[TrackedFace]:
        """Return the faces of one analysis with people's numbers as their track ids.

        Args:
            faces: As tracked, in pixels of the frame.
            frame_bgr: uint8, shape (H, W, 3).
            at: Its time in seconds; later than the one before.
        """
        scene = glimpse(frame_bgr)
        seen = [_sighting(face, frame_bgr, scene, at) for face in faces]
        here = {self._numbers[face.track_id] for face in faces if face.track_id in self._numbers}
        for face, sighting in zip(faces, seen, strict=True):
            if face.track_id not in self._numbers:
                self._numbers[face.track_id] = self._recall(sighting, here)
                here.add(self._numbers[face.track_id])
        self._numbers = {face.track_id: self._numbers[face.track_id] for face in faces}
        numbers = list(self._numbers.values())
        for face, number, sighting in zip(faces, numbers, seen, strict=True):
            if not face.is_held:  # where it is held, something else is seen
                self._people[number] = sighting
        self._people = {n: known for n, known in self._people.items() if at - known.at <= MEMORY_SECONDS}
        return [_numbered(face, number) for face, number in zip(faces, numbers, strict=True)]

    def _recall(self, sighting: _Sighting, here: set[int]) -> int:
        """Return the number of the person who is back, or the next free one."""
        away = {number: known.could_be(sighting) for number, known in self._people.items() if number not in here}
        best = max(away, key=away.__getitem__, default=None)
        if best is not None and away[best] >= 0:
            return best
        self._counted += 1
        return self._counted


def _sighting(face: TrackedFace, frame_bgr: np.ndarray, scene: np.ndarray, at: float) -> _Sighting:
    x1, y1, x2, y2 = (float(side) for side in face.prediction.detection.xyxy)
    place = np.array([(x1 + x2) / 2, (y1 + y2) / 2, max(x2 - x1, 1.0)])
    cell = np.array(frame_bgr.shape[1::-1]) / _GLIMPSE
    return _Sighting(at, place, _look(frame_bgr, place), scene, cell)


def _look(frame_bgr: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return a face with hair and collar as a few colours: float32, shape (432,), of mean 0 and length 1."""
    side = _LOOK_ZOOM * place[2]
    factor = side / (_SAMPLES * _LOOK_SIDE)
    matrix = np.array([[factor, 0, place[0] - side / 2], [0, factor, place[1] - side / 2]], np.float32)
    patch = cv2.warpAffine(
        frame_bgr,
        matrix,
        (_SAMPLES * _LOOK_SIDE, _SAMPLES * _LOOK_SIDE),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    small = cv2.resize(patch, (_LOOK_SIDE, _LOOK_SIDE), interpolation=cv2.INTER_AREA)
    colors = cv2.cvtColor(small, cv2.COLOR_BGR2LAB).astype(np.float32)
    vector = (colors - colors.mean((0, 1))).ravel()
    return vector / max(float(np.linalg.norm(vector)), 1e-6)


def _numbered(face: TrackedFace, number: int) -> TrackedFace:
    detection = replace(face.prediction.detection, track_id=number)
    return replace(face, prediction=replace(face.prediction, detection=detection))
