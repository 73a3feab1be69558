"""OpenCV's cascade of Haar features: needs no download and no other package."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

import cv2
import cv2.data
import numpy as np

from emoscope.model.entities import Detection
from emoscope.model.faces.cropping import CropGeometry
from emoscope.model.faces.detectors.search import search_copy, without_overlaps

# Tilted heads escape an upright cascade. A second look at the frame turned by this much finds a third of what was
# missed; it asks for more hits, because it is taken of every frame without a face.
_TILT_DEGREES = 20.0
_TILT_HITS = 5
_FOLLOWED_PIXELS = 32
"""A known face is brought to this side for a second search; the cascade's own window has 20 pixels."""
_FOLLOWED_REACH = 1.7
"""Side of the region searched for a known face, in sides of its box."""


class HaarDetector:
    """Finds frontal faces; gives no landmarks. Thread-safe: one search at a time.

    Its confidence rises with the number of overlapping hits on a face, count / (count + 2).

    Args:
        for_video: Search a smaller copy in coarser steps, once: about a tenth of the time, for faces of at least 1/10
            of the longest side.

    Source: P. Viola, M. Jones, Rapid object detection using a boosted cascade of simple features, CVPR 2001; the
        cascade is R. Lienhart's ``haarcascade_frontalface_alt2``, which of the four that OpenCV brings finds the most
        faces at the fewest false ones.
    """

    name = "haar"
    # From benchmarks/crop_margin.json, measured by `python -m benchmarks.crop_margin`.
    crop = CropGeometry(scale=1.006, offset=(-0.002, 0.003))

    def __init__(self, for_video: bool = False) -> None:
        self._for_video = for_video
        self._cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_alt2.xml")
        self._lock = threading.Lock()

    def detect(self, frame_bgr: np.ndarray) -> list[Detection]:
        """Return the faces of a frame, uint8, shape (H, W, 3), largest first."""
        gray = cv2.cvtColor(frame_bgr, cv2.COLOR_BGR2GRAY)
        if self._for_video:
            small, factor = search_copy(gray, 160, 240)
            found = self._search(small, factor, hits=2, scale_step=1.2, smallest=24)
        else:
            small, factor = search_copy(gray, 160, 640)
            found = self._search(small, factor)
            if not found:
                for angle in (-_TILT_DEGREES, _TILT_DEGREES):
                    found += self._search(small, factor, hits=_TILT_HITS, tilt=angle)
        return without_overlaps(found)

    def follow(self, frame_bgr: np.ndarray, known: Sequence[Detection]) -> list[Detection] | None:
        """Find again faces that were there a moment ago, each near its old box: about a tenth of a search's time.

        Args:
            frame_bgr: uint8, shape (H, W, 3).
            known: Where they were.

        Returns:
            As :meth:`detect`; None where one of them is not found, so that the whole frame must be searched.
        """
        height, width = frame_bgr.shape[:2]
        found = []
        for face in known:
            side = float(max(face.size))
            middle = face.xyxy.reshape(2, 2).mean(0)
            x1, y1 = np.maximum(middle - side * _FOLLOWED_REACH / 2, 0).astype(int)
            x2, y2 = np.minimum(middle + side * _FOLLOWED_REACH / 2, (width, height)).astype(int)
            factor = side / _FOLLOWED_PIXELS
            size = (round((x2 - x1) / factor), round((y2 - y1) / factor))
            if min(size) < _FOLLOWED_PIXELS / 2:
                return None
            small = cv2.resize(frame_bgr[y1:y2, x1:x2], size, interpolation=cv2.INTER_AREA)
            again = self._search(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), factor, hits=2, smallest=24, largest=43)
            if not again:
                return None
            best = max(again, key=lambda detection: detection.confidence)
            found.append(replace(best, xyxy=best.xyxy + np.array([x1, y1, x1, y1], np.float32)))
        return without_overlaps(found)

    def _search(
        self,
        gray: np.ndarray,
        factor: float,
        hits: int = 3,
        scale_step: float = 1.1,
        smallest: int = 20,
        largest: int | None = None,
        tilt: float = 0.0,
    ) -> list[Detection]:
        height, width = gray.shape
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), tilt, 1.0)
        if tilt:
            gray = cv2.warpAffine(gray, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
        with self._lock:
            boxes, counts = self._cascade.detectMultiScale2(
                gray,
                scaleFactor=scale_step,
                minNeighbors=hits,
                minSize=(smallest, smallest),
                maxSize=(largest or 0, largest or 0),
            )
        back = cv2.invertAffineTransform(turn)
        found = []
        for (x, y, side, _), count in zip(boxes, counts, strict=True):
            center = back @ (x + side / 2, y + side / 2, 1.0)
            xyxy = np.concatenate([center - side / 2, center + side / 2]) * factor
            found.append(Detection(xyxy, confidence=float(count / (count + 2))))
        return found
