"""The figures of one classifier on one split, every one computed from its saved predictions.

Scores that follow from counts accept counts with leading dimensions, so that the same lines compute the figure and
its bootstrap replicates.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from emoscope.model.evaluation.calibration import (
    DEFAULT_BINS,
    calibration_bins,
    calibration_data,
    correctness,
    expected_calibration_error,
    log_losses,
)
from emoscope.model.evaluation.statistics import (
    RESAMPLES,
    bootstrap_mean,
    percentile_interval,
    percentile_intervals,
    resample_counts,
    resample_in_parts,
    resample_sums,
)
from emoscope.model.runs.figures import ClassMetrics, ClassScalar, Metrics, Scalar
from emoscope.model.runs.predictions import Predictions
from emoscope.model.runs.reports import stated_metrics
from emoscope.model.runs.run import Run
from emoscope.model.splits import is_by_votes

SCALARS: tuple[Scalar, ...] = ("accuracy", "macro_f1", "balanced_accuracy", "top2", "log_loss", "ece")
LOWER_IS_BETTER: tuple[Scalar, ...] = ("log_loss", "ece")
_VOTE_LEVELS = 11  # 0 to 10 of ten people
METRIC_TITLES: dict[Scalar, str] = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro F1",
    "balanced_accuracy": "Balanced accuracy",
    "top2": "Top-2 accuracy",
    "log_loss": "Log loss",
    "ece": "Calibration error (ECE)",
}


def compute_metrics(
    predictions: Predictions,
    class_names: Sequence[str],
    resamples: int = RESAMPLES,
    seed: int = 0,
    confidence_against: tuple[np.ndarray, np.ndarray] | None = None,
) -> Metrics:
    """Compute every figure of one split.

    Args:
        predictions: Valid predictions on at least one sample.
        class_names: The C class names in the network's order.
        resamples: Bootstrap replicates behind each interval; 0 leaves the intervals out.
        seed: Of the bootstrap.
        confidence_against: Probabilities and what their calibration error is measured against, as
            :func:`~emoscope.model.evaluation.calibration.calibration_data` returns them; by default the labels. Where
            people voted, images on which they do not agree tell as much as others.

    Returns:
        Plain values, as ``metrics.json`` holds them; what needs probabilities is NaN where they are not known.
        A precision, recall or F1 with an empty denominator is 0; a class
        that is neither labelled nor predicted does not enter the mean (as in scikit-learn).
    """
    label, probabilities = predictions.label, predictions.probabilities
    confusion = confusion_counts(label, probabilities.argmax(1), len(class_names))
    counts = ClassCounts.from_confusion(confusion)
    confident, truth = confidence_against or (probabilities, label)
    values: dict[str, Any] = {**overall_scores(counts), **dict.fromkeys(("top2", "log_loss", "ece"), np.nan)}
    if predictions.has_probabilities:
        losses, top2 = log_losses(label, probabilities), label_rank(label, probabilities) < 2
        values |= {"top2": top2.mean(), "log_loss": losses.mean(), "ece": expected_calibration_error(truth, confident)}
    precision, recall, f1 = precision_recall_f1(counts)
    per_class: list[ClassMetrics] = [
        {
            "name": name,
            "precision": float(precision[i]),
            "recall": float(recall[i]),
            "f1": float(f1[i]),
            "support": int(confusion[i].sum()),
            "predicted": int(confusion[:, i].sum()),
        }
        for i, name in enumerate(class_names)
    ]
    result: Metrics = {
        "n": len(label),
        "accuracy": float(values["accuracy"]),
        "macro_f1": float(values["macro_f1"]),
        "balanced_accuracy": float(values["balanced_accuracy"]),
        "top2": float(values["top2"]),
        "log_loss": float(values["log_loss"]),
        "ece": float(values["ece"]),
        "per_class": per_class,
        "confusion": confusion.tolist(),
    }
    if resamples:
        true, answer = np.nonzero(confusion)
        (drawn,) = resampled_class_counts(confusion[true, answer], true, [answer], len(class_names), resamples, seed)
        replicates = {**overall_scores(drawn), **dict.fromkeys(("top2", "log_loss", "ece"), np.full(1, np.nan))}
        if predictions.has_probabilities:
            replicates |= {
                "top2": resample_counts(np.bincount(top2, minlength=2), resamples, seed)[:, 1] / len(label),
                "log_loss": bootstrap_mean(losses, resamples, seed),
                "ece": _ece_replicates(truth, confident, float(values["ece"]), resamples, seed),
            }
        result["intervals"] = {name: list(percentile_interval(replicates[name])) for name in SCALARS}
        names: tuple[ClassScalar, ...] = ("precision", "recall", "f1")
        by_class = {
            name: percentile_intervals(values).tolist()
            for name, values in zip(names, precision_recall_f1(drawn), strict=True)
        }
        for i, row in enumerate(per_class):
            row["intervals"] = {name: by_class[name][i] for name in names}
    return result


def metrics_of(run: Run, split: str, resamples: int = RESAMPLES) -> Metrics:
    """Return every figure of a run on a split, judged by votes or by labels; as :func:`compute_metrics`.

    Raises:
        RunError: The predictions, or the votes where they are asked for, are missing, broken or foreign.
    """
    if split in run.reports:
        return reported_metrics(run, split, resamples)
    found = run.predictions(split)
    against = calibration_data(run, split) if is_by_votes(split) and found.has_probabilities else None
    return compute_metrics(found, run.info.class_names, resamples, confidence_against=against)


def reported_metrics(run: Run, split: str, resamples: int = RESAMPLES, seed: int = 0) -> Metrics:
    """Return what a report of another program states of a split, with the interval of its accuracy.

    Args:
        run: With a report on the split.
        split: One of the run's ``reports``.
        resamples: Bootstrap replicates; 0 leaves the intervals out.
        seed: Of the bootstrap.
    """
    figures = stated_metrics(run.reports[split])
    if not resamples:
        return figures
    unknown = [float("nan")] * 2
    figures["intervals"] = dict.fromkeys(SCALARS, unknown)
    if np.isfinite(figures["accuracy"]):
        right = round(figures["accuracy"] * figures["n"])
        drawn = resample_counts(np.array([right, figures["n"] - right]), resamples, seed)[:, 0]
        figures["intervals"]["accuracy"] = list(percentile_interval(drawn / figures["n"]))
    return figures


def confusion_counts(label: np.ndarray, predicted: np.ndarray, classes: int, columns: int | None = None) -> np.ndarray:
    """Count samples by label (row) and predicted class (column): int64, shape (C, C) or (C, columns).

    Args:
        label: Class of each sample, 0..C-1, shape (N,).
        predicted: Class that each sample is compared with, shape (N,).
        classes: C.
        columns: Number of classes of ``predicted`` where it has others than ``label``.
    """
    columns = columns or classes
    return np.bincount(label * columns + predicted, minlength=classes * columns).reshape(classes, columns)


class ClassCounts(NamedTuple):
    """What the scores need of a confusion matrix; each array has shape (..., C).

    Attributes:
        right: Samples of the class that are predicted as it.
        support: Samples of the class.
        predicted: Samples predicted as the class.
    """

    right: np.ndarray
    support: np.ndarray
    predicted: np.ndarray

    @classmethod
    def from_confusion(cls, confusion: np.ndarray) -> ClassCounts:
        """Sum up confusion matrices of shape (..., C, C), rows labels."""
        confusion = np.asarray(confusion)
        return cls(np.diagonal(confusion, axis1=-2, axis2=-1), confusion.sum(-1), confusion.sum(-2))


def resampled_class_counts(
    counts: np.ndarray,
    label: np.ndarray,
    predicted: Sequence[np.ndarray],
    classes: int,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[ClassCounts]:
    """Draw bootstrap replicates of what the scores of one or more classifiers on the same samples need.

    Samples are counted by cell: those of one label and one prediction of each classifier. Replicates are drawn a few at
    a time and summed up by class at once, so that memory grows with the classes, not with their pairs.

    Args:
        counts: Samples of each cell, positive, int64, shape (K,).
        label: Of each cell, shape (K,).
        predicted: Of each cell by each classifier, shape (K,).
        classes: C.
        resamples: Number of replicates B.
        seed: Of the draw.

    Returns:
        For each classifier, arrays of shape (B, C).
    """
    sums = [_sums_by_class(label, answer, classes) for answer in predicted]
    parts = [[drawn @ matrix for matrix in sums] for drawn in resample_in_parts(counts, resamples, seed)]
    return [
        ClassCounts(*np.split(np.concatenate(found).astype(np.float64), 3, axis=1))
        for found in zip(*parts, strict=True)
    ]


def _sums_by_class(label: np.ndarray, predicted: np.ndarray, classes: int) -> Any:
    """Return the sparse matrix, shape (K, 3 C), that sums cells up by right class, label and prediction."""
    from scipy.sparse import csr_array

    right = np.flatnonzero(label == predicted)
    cells = np.arange(len(label))
    rows = np.concatenate([right, cells, cells])
    columns = np.concatenate([label[right], classes + label, 2 * classes + predicted])
    return csr_array((np.ones(len(rows), np.int64), (rows, columns)), shape=(len(label), 3 * classes))


def overall_scores(counts: ClassCounts) -> dict[str, np.ndarray]:
    """Compute ``accuracy``, ``macro_f1`` and ``balanced_accuracy``, float64, each of shape (...)."""
    _, recall, f1 = precision_recall_f1(counts)
    right, support, predicted = counts
    return {
        "accuracy": _ratio(right.sum(-1), support.sum(-1)),
        "macro_f1": _ratio(f1.sum(-1), ((support + predicted) > 0).sum(-1)),
        "balanced_accuracy": _ratio(recall.sum(-1), (support > 0).sum(-1)),
    }


def precision_recall_f1(counts: ClassCounts) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute precision, recall and F1 by class, 0 where undefined, float64, each of shape (..., C)."""
    right, support, predicted = counts
    return _ratio(right, predicted), _ratio(right, support), _ratio(2 * right, support + predicted)


