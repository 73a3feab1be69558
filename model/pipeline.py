"""From a frame to predictions: detect, crop, classify."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import NamedTuple

import numpy as np

from emoscope.model.entities import Detection, Prediction
from emoscope.model.faces.cropping import crop_face
from emoscope.model.faces.detectors import Detector, FollowingDetector
from emoscope.model.faces.quality import SURE_FROM, face_warnings
from emoscope.model.networks.classifier import Classifier


@dataclass(frozen=True, eq=False)
class Analysis:
    """Predictions of one frame, and what they cost.

    Attributes:
        predictions: One per face, in the detector's order.
        seconds: Wall-clock seconds per stage: ``detect`` and ``classify`` (cropping included).
    """

    predictions: list[Prediction]
    seconds: dict[str, float] = field(default_factory=dict)


class FaceCrop(NamedTuple):
    """A face cut out of its frame; see :class:`~emoscope.model.entities.Prediction` for the fields."""

    detection: Detection
    face: np.ndarray
    crop_to_frame: np.ndarray
    warnings: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Pipeline:
    """A detector and a classifier; as thread-safe as the two are.

    Attributes:
        detector: Finds the faces.
        classifier: Predicts their emotions.
        sure_from: Confidence of the detector below which a face gets the warning that it is perhaps none.
    """

    detector: Detector
    classifier: Classifier
    sure_from: float = SURE_FROM

    def __repr__(self) -> str:
        return f"Pipeline({self.detector.name}, {self.classifier.info.name})"

    def analyze(self, frame_bgr: np.ndarray) -> list[Prediction]:
        """Detect and classify every face.

        Args:
            frame_bgr: uint8, shape (H, W, 3).

        Returns:
            One prediction a face; empty where no face is found.
        """
        return self.classify(frame_bgr, self.detect(frame_bgr))

    def analyze_timed(self, frame_bgr: np.ndarray, known: Sequence[Detection] = ()) -> Analysis:
        """Do :meth:`analyze` and measure how long each stage took.

        Args:
            frame_bgr: uint8, shape (H, W, 3).
            known: Faces of a frame shortly before. Only they are looked for, where the detector can do so, unless one
                of them is gone.
        """
        start = perf_counter()
        detections = self._follow(frame_bgr, known)
        if detections is None:
            detections = self.detect(frame_bgr)
        detected = perf_counter()
        predictions = self.classify(frame_bgr, detections)
        return Analysis(predictions, {"detect": detected - start, "classify": perf_counter() - detected})

    def _follow(self, frame_bgr: np.ndarray, known: Sequence[Detection]) -> list[Detection] | None:
        if not known or not isinstance(self.detector, FollowingDetector):
            return None
        return self.detector.follow(frame_bgr, known)

    def detect(self, frame_bgr: np.ndarray) -> list[Detection]:
        """Detect faces only."""
        return self.detector.detect(frame_bgr)

    def classify(self, frame_bgr: np.ndarray, detections: Sequence[Detection]) -> list[Prediction]:
        """Classify faces that are already detected, all in one batch.

        Args:
            frame_bgr: The frame that the detections belong to, uint8, shape (H, W, 3).
            detections: From :meth:`detect`, or from a tracker.
        """
        return self.classify_crops(self.crop(frame_bgr, detections))

    def crop(self, frame_bgr: np.ndarray, detections: Sequence[Detection]) -> list[FaceCrop]:
        """Cut the faces out of a frame, so that it need not be kept until they are classified."""
        info = self.classifier.info
        return [
            FaceCrop(
                detection,
                *crop_face(frame_bgr, detection, self.detector.crop, info.input_size, info.channels),
                face_warnings(frame_bgr, detection, self.sure_from),
            )
            for detection in detections
        ]

    def classify_crops(self, crops: Sequence[FaceCrop]) -> list[Prediction]:
        """Classify crops, of one frame or of many, in one batch."""
        if not crops:
            return []
        result = self.classifier.classify([crop.face for crop in crops])
        maps = result.activation_maps
        return [
            Prediction(
                detection=crop.detection,
                probabilities=result.probabilities[i],
                class_names=self.classifier.info.class_names,
                activation_map=None if maps is None else maps[i],
                face=crop.face,
                crop_to_frame=crop.crop_to_frame,
                warnings=crop.warnings,
            )
            for i, crop in enumerate(crops)
        ]
