"""Face detectors behind one protocol: a frame goes in, detections in pixels of that frame come out.

Every detector here may be called from several threads. Each searches copies of the frame of a size that suits it, so
that its time hardly grows with the frame.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from emoscope.model.errors import DetectorError
from emoscope.model.faces.detectors.base import Detector, FollowingDetector, WholeImage
from emoscope.model.faces.detectors.blazeface import BlazeFaceDetector
from emoscope.model.faces.detectors.haar import HaarDetector
from emoscope.model.faces.detectors.mtcnn import MtcnnDetector, package_problem
from emoscope.model.faces.detectors.pictures import PictureDetector
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
    "PictureDetector",
    "WholeImage",
    "YuNetDetector",
    "create_detector",
    "create_picture_detector",
    "detector_problem",
]


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
    "blazeface": DetectorEntry("BlazeFace", BlazeFaceDetector),
    "haar": DetectorEntry("Haar cascade", HaarDetector),
    "yunet": DetectorEntry("YuNet", lambda for_video: YuNetDetector(yunet_weights(), for_video), weights_problem),
    "mtcnn": DetectorEntry("MTCNN", MtcnnDetector, package_problem),
}
"""The detectors by name; the first is the default."""

DETECTOR_NAMES = tuple(DETECTORS)
DEFAULT_DETECTOR = DETECTOR_NAMES[0]


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


def create_picture_detector(name: str, takes_crops: bool = True) -> Detector:
    """Make a detector for single pictures; see :class:`PictureDetector`.

    Args:
        name: As for :func:`create_detector`.
        takes_crops: Whether a picture that one face fills is taken whole.

    Raises:
        DetectorError: As for :func:`create_detector`.
    """
    detector = create_detector(name)
    if isinstance(detector, WholeImage):
        return detector
    return PictureDetector(detector, partial(create_detector, name, for_video=True), takes_crops)


def detector_problem(name: str) -> str:
    """Return one sentence on why a detector cannot run here; empty if nothing stands in its way.

    Loads nothing and fetches nothing: weights that are still to be fetched are no problem yet.
    """
    return DETECTORS[name].problem() if name in DETECTORS else ""