def label_rank(label: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return the place of each sample's label among the classes by probability, 0 for the first: int64, shape (N,).

    Equal probabilities are ordered by class index, as arg-max does, so that rank 0 is exactly "predicted".
    """
    own = np.take_along_axis(probabilities, label[:, None], 1)
    earlier = np.arange(probabilities.shape[1]) < label[:, None]
    return ((probabilities > own) | ((probabilities == own) & earlier)).sum(1)


def _ece_replicates(truth: np.ndarray, probabilities: np.ndarray, ece: float, resamples: int, seed: int) -> np.ndarray:
    """Draw replicates of the calibration error, centred on the error itself.

    Resampling noise widens the gap of every bin, never narrows it, so plain replicates lie above the figure that they
    should surround; they are moved back by their mean excess.
    """
    confidence = probabilities.max(1)
    right = correctness(truth, probabilities.argmax(1))
    levels = _VOTE_LEVELS if truth.ndim == 2 else 2
    cells = calibration_bins(confidence) * levels + np.rint(right * (levels - 1)).astype(np.int64)
    _, sums = resample_sums(right - confidence, cells, DEFAULT_BINS * levels, resamples, seed)
    replicates = np.abs(sums.reshape(len(sums), DEFAULT_BINS, levels).sum(2)).sum(1) / len(truth)
    return np.clip(replicates - replicates.mean() + ece, 0.0, 1.0)


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    return np.divide(numerator, denominator, out=np.zeros(np.shape(numerator)), where=np.asarray(denominator) > 0)
