"""OpenCV's YuNet, and where its weights come from."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import cv2
import numpy as np

from emoscope.model.entities import Detection
from emoscope.model.errors import DetectorError
from emoscope.model.faces.cropping import CropGeometry
from emoscope.model.faces.detectors.search import search_copy, without_overlaps

YUNET_FILE = "face_detection_yunet_2023mar.onnx"
YUNET_URL = f"https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/{YUNET_FILE}"
YUNET_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"

# On inputs of up to 32 pixels per side OpenCV 4.14 runs this network over uninitialised memory and finds faces there.
_SMALLEST_INPUT = 64


class YuNetDetector:
    """Finds faces, turned and partly covered ones too, with landmarks. Thread-safe: one search at a time.

    Its landmarks follow a tilted head by a fraction of the angle only, so crops of tilted heads stay tilted.

    Args:
        weights: The ONNX file; see :func:`yunet_weights`.
        for_video: Search one small copy of the frame only: for faces of at least 1/10 of the longest side.

    Raises:
        DetectorError: OpenCV cannot load the file.

    Source: W. Wu, H. Peng, S. Yu, YuNet: a tiny millisecond-level face detector, Machine Intelligence Research 2023.
    """

    name = "yunet"
    # From benchmarks/crop_margin.json, measured by `python -m benchmarks.crop_margin`.
    crop = CropGeometry(
        scale=1.072,
        offset=(0.001, -0.004),
        landmarks=((0.311, 0.383), (0.689, 0.383), (0.5, 0.6), (0.345, 0.771), (0.655, 0.771)),
    )

    def __init__(self, weights: Path, for_video: bool = False) -> None:
        # The network finds faces of 80 to 400 pixels best: the small copy is for large ones, the large for groups.
        self._sides = (320,) if for_video else (480, 1280)
        try:
            # Overlapping candidates are kept for voting: nothing overlaps by more than all of itself.
            self._network = cv2.FaceDetectorYN.create(
                str(weights), "", (320, 320), score_threshold=0.65, nms_threshold=1.0
            )
        except cv2.error as error:
            raise DetectorError(f"OpenCV cannot load {weights}.", "Delete the file and try again.") from error
        self._lock = threading.Lock()

    def detect(self, frame_bgr: np.ndarray) -> list[Detection]:
        """Return the faces of a frame, uint8, shape (H, W, 3), largest first."""
        longest = max(frame_bgr.shape[:2])
        rows = self._candidates(frame_bgr, self._sides[0])
        for side in self._sides[1:]:
            if longest > 1.5 * self._sides[0]:
                rows = np.concatenate([rows, self._candidates(frame_bgr, side)])
        return without_overlaps([_detection(row) for row in _vote(rows)])

    def _candidates(self, frame_bgr: np.ndarray, longest: int) -> np.ndarray:
        """Return rows of x1, y1, x2, y2, five landmarks as x, y, and score, in pixels of the frame, shape (N, 15)."""
        small, factor = search_copy(frame_bgr, 320, longest)
        height, width = (max(side, _SMALLEST_INPUT) for side in small.shape[:2])
        if (height, width) != small.shape[:2]:
            below, beside = height - small.shape[0], width - small.shape[1]
            small = cv2.copyMakeBorder(small, 0, below, 0, beside, cv2.BORDER_CONSTANT)
        with self._lock:
            self._network.setInputSize((width, height))
            _, rows = self._network.detect(small)
        if rows is None:
            return np.zeros((0, 15), np.float32)
        candidates: np.ndarray = np.array(rows, np.float32)
        candidates[:, 2:4] += candidates[:, :2]
        candidates[:, :14] *= factor
        return candidates[(candidates[:, 2:4] > candidates[:, :2]).all(1)]


def _detection(row: np.ndarray) -> Detection:
    return Detection(row[:4], min(1.0, float(row[14])), row[4:14].reshape(5, 2))  # the order is Detection's already


def _vote(rows: np.ndarray) -> list[np.ndarray]:
    """Merge the candidates of each face into their mean, weighted by score; its score is the best of them.

    The landmarks of a single candidate wander by a twentieth of the face when the frame changes by a pixel; those of
    the mean by half of that.

    Source: S. Gidaris, N. Komodakis, Object detection via a multi-region and semantic segmentation-aware CNN model
        (box voting), ICCV 2015.
    """
    merged = []
    rows = rows[np.argsort(-rows[:, 14])]
    while len(rows):
        best = rows[0]
        sides = np.minimum(rows[:, 2:4], best[2:4]) - np.maximum(rows[:, :2], best[:2])
        shared = np.prod(np.clip(sides, 0, None), axis=1)
        areas = np.prod(rows[:, 2:4] - rows[:, :2], axis=1)
        overlap = shared / (areas + areas[0] - shared)
        votes = rows[overlap > 0.5]
        merged.append(np.append(np.average(votes[:, :14], axis=0, weights=votes[:, 14]), best[14]))
        rows = rows[overlap <= 0.3]
    return merged


def yunet_weights() -> Path:
    """Return YuNet's ONNX file: from the folder ``EMOSCOPE_MODELS``, else from the cache, else fetched into the cache.

    Raises:
        DetectorError: The file cannot be fetched, or its SHA-256 is not the expected one.
    """
    file = _local_file()
    if file is not None:
        problem = weights_problem()
        if problem:
            raise DetectorError(problem, f"Replace it by the one from {YUNET_URL}.")
        return file
    import pooch

    try:
        return Path(
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


def weights_problem() -> str:
    """Return one sentence on what is wrong with the weights here; empty if they are right or not fetched yet."""
    file = _local_file()
    if file is None or hashlib.sha256(file.read_bytes()).hexdigest() == YUNET_SHA256:
        return ""
    return f"{file} is not the YuNet file expected."


def _local_file() -> Path | None:
    folder = os.environ.get("EMOSCOPE_MODELS")
    files = [Path(folder) / YUNET_FILE] if folder else []
    return next((file for file in (*files, _cache() / YUNET_FILE) if file.is_file()), None)


def _cache() -> Path:
    import pooch

    return Path(pooch.os_cache("emoscope"))
