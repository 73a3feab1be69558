"""The detector of the ``mtcnn`` package, which runs on TensorFlow."""

from __future__ import annotations

import importlib.util
import threading
from typing import Any

import cv2
import numpy as np

from emoscope.model.entities import Detection
from emoscope.model.errors import DetectorError
from emoscope.model.faces.cropping import CropGeometry
from emoscope.model.faces.detectors.search import search_copy, without_overlaps

# Left and right as the viewer sees them: the person's right eye comes first, as in Detection.
_KEYPOINTS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")


class MtcnnDetector:
    """Finds faces with landmarks by a cascade of three networks: slow to load and to run. Thread-safe.

    Args:
        for_video: Search a smaller copy: for faces of at least 1/10 of the longest side.

    Raises:
        DetectorError: The package or TensorFlow is not installed.

    Source: K. Zhang et al., Joint face detection and alignment using multitask cascaded convolutional networks,
        IEEE Signal Processing Letters 2016.
    """

    name = "mtcnn"
    # From benchmarks/crop_margin.json, measured by `python -m benchmarks.crop_margin`.
    crop = CropGeometry(
        scale=1.083,
        offset=(0.005, -0.009),
        landmarks=((0.307, 0.385), (0.693, 0.385), (0.5, 0.601), (0.344, 0.79), (0.656, 0.79)),
    )

    def __init__(self, for_video: bool = False) -> None:
        problem = package_problem()
        if problem:
            raise DetectorError(problem, "Install them with `pip install mtcnn tensorflow`.")
        from mtcnn import MTCNN

        self._largest = 320 if for_video else 640
        self._network: Any = MTCNN()
        self._lock = threading.Lock()

    def detect(self, frame_bgr: np.ndarray) -> list[Detection]:
        """Return the faces of a frame, uint8, shape (H, W, 3), largest first."""
        small, factor = search_copy(frame_bgr, 160, self._largest)
        with self._lock:
            rows = self._network.detect_faces(cv2.cvtColor(small, cv2.COLOR_BGR2RGB), box_format="xyxy")
        found = []
        for row in rows:
            x1, y1, x2, y2 = np.asarray(row["box"], np.float32) * factor
            if x2 > x1 and y2 > y1:
                landmarks = np.array([row["keypoints"][name] for name in _KEYPOINTS], np.float32) * factor
                found.append(Detection(np.array([x1, y1, x2, y2]), float(row["confidence"]), landmarks))
        return without_overlaps(found)


def package_problem() -> str:
    """Return one sentence on which packages are absent; empty if none is."""
    absent = [package for package in ("mtcnn", "tensorflow") if importlib.util.find_spec(package) is None]
    return f"The MTCNN detector needs packages that are not installed: {', '.join(absent)}." if absent else ""
