"""What a detector is, and the one that takes a picture whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from emoscope.model.entities import Detection
from emoscope.model.faces.cropping import CropGeometry


class Detector(Protocol):
    """Finds faces.

    Attributes:
        name: One of :data:`DETECTOR_NAMES`, or ``none``.
        crop: How this detector's boxes and landmarks lie in the network's frame.
    """

    name: str
    crop: CropGeometry

    def detect(self, frame_bgr: np.ndarray) -> list[Detection]:
        """Return the faces of a frame, uint8, shape (H, W, 3), largest first; thread-safe."""
        ...


@runtime_checkable
class FollowingDetector(Protocol):
    """A detector that finds faces again with less work than it takes to find them."""

    def follow(self, frame_bgr: np.ndarray, known: Sequence[Detection]) -> list[Detection] | None:
        """Return the faces near their old boxes; None where the whole frame must be searched; thread-safe."""
        ...


class WholeImage:
    """Takes the whole picture for one face: for pictures that are face crops already."""

    name = "none"
    crop = CropGeometry()

    def detect(self, frame_bgr: np.ndarray) -> list[Detection]:
        """Return one detection that covers the frame."""
        height, width = frame_bgr.shape[:2]
        return [Detection(np.array([0, 0, width, height], np.float32), is_cropped_face=True)]
