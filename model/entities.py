"""What crosses a border: detections and predictions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, eq=False)
class Detection:
    """One face in one frame.

    Attributes:
        xyxy: Box corners ``(x1, y1, x2, y2)`` in pixels of the frame, float32, shape (4,). May reach past the frame.
        confidence: Detector score in 0..1; 1.0 for detectors that give none.
        landmarks: Right eye, left eye, nose, right and left mouth corner as seen by the person's own right and left,
            ``(x, y)`` in pixels, float32, shape (5, 2); None where the detector gives none.
        track_id: Stable identity across frames; None for a single picture.
        is_cropped_face: Whether no detector framed it: the whole picture was taken for one face.
        turned: Degrees by which the picture had to be turned clockwise for the face to stand upright: 0, 90, 180 or
            270. Box and landmarks are in the picture as it was, not as it was turned.
        brightened: Whether the picture was so dark that it had to be brightened for the face to be found.
    """

    xyxy: np.ndarray
    confidence: float = 1.0
    landmarks: np.ndarray | None = None
    track_id: int | None = None
    is_cropped_face: bool = False
    turned: int = 0
    brightened: bool = False

    def __post_init__(self) -> None:
        box = np.asarray(self.xyxy, np.float32)
        if box.shape != (4,) or not np.isfinite(box).all() or box[2] <= box[0] or box[3] <= box[1]:
            raise ValueError(f"A box is four finite numbers x1 < x2, y1 < y2. Received: xyxy={self.xyxy!r}")
        object.__setattr__(self, "xyxy", box)
        if self.landmarks is not None:
            points = np.asarray(self.landmarks, np.float32)
            if points.shape != (5, 2):
                raise ValueError(f"Landmarks are five (x, y) points. Received shape: {points.shape}")
            object.__setattr__(self, "landmarks", points)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the box in pixels."""
        x1, y1, x2, y2 = self.xyxy
        return float(x2 - x1), float(y2 - y1)

    def transformed(self, matrix: np.ndarray, turned: int = 0) -> Detection:
        """Return the detection in a copy of the frame that was turned by quarters.

        Args:
            matrix: From edge coordinates of the frame to the copy's, shape (3, 3).
            turned: What the copy's detection says of how the picture was turned.
        """
        linear, shift = matrix[:2, :2], matrix[:2, 2]
        corners = self.xyxy.reshape(2, 2) @ linear.T + shift
        landmarks = None if self.landmarks is None else self.landmarks @ linear.T + shift
        return replace(
            self, xyxy=np.concatenate([corners.min(0), corners.max(0)]), landmarks=landmarks, turned=turned % 360
        )


@dataclass(frozen=True, eq=False)
class Prediction:
    """The network's prediction of one face.

    Attributes:
        detection: Where the face is.
        probabilities: One probability per class, float32, shape (C,), summing to 1.
        class_names: The C class names in the network's order.
        activation_map: Evidence for each class by place, float32, shape (h, w, C), in logits: its mean over (h, w) is
            the class's logit. None where the network gives none (explain by occlusion then).
        face: The crop that the network classified, before normalisation, uint8, shape (H, W) or (H, W, 3) RGB.
        crop_to_frame: 2×3 affine matrix that takes pixel coordinates of ``face`` to the frame's, float32.
        warnings: Reasons to distrust this prediction, one short sentence each ("The face is too small.").
    """

    detection: Detection
    probabilities: np.ndarray
    class_names: tuple[str, ...]
    activation_map: np.ndarray | None = None
    face: np.ndarray | None = None
    crop_to_frame: np.ndarray | None = None
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        probabilities = np.asarray(self.probabilities, np.float32)
        if probabilities.shape != (len(self.class_names),):
            raise ValueError(
                f"One probability per class is expected, not {probabilities.shape}, {len(self.class_names)} names."
            )
        object.__setattr__(self, "probabilities", probabilities)

    def __repr__(self) -> str:
        box = ", ".join(f"{side:.0f}" for side in self.detection.xyxy)
        return f"Prediction({self.label} {self.confidence:.0%}, box {box})"

    def moved(self, scale: float, shift: tuple[float, float] = (0.0, 0.0)) -> Prediction:
        """Return the prediction as it is in a copy of the frame that is scaled, then shifted by ``(x, y)`` pixels."""
        if scale == 1 and shift == (0, 0):
            return self
        move = np.array(shift, np.float32)
        detection, matrix = self.detection, self.crop_to_frame
        if matrix is not None:
            matrix = matrix * np.float32(scale)
            matrix[:, 2] += move
        landmarks = None if detection.landmarks is None else detection.landmarks * np.float32(scale) + move
        box = detection.xyxy * np.float32(scale) + np.tile(move, 2)
        return replace(self, detection=replace(detection, xyxy=box, landmarks=landmarks), crop_to_frame=matrix)

    @property
    def label_index(self) -> int:
        """Index of the most probable class."""
        return int(self.probabilities.argmax())

    @property
    def label(self) -> str:
        """Name of the most probable class."""
        return self.class_names[self.label_index]

    @property
    def confidence(self) -> float:
        """Probability of the most probable class, 0..1."""
        return float(self.probabilities[self.label_index])
