"""Face detectors behind one protocol: a frame goes in, detections in pixels of that frame come out.

Every detector here may be called from several threads. Each searches copies of the frame of a size that suits it, so
that its time hardly grows with the frame.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from emoscope.model.entities import Detection
from emoscope.model.errors import DetectorError
from emoscope.model.faces.cropping import CropGeometry
from emoscope.model.faces.detectors.blazeface import BlazeFaceDetector
from emoscope.model.faces.detectors.haar import HaarDetector
from emoscope.model.faces.detectors.mtcnn import MtcnnDetector, package_problem
from emoscope.model.faces.detectors.yunet import YuNetDetector, weights_problem, yunet_weights

__all__ = [
    "DEFAULT_DETECTOR",
    "DETECTORS",
    "DETECTOR_NAMES",
    "BlazeFaceDetector",
    "Detector",
    "DetectorEntry",
    "FollowingDetector",
    "HaarDetector",
    "MtcnnDetector",
    "WholeImage",
    "YuNetDetector",
    "create_detector",
    "detector_problem",
]


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


class DetectorEntry(NamedTuple):
    """A detector to choose from.

    Attributes:
        title: Its name on pages.
        create: Makes it ready for use; the argument says whether to favour speed over small faces.
        problem: Returns one sentence on why it cannot run here; empty if nothing stands in its way.
    """

    title: str
    create: Callable[[bool], Detector]
    problem: Callable[[], str] = str


DETECTORS = {
    "haar": DetectorEntry("Haar cascade", HaarDetector),
    "blazeface": DetectorEntry("BlazeFace", BlazeFaceDetector),
    "yunet": DetectorEntry("YuNet", lambda for_video: YuNetDetector(yunet_weights(), for_video), weights_problem),
    "mtcnn": DetectorEntry("MTCNN", MtcnnDetector, package_problem),
}
"""The detectors by name; the first is the default."""

DETECTOR_NAMES = tuple(DETECTORS)
DEFAULT_DETECTOR = DETECTOR_NAMES[0]


class WholeImage:
    """Takes the whole picture for one face: for pictures that are face crops already."""

    name = "none"
    crop = CropGeometry()

    def detect(self, frame_bgr: np.ndarray) -> list[Detection]:
        """Return one detection that covers the frame."""
        height, width = frame_bgr.shape[:2]
        return [Detection(np.array([0, 0, width, height], np.float32))]


def create_detector(name: str, for_video: bool = False) -> Detector:
    """Make a detector ready for use; ``yunet`` fetches its weights (0.2 MB) the first time.

    Args:
        name: One of :data:`DETECTOR_NAMES`, or ``none`` for pictures that are face crops already.
        for_video: Favour speed over small faces.

    Raises:
        DetectorError: There is no such detector, or it cannot run here.
    """
    if name == "none":
        return WholeImage()
    if name not in DETECTORS:
        raise DetectorError(f"There is no detector {name!r}.", f"Choose one of {', '.join((*DETECTOR_NAMES, 'none'))}.")
    return DETECTORS[name].create(for_video)


def detector_problem(name: str) -> str:
    """Return one sentence on why a detector cannot run here; empty if nothing stands in its way.

    Loads nothing and fetches nothing: weights that are still to be fetched are no problem yet.
    """
    return DETECTORS[name].problem() if name in DETECTORS else ""
