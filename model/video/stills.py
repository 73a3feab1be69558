"""The few pictures that are kept of a video: a film strip, and the strongest moment of each emotion of each person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from emoscope.model.emotions import emotion_key
from emoscope.model.faces.tracking import TrackedFace

FILM_SIDE = 240
MAX_FILM = 160
FACE_SIDE = 224
MAX_MOMENTS = 120
"""In all, pictures of one video take about 3 MB."""

_FACE_ZOOM = 1.7  # how much of its surroundings a face is shown with


class Still(NamedTuple):
    """A frame of the film strip: its time in seconds and its JPEG."""

    at: float
    jpeg: bytes


class Moment(NamedTuple):
    """The strongest prediction of one emotion in one person.

    Attributes:
        at: Seconds since the first frame.
        person: Track id.
        label: The emotion.
        probability: Smoothed, 0..1.
        jpeg: The face, square.
    """

    at: float
    person: int
    label: str
    probability: float
    jpeg: bytes


class FilmStrip:
    """Frames at even distances over a video whose length need not be known: when full, every other one is dropped."""

    def __init__(self) -> None:
        self.stills: list[Still] = []
        self._distance = 0.0

    def offer(self, at: float, frame_bgr: np.ndarray) -> None:
        """Keep a frame if its time has come."""
        if self.stills and at < self.stills[-1].at + self._distance - 1e-6:
            return
        self.stills = [*self.stills, Still(at, _jpeg(frame_bgr, FILM_SIDE))]  # a new list: others read the old one
        if len(self.stills) >= MAX_FILM:
            self.stills = self.stills[::2]
            self._distance = (self.stills[-1].at - self.stills[0].at) / (len(self.stills) - 1)


class StrongestMoments:
    """The strongest moment of each emotion of each person, with the face as it was; the weakest give way."""

    def __init__(self) -> None:
        self._moments: dict[tuple[int, str], Moment] = {}

    def offer(self, at: float, faces: Sequence[TrackedFace], frame_bgr: np.ndarray) -> None:
        """Keep those faces that show their emotion more strongly than before."""
        for face in faces:
            if face.prediction.warnings:
                continue
            probability = float(face.prediction.probabilities[face.label_index])
            key = (face.track_id, face.label)
            known = self._moments.get(key)
            if known is not None and probability <= known.probability + 0.01:
                continue
            picture = _face_picture(frame_bgr, face.prediction.detection.xyxy)
            moments = {**self._moments, key: Moment(at, *key, probability, picture)}
            if len(moments) > MAX_MOMENTS:
                del moments[min(moments, key=lambda k: moments[k].probability)]
            self._moments = moments

    def strongest(self, count: int) -> list[Moment]:
        """Return the moments most worth looking at, in time order; neutral faces only where there is room."""
        ranked = sorted(self._moments.values(), key=lambda m: (emotion_key(m.label) == "neutral", -m.probability))
        return sorted(ranked[:count], key=lambda m: m.at)


def _jpeg(frame_bgr: np.ndarray, longest: int) -> bytes:
    height, width = frame_bgr.shape[:2]
    factor = longest / max(height, width)
    if factor < 1:
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        frame_bgr = cv2.resize(frame_bgr, size, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", frame_bgr, [cv2.IMWRITE_JPEG_QUALITY, 80])
    return data.tobytes()


def _face_picture(frame_bgr: np.ndarray, xyxy: np.ndarray) -> bytes:
    """Cut out a face with its surroundings; outside of the frame its border is repeated."""
    x1, y1, x2, y2 = (float(side) for side in xyxy)
    side = _FACE_ZOOM * max(x2 - x1, y2 - y1)
    factor = side / FACE_SIDE
    left, top = (x1 + x2 - side) / 2, (y1 + y2 - side) / 2
    matrix = np.array([[factor, 0, left], [0, factor, top]], np.float32)
    face = cv2.warpAffine(
        frame_bgr,
        matrix,
        (FACE_SIDE, FACE_SIDE),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return _jpeg(face, FACE_SIDE)
