"""Face detectors behind one protocol: a frame goes in, detections in pixels of that frame come out.

Every detector here may be called from several threads: each holds a lock around its network or cascade, which keep
state of the frame in hand. They look at a copy of the frame shrunk to :data:`MAX_SIDE`, and give the largest face
first.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import threading
from pathlib import Path
from typing import Any, Protocol

import cv2
import cv2.data
import numpy as np

from model.cropping import CropGeometry
from model.entities import Detection
from model.errors import DetectorError

DETECTOR_NAMES = ("haar", "yunet", "mtcnn")

MAX_SIDE = 960
"""Longest side in pixels of the copy that detectors search; faces below about 1/40 of it are not found."""

YUNET_FILE = "face_detection_yunet_2023mar.onnx"
YUNET_URL = f"https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/{YUNET_FILE}"
YUNET_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"


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


class WholeImage:
    """Takes the whole picture for one face: for pictures that are face crops already."""

    name = "none"
    crop = CropGeometry()

    def detect(self, frame_bgr: np.ndarray) -> list[Detection]:
        """Return one detection that covers the frame."""
        height, width = frame_bgr.shape[:2]
        return [Detection(np.array([0, 0, width, height], np.float32))]


class HaarDetector:
    """OpenCV's cascade of Haar features for frontal faces: needs no download, gives no landmarks.

    Args:
        max_side: Longest side in pixels of the copy to search.

    Source: P. Viola, M. Jones, Rapid object detection using a boosted cascade of simple features, CVPR 2001; the
        cascade is R. Lienhart's ``haarcascade_frontalface_alt2``.
    """

    name = "haar"
    crop = CropGeometry(scale=1.0)

    def __init__(self, max_side: int = MAX_SIDE) -> None:
        self._max_side = max_side
        self._cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_alt2.xml")
        self._lock = threading.Lock()

    def detect(self, frame_bgr: np.ndarray) -> list[Detection]:
        """Return the faces of a frame; see :class:`Detector`."""
        small, factor = _shrink(cv2.cvtColor(frame_bgr, cv2.COLOR_BGR2GRAY), self._max_side)
        smallest = max(20, round(max(small.shape) / 24))
        with self._lock:
            boxes, neighbours = self._cascade.detectMultiScale2(
                small, scaleFactor=1.1, minNeighbors=4, minSize=(smallest, smallest)
            )
        found = []
        for (x, y, width, height), count in zip(boxes, neighbours, strict=True):
            xyxy = np.array([x, y, x + width, y + height], np.float32) * factor
            found.append(Detection(xyxy, confidence=float(count / (count + 4))))
        return _largest_first(_without_overlaps(found))


class YuNetDetector:
    """OpenCV's YuNet: small, quick, good with turned and partly covered faces.

    Args:
        weights: The ONNX file.
        max_side: Longest side in pixels of the copy to search.

    Raises:
        DetectorError: The file is no YuNet.

    Source: W. Wu, H. Peng, S. Yu, YuNet: a tiny millisecond-level face detector, Machine Intelligence Research 2023.
    """

    name = "yunet"
    crop = CropGeometry(
        landmarks=((0.31, 0.40), (0.69, 0.40), (0.50, 0.60), (0.34, 0.79), (0.66, 0.79)),
    )

    def __init__(self, weights: Path, max_side: int = MAX_SIDE) -> None:
        self._max_side = max_side
        try:
            self._network = cv2.FaceDetectorYN.create(str(weights), "", (320, 320), score_threshold=0.6)
        except cv2.error as error:
            raise DetectorError(f"OpenCV cannot load {weights}.", "Delete the file and try again.") from error
        self._lock = threading.Lock()

    def detect(self, frame_bgr: np.ndarray) -> list[Detection]:
        """Return the faces of a frame; see :class:`Detector`."""
        small, factor = _shrink(frame_bgr, self._max_side)
        with self._lock:
            self._network.setInputSize((small.shape[1], small.shape[0]))
            _, rows = self._network.detect(small)
        found = []
        for row in rows if rows is not None else ():
            x, y, width, height = row[:4] * factor
            if width > 0 and height > 0:
                landmarks = row[4:14].reshape(5, 2) * factor
                found.append(Detection(np.array([x, y, x + width, y + height]), float(row[14]), landmarks))
        return _largest_first(found)


class MtcnnDetector:
    """The cascade of three networks of the ``mtcnn`` package, which runs on TensorFlow: slow to load and to run.

    Args:
        max_side: Longest side in pixels of the copy to search.

    Raises:
        DetectorError: The package or TensorFlow is not installed.

    Source: K. Zhang et al., Joint face detection and alignment using multitask cascaded convolutional networks,
        IEEE Signal Processing Letters 2016.
    """

    name = "mtcnn"
    crop = YuNetDetector.crop
    _KEYPOINTS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")  # left as the viewer sees it

    def __init__(self, max_side: int = MAX_SIDE) -> None:
        self._max_side = max_side
        try:
            from mtcnn import MTCNN
        except ImportError as error:
            raise DetectorError(
                f"The MTCNN detector cannot start ({error}).", "Install it with `pip install mtcnn tensorflow`."
            ) from error
        self._network: Any = MTCNN()
        self._lock = threading.Lock()

    def detect(self, frame_bgr: np.ndarray) -> list[Detection]:
        """Return the faces of a frame; see :class:`Detector`."""
        small, factor = _shrink(frame_bgr, self._max_side)
        with self._lock:
            rows = self._network.detect_faces(cv2.cvtColor(small, cv2.COLOR_BGR2RGB), box_format="xyxy")
        found = []
        for row in rows:
            x1, y1, x2, y2 = np.asarray(row["box"], np.float32) * factor
            if x2 > x1 and y2 > y1:
                landmarks = np.array([row["keypoints"][name] for name in self._KEYPOINTS], np.float32) * factor
                found.append(Detection(np.array([x1, y1, x2, y2]), float(row["confidence"]), landmarks))
        return _largest_first(found)


def create_detector(name: str) -> Detector:
    """Make a detector ready for use; ``yunet`` fetches its weights (0.2 MB) the first time.

    Args:
        name: One of :data:`DETECTOR_NAMES`, or ``none`` for pictures that are face crops already.

    Raises:
        DetectorError: There is no such detector, or it cannot run here.
    """
    if name == "none":
        return WholeImage()
    if name == "haar":
        return HaarDetector()
    if name == "yunet":
        return YuNetDetector(yunet_weights())
    if name == "mtcnn":
        return MtcnnDetector()
    raise DetectorError(f"There is no detector {name!r}.", f"Choose one of {', '.join((*DETECTOR_NAMES, 'none'))}.")


def detector_problem(name: str) -> str:
    """Say in one sentence why a detector cannot run here; empty if nothing stands in its way.

    Loads nothing and fetches nothing: weights that are still to be fetched are no problem yet.
    """
    if name == "yunet":
        file = _local_yunet()
        if file is not None and _sha256(file) != YUNET_SHA256:
            return f"{file} is not the YuNet file expected."
    if name == "mtcnn":
        absent = [package for package in ("mtcnn", "tensorflow") if importlib.util.find_spec(package) is None]
        if absent:
            return f"MTCNN needs a package that is not installed: {', '.join(absent)}."
    return ""


def yunet_weights() -> Path:
    """Return YuNet's ONNX file: from the folder ``EMOSCOPE_MODELS``, else from the cache, else fetched into the cache.

    Raises:
        DetectorError: The file cannot be fetched, or its SHA-256 is not the expected one.
    """
    file = _local_yunet()
    if file is None:
        import pooch

        try:
            file = Path(
                pooch.retrieve(
                    YUNET_URL,
                    known_hash=YUNET_SHA256,
                    fname=YUNET_FILE,
                    path=_cache(),
                    downloader=pooch.HTTPDownloader(timeout=15),
                )
            )
        except Exception as error:  # of requests, urllib3, pooch or the file system
            raise DetectorError(
                "YuNet's weights cannot be fetched from the OpenCV Zoo.",
                f"Connect to the internet and try again, or put {YUNET_FILE} into {_cache()}.",
            ) from error
    elif _sha256(file) != YUNET_SHA256:
        raise DetectorError(f"{file} is not the YuNet file expected.", f"Replace it by the one from {YUNET_URL}.")
    return file


def _local_yunet() -> Path | None:
    folders = [Path(os.environ["EMOSCOPE_MODELS"])] if os.environ.get("EMOSCOPE_MODELS") else []
    return next((f / YUNET_FILE for f in (*folders, _cache()) if (f / YUNET_FILE).is_file()), None)


def _cache() -> Path:
    import pooch

    return Path(pooch.os_cache("emoscope"))


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _shrink(image: np.ndarray, max_side: int) -> tuple[np.ndarray, float]:
    """Return a copy whose longest side is at most ``max_side``, and the factor back to the original's pixels."""
    height, width = image.shape[:2]
    factor = max(height, width) / max_side
    if factor <= 1:
        return image, 1.0
    size = (max(1, round(width / factor)), max(1, round(height / factor)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), factor


def _without_overlaps(detections: list[Detection]) -> list[Detection]:
    """Keep the most confident of detections that share more than half of the smaller one's area."""
    kept: list[Detection] = []
    for candidate in sorted(detections, key=lambda d: -d.confidence):
        if all(_shared_area(candidate, other) <= 0.5 for other in kept):
            kept.append(candidate)
    return kept


def _shared_area(first: Detection, second: Detection) -> float:
    a, b = first.xyxy, second.xyxy
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    smaller = min(d.size[0] * d.size[1] for d in (first, second))
    return float(width * height / smaller)


def _largest_first(detections: list[Detection]) -> list[Detection]:
    return sorted(detections, key=lambda d: -d.size[0] * d.size[1])
