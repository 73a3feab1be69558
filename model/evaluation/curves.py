"""Curves over a threshold: ROC and precision-recall of each class, and accuracy against coverage.

NumPy alone, because a page that opens in a second cannot wait for scikit-learn's import; the tests hold these to
scikit-learn's results.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class ROC:
    """Receiver operating characteristic of one class against the rest.

    Attributes:
        false_positive_rate, true_positive_rate: From (0, 0) to (1, 1), float64, same length.
        thresholds: Probability from which the class is predicted at each point; infinite at the first.
        area: Area under the curve; NaN where the class has no samples, or all of them.
    """

    false_positive_rate: np.ndarray
    true_positive_rate: np.ndarray
    thresholds: np.ndarray
    area: float


@dataclass(frozen=True, eq=False)
class PrecisionRecall:
    """Precision against recall of one class.

    Attributes:
        precision, recall: From recall 0 (precision 1 by convention) to recall 1, float64, same length.
        thresholds: Probability from which the class is predicted at each point; infinite at the first.
        average_precision: Mean precision weighted by the gain in recall; NaN where the class has no samples.
        prevalence: Share of samples of the class, the average precision of guessing.
    """

    precision: np.ndarray
    recall: np.ndarray
    thresholds: np.ndarray
    average_precision: float
    prevalence: float


@dataclass(frozen=True, eq=False)
class Coverage:
    """Accuracy against coverage when predictions of low confidence are withheld.

    Attributes:
        threshold: Confidence below which no prediction is made, falling, shape (K,).
        coverage: Share of samples predicted at each threshold, rising to 1.
        accuracy: Accuracy on the predicted samples.
    """

    threshold: np.ndarray
    coverage: np.ndarray
    accuracy: np.ndarray

    def at_threshold(self, threshold: float) -> tuple[float, float]:
        """Return coverage and accuracy when predicting from a confidence on; accuracy is NaN without any prediction."""
        k = int(np.searchsorted(-self.threshold, -threshold, side="right")) - 1
        return (float(self.coverage[k]), float(self.accuracy[k])) if k >= 0 else (0.0, float("nan"))


def roc_curve(is_class: np.ndarray, score: np.ndarray) -> ROC:
    """Compute the ROC curve of one class.

    Args:
        is_class: Whether each sample is of the class, bool, shape (N,), N ≥ 1.
        score: Its probability, shape (N,).

    Source: Fawcett, Pattern Recognition Letters 27, 2006; the area by the trapezoidal rule.
    """
    hits, calls, thresholds = _cumulate(is_class, score)
    false_alarms = calls - hits
    thresholds = np.concatenate([[np.inf], thresholds])
    fpr = np.concatenate([[0.0], _share(false_alarms)])
    tpr = np.concatenate([[0.0], _share(hits)])
    area = float(np.trapezoid(tpr, fpr)) if hits[-1] and false_alarms[-1] else float("nan")
    # a point on a straight line between its neighbours adds nothing to see
    bends = np.ones(len(fpr), bool)
    bends[2:-1] = (np.diff(hits, 2) != 0) | (np.diff(false_alarms, 2) != 0)
    return ROC(fpr[bends], tpr[bends], thresholds[bends], area)


def precision_recall_curve(is_class: np.ndarray, score: np.ndarray) -> PrecisionRecall:
    """Compute the precision-recall curve of one class, without interpolation.

    Args:
        is_class: Whether each sample is of the class, bool, shape (N,), N ≥ 1.
        score: Its probability, shape (N,).

    Source: Davis and Goadrich, ICML 2006 (why not to interpolate linearly).
    """
    hits, calls, thresholds = _cumulate(is_class, score)
    precision, recall = hits / calls, _share(hits)
    average = float((np.diff(recall, prepend=0.0) * precision).sum()) if hits[-1] else float("nan")
    return PrecisionRecall(
        np.concatenate([[1.0], precision]),
        np.concatenate([[0.0], recall]),
        np.concatenate([[np.inf], thresholds]),
        average,
        float(hits[-1] / calls[-1]),
    )


def coverage_curve(label: np.ndarray, probabilities: np.ndarray) -> Coverage:
    """Compute accuracy against coverage when only the most confident predictions are made.

    Args:
        label: Class indices, shape (N,), N ≥ 1.
        probabilities: Shape (N, C).

    Source: El-Yaniv and Wiener, Journal of Machine Learning Research 11, 2010 (selective classification).
    """
    right, answered, thresholds = _cumulate(probabilities.argmax(1) == label, probabilities.max(1))
    return Coverage(thresholds, answered / answered[-1], right / answered)


def _cumulate(is_hit: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return hits and samples at or above each distinct score, and these scores, falling."""
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    last_of_tie = np.flatnonzero(np.append(np.diff(ordered) != 0, True))
    hits = np.cumsum(is_hit[order], dtype=np.int64)[last_of_tie]
    return hits, last_of_tie + 1, ordered[last_of_tie].astype(np.float64)


def _share(counts: np.ndarray) -> np.ndarray:
    return counts / counts[-1] if counts[-1] else np.zeros(len(counts))
