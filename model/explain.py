"""Where in a face the evidence for a class lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from emoscope.model.entities import Prediction

if TYPE_CHECKING:
    from emoscope.model.networks.classifier import Classifier

# A patch of a quarter of the side hides an eye or a mouth corner of a face; 9 × 9 places overlap by three quarters.
_PATCH = 0.25
_PLACES = 9


def heat_map(
    prediction: Prediction, class_index: int | None = None, classifier: Classifier | None = None
) -> np.ndarray:
    """Return where in a face the evidence for a class lies.

    Heat is evidence for the class: 0 where there is none or evidence against it, 1 at the strongest
    evidence for any class in the face. A class with little evidence stays cold everywhere, so that the maps
    of one face compare.

    The network's own class activation map is used where it gives one, else occlusion.

    Args:
        prediction: The face; with an activation map, or with its crop.
        class_index: The class to explain; the most probable one by default.
        classifier: The network that made the prediction; needed where there is no activation map.

    Returns:
        float32, 0..1, shape (H, W) of the crop (of the activation map where the prediction keeps no crop).

    Raises:
        ValueError: There is neither an activation map nor a crop with its classifier.

    Source: B. Zhou et al., Learning deep features for discriminative localization, CVPR 2016 (activation maps);
        M. Zeiler, R. Fergus, Visualizing and understanding convolutional networks, ECCV 2014 (occlusion).
    """
    index = prediction.label_index if class_index is None else class_index
    if prediction.activation_map is not None:
        evidence = _activation_evidence(prediction.activation_map, prediction.face)
    elif classifier is not None and prediction.face is not None:
        evidence = occlusion_evidence(prediction.face, classifier)
    else:
        raise ValueError(
            "A heat map needs an activation map, or the crop and its classifier. "
            f"Received: activation_map=None, face {'missing' if prediction.face is None else 'given'}, {classifier=}"
        )
    strongest = float(evidence.max())
    if not np.isfinite(strongest) or strongest <= 0:
        return np.zeros(evidence.shape[:2], np.float32)
    return np.clip(evidence[:, :, index] / strongest, 0, 1).astype(np.float32)


def _activation_evidence(activation_map: np.ndarray, face: np.ndarray | None) -> np.ndarray:
    """Return logits by place against the classes' mean, which a softmax does not see, shape (H, W, C)."""
    evidence = (activation_map - activation_map.mean(axis=2, keepdims=True)).astype(np.float32)
    height, width = evidence.shape[:2] if face is None else face.shape[:2]
    classes = [cv2.resize(evidence[:, :, c], (width, height)) for c in range(evidence.shape[2])]
    return np.stack(classes, axis=2)


@dataclass(frozen=True, eq=False)
class CoveredPredictions:
    """What a network predicts for a face while a patch of its mean gray covers one place after the other.

    Attributes:
        rows: Upper edges of the patch in pixels of the crop, ascending, shape (R,).
        columns: Left edges, ascending, shape (K,).
        patch: Height and width of the patch in pixels of the crop.
        fill: The patch's gray or RGB, uint8, shape () or (channels,).
        whole: Probabilities of the face without a patch, float32, shape (C,).
        covered: Probabilities at each place, float32, shape (R, K, C).
    """

    rows: np.ndarray
    columns: np.ndarray
    patch: tuple[int, int]
    fill: np.ndarray
    whole: np.ndarray
    covered: np.ndarray


def predict_covered(face: np.ndarray, classifier: Classifier, share: float = _PATCH) -> CoveredPredictions:
    """Classify a face and up to 81 copies of it, each covered in another place.

    Args:
        face: uint8, shape (H, W) or (H, W, 3).
        classifier: Classifies the face and its covered copies in one call.
        share: Side of the patch in sides of the face, 0..1.
    """
    height, width = face.shape[:2]
    patch_height, patch_width = max(1, round(height * share)), max(1, round(width * share))
    rows = np.unique(np.linspace(0, height - patch_height, _PLACES).round().astype(int))
    columns = np.unique(np.linspace(0, width - patch_width, _PLACES).round().astype(int))
    patches = [np.s_[row : row + patch_height, column : column + patch_width] for row in rows for column in columns]
    fill = face.mean(axis=(0, 1)).round().astype(np.uint8)
    copies = np.repeat(face[None], len(patches) + 1, axis=0)
    for copy, patch in zip(copies[1:], patches, strict=True):
        copy[patch] = fill
    probabilities = classifier.classify(copies).probabilities
    covered = probabilities[1:].reshape(len(rows), len(columns), -1)
    return CoveredPredictions(rows, columns, (patch_height, patch_width), fill, probabilities[0], covered)


def occlusion_evidence(face: np.ndarray, classifier: Classifier) -> np.ndarray:
    """Measure how much of each class's probability is lost when a part of the face is covered with its mean gray.

    Args:
        face: uint8, shape (H, W) or (H, W, 3).
        classifier: Classifies the face and its covered copies in one call.

    Returns:
        float32, shape (H, W, C): the loss under each patch at its centre, interpolated between; negative where covering
        helps.
    """
    height, width = face.shape[:2]
    found = predict_covered(face, classifier)
    loss = found.whole - found.covered
    y = np.interp(np.arange(height), found.rows + (found.patch[0] - 1) / 2, np.arange(len(found.rows)))
    x = np.interp(np.arange(width), found.columns + (found.patch[1] - 1) / 2, np.arange(len(found.columns)))
    grid = [axis.astype(np.float32) for axis in np.meshgrid(x, y)]
    classes = [np.ascontiguousarray(loss[:, :, c]) for c in range(loss.shape[2])]
    return np.stack([cv2.remap(of_class, grid[0], grid[1], cv2.INTER_LINEAR) for of_class in classes], axis=2)
