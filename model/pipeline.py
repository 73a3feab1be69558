"""From a frame to predictions: detect, crop, classify."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from model.classifier import Classifier
from model.cropping import crop_face
from model.entities import Detection, Prediction

if TYPE_CHECKING:
    from model.detectors import Detector

try:
    from model.quality import face_warnings
except ModuleNotFoundError:

    def face_warnings(frame_bgr: np.ndarray, detection: Detection) -> tuple[str, ...]:
        """Say nothing."""
        return ()


@dataclass(frozen=True, eq=False)
class Analysis:
    """Predictions of one frame, and what they cost.

    Attributes:
        predictions: One a face, in the detector's order.
        seconds: Wall-clock seconds a stage: ``detect`` and ``classify`` (cropping included).
    """

    predictions: list[Prediction]
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Pipeline:
    """A detector and a classifier; as thread-safe as the two are."""

    detector: Detector
    classifier: Classifier

    def analyze(self, frame_bgr: np.ndarray) -> list[Prediction]:
        """Find and read every face.

        Args:
            frame_bgr: uint8, shape (H, W, 3).

        Returns:
            One prediction a face; empty where no face is found.
        """
        return self.classify(frame_bgr, self.detect(frame_bgr))

    def analyze_timed(self, frame_bgr: np.ndarray) -> Analysis:
        """Do :meth:`analyze` and say how long each stage took."""
        start = perf_counter()
        detections = self.detect(frame_bgr)
        detected = perf_counter()
        predictions = self.classify(frame_bgr, detections)
        return Analysis(predictions, {"detect": detected - start, "classify": perf_counter() - detected})

    def detect(self, frame_bgr: np.ndarray) -> list[Detection]:
        """Find faces only."""
        return self.detector.detect(frame_bgr)

    def classify(self, frame_bgr: np.ndarray, detections: Sequence[Detection]) -> list[Prediction]:
        """Read faces that are already found, all in one batch.

        Args:
            frame_bgr: The frame that the detections belong to, uint8, shape (H, W, 3).
            detections: From :meth:`detect`, or from a tracker.
        """
        if not detections:
            return []
        info = self.classifier.info
        crops = [crop_face(frame_bgr, d, self.detector.crop, info.input_size, info.channels) for d in detections]
        result = self.classifier.classify([face for face, _ in crops])
        maps = result.activation_maps
        return [
            Prediction(
                detection=detection,
                probabilities=result.probabilities[i],
                class_names=info.class_names,
                activation_map=None if maps is None else maps[i],
                face=face,
                crop_to_frame=crop_to_frame,
                warnings=face_warnings(frame_bgr, detection),
            )
            for i, (detection, (face, crop_to_frame)) in enumerate(zip(detections, crops, strict=True))
        ]
