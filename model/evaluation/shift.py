"""What changes where a network meets data unlike its own: how frequent classes are, and what knowing that would give.

Source: Saerens, Latinne, Decaestecker, "Adjusting the Outputs of a Classifier to New a Priori Probabilities", Neural
Computation 14, 2002.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emoscope.model.runs.predictions import Predictions

ROUNDS = 200
_CLOSE = 1e-6


@dataclass(frozen=True, eq=False)
class PriorShift:
    """How frequent classes are here, and how well a network does when it is told.

    Attributes:
        learned: Share of each class as the network predicts it on its own data, shape (C,).
        labelled: Share of each class among the labels here, shape (C,).
        estimated: The same as estimated from predictions alone, shape (C,).
        accuracy: As it is.
        accuracy_estimated: With probabilities corrected to the estimated shares.
        accuracy_known: With probabilities corrected to the labelled ones.
        balanced: Mean recall of the classes that there are, as it is.
        balanced_estimated, balanced_known: The same, corrected.
    """

    learned: np.ndarray
    labelled: np.ndarray
    estimated: np.ndarray
    accuracy: float
    accuracy_estimated: float
    accuracy_known: float
    balanced: float
    balanced_estimated: float
    balanced_known: float


def prior_shift(own: np.ndarray, found: Predictions) -> PriorShift:
    """Compare how frequent classes are in two data sets, and correct the predictions on the second.

    Args:
        own: Probabilities on images like those that the network learned from, shape (M, C).
        found: Predictions on other data.
    """
    classes = own.shape[1]
    learned = own.mean(0).astype(np.float64)
    labelled = np.bincount(found.label, minlength=classes) / len(found.label)
    estimated = estimate_priors(found.probabilities, learned)
    figures = [
        _scores(found.label, with_priors(found.probabilities, learned, priors))
        for priors in (learned, estimated, labelled)
    ]
    (accuracy, balanced), (accuracy_e, balanced_e), (accuracy_k, balanced_k) = figures
    return PriorShift(
        learned, labelled, estimated, accuracy, accuracy_e, accuracy_k, balanced, balanced_e, balanced_k
    )  # fmt: skip


def with_priors(probabilities: np.ndarray, learned: np.ndarray, priors: np.ndarray) -> np.ndarray:
    """Return probabilities as they would be if classes were as frequent as ``priors``, float64, shape (N, C)."""
    weighted = probabilities.astype(np.float64) * (priors / np.maximum(learned, 1e-9))
    return weighted / np.maximum(weighted.sum(1, keepdims=True), 1e-30)


def estimate_priors(probabilities: np.ndarray, learned: np.ndarray) -> np.ndarray:
    """Estimate how frequent classes are from predictions alone, by expectation maximisation; float64, shape (C,)."""
    priors = learned / learned.sum()
    for _ in range(ROUNDS):
        previous, priors = priors, with_priors(probabilities, learned, priors).mean(0)
        if np.abs(priors - previous).max() < _CLOSE:
            break
    return priors


def _scores(label: np.ndarray, probabilities: np.ndarray) -> tuple[float, float]:
    """Return accuracy and the mean recall of the classes that there are."""
    right = probabilities.argmax(1) == label
    counts = np.bincount(label)
    recall = np.bincount(label, right)[counts > 0] / counts[counts > 0]
    return float(right.mean()), float(recall.mean())
