"""Two classifiers on the same samples: which is better, where, and whether the difference is real."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from emoscope.model.emotions import class_places, emotion_key
from emoscope.model.errors import EmoscopeError, NotKnownError, RunError
from emoscope.model.evaluation.metrics import (
    ClassCounts,
    confusion_counts,
    overall_scores,
    precision_recall_f1,
    resampled_class_counts,
)
from emoscope.model.evaluation.statistics import (
    RESAMPLES,
    McNemar,
    mcnemar,
    percentile_interval,
    percentile_intervals,
)
from emoscope.model.runs.predictions import Predictions
from emoscope.model.runs.run import Run


@dataclass(frozen=True, eq=False)
class Pair:
    """Two runs' predictions on one split, sample by sample.

    Attributes:
        a, b: Keys of the runs.
        class_names: Of A; B's columns are brought into this order.
        predictions_a, predictions_b: Same samples in the same order, same labels.
    """

    a: str
    b: str
    class_names: tuple[str, ...]
    predictions_a: Predictions
    predictions_b: Predictions

    @property
    def label(self) -> np.ndarray:
        """Class indices, int64, shape (N,)."""
        return self.predictions_a.label

    @property
    def predicted(self) -> tuple[np.ndarray, np.ndarray]:
        """Predicted class of A and of B, int64, both of shape (N,)."""
        return self.predictions_a.probabilities.argmax(1), self.predictions_b.probabilities.argmax(1)


@dataclass(frozen=True)
class Difference:
    """A figure of A and of B, and the ends of the paired bootstrap 95 % interval of A minus B."""

    a: float
    b: float
    low: float
    high: float

    @property
    def value(self) -> float:
        """A minus B."""
        return self.a - self.b

    @property
    def distinguishable(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Comparison:
    """The comparison of two classifiers' predictions on the same samples.

    Attributes:
        a, b: Keys of the runs.
        n: Samples.
        accuracy, macro_f1: Differences A minus B.
        per_class: By class name, the differences of ``precision``, ``recall`` and ``f1``.
        test: McNemar's test.
        both_right, both_wrong: Counts of samples.
    """

    a: str
    b: str
    n: int
    accuracy: Difference
    macro_f1: Difference
    per_class: Mapping[str, Mapping[str, Difference]]
    test: McNemar
    both_right: int
    both_wrong: int

    def __repr__(self) -> str:
        low, high = 100 * self.accuracy.low, 100 * self.accuracy.high
        return (
            f"Comparison({self.a} minus {self.b}: {100 * self.accuracy.value:+.1f} points, {low:+.1f} to {high:+.1f})"
        )


def pair_runs(a: Run, b: Run, split: str) -> Pair:
    """Pair two runs' predictions on one split, sample by sample.

    Raises:
        RunError: They must not be compared; the sentence says why.
    """
    names_a, names_b = a.info.class_names, b.info.class_names
    places = class_places(names_b, names_a)
    if places is None:
        keys_a, keys_b = ({emotion_key(name) for name in names} for names in (names_a, names_b))
        alone = [name for name in (*names_a, *names_b) if emotion_key(name) in keys_a ^ keys_b]
        raise RunError(
            f"{a.key} and {b.key} cannot be compared: they know different classes (not shared: {', '.join(alone)}).",
            "Choose two runs with the same classes.",
        )
    one, other = a.predictions(split), _with_columns(b.predictions(split), places)
    for run, found in ((a, one), (b, other)):
        if found.detail == "counts":
            raise NotKnownError(
                f"{a.key} and {b.key} cannot be compared on {split}: of {run.key} only a confusion matrix is known, "
                "which does not say what was predicted on which image.",
                "Import its predictions: the label and the predicted class of each image.",
            )
    if not np.array_equal(one.pixel_hash, other.pixel_hash):
        order = _matching_order(one, other, a.key, b.key, split)
        other = other.take(order)
    differing = int((one.label != other.label).sum())
    if differing:
        sources = " and ".join(run.info.label_source or "unnamed" for run in (a, b))
        raise RunError(
            f"{a.key} and {b.key} cannot be compared on {split}: they were scored against different labels ({sources}; "
            f"{differing:,} of {len(one.label):,} samples differ).",
            "Evaluate both on the same labels.",
        )
    return Pair(a.key, b.key, names_a, one, other)


def why_not_comparable(a: Run, b: Run, split: str) -> str:
    """Return why two runs must not be compared on a split; empty if they may."""
    try:
        pair_runs(a, b, split)
    except EmoscopeError as error:
        return str(error)
    return ""


def compare(pair: Pair, resamples: int = RESAMPLES, seed: int = 0) -> Comparison:
    """Compare two classifiers by McNemar's test and a paired bootstrap.

    The bootstrap draws samples, with both classifiers' predictions; since accuracy and F1 depend on them only
    through the counts of (label, prediction of A, prediction of B), those counts are drawn instead.

    Source: McNemar 1947; for the paired bootstrap, Berg-Kirkpatrick et al., EMNLP 2012.
    """
    label, (predicted_a, predicted_b) = pair.label, pair.predicted
    classes = len(pair.class_names)
    cells, counts = np.unique((label * classes + predicted_a) * classes + predicted_b, return_counts=True)
    cell_label, cell_a, cell_b = cells // classes**2, cells // classes % classes, cells % classes
    counts_a, counts_b = (
        ClassCounts.from_confusion(confusion_counts(label, predicted, classes))
        for predicted in (predicted_a, predicted_b)
    )
    drawn_a, drawn_b = resampled_class_counts(counts, cell_label, [cell_a, cell_b], classes, resamples, seed)

    scores_a, scores_b = overall_scores(counts_a), overall_scores(counts_b)
    many_a, many_b = overall_scores(drawn_a), overall_scores(drawn_b)
    overall = {
        name: _difference(scores_a[name], scores_b[name], many_a[name] - many_b[name])
        for name in ("accuracy", "macro_f1")
    }
    per_class: dict[str, dict[str, Difference]] = {name: {} for name in pair.class_names}
    values_a, values_b = precision_recall_f1(counts_a), precision_recall_f1(counts_b)
    classwise_a, classwise_b = precision_recall_f1(drawn_a), precision_recall_f1(drawn_b)
    for k, figure in enumerate(("precision", "recall", "f1")):
        intervals = percentile_intervals(classwise_a[k] - classwise_b[k]).tolist()
        for i, name in enumerate(pair.class_names):
            per_class[name][figure] = Difference(float(values_a[k][i]), float(values_b[k][i]), *intervals[i])

    right_a, right_b = predicted_a == label, predicted_b == label
    return Comparison(
        pair.a,
        pair.b,
        len(label),
        overall["accuracy"],
        overall["macro_f1"],
        per_class,
        mcnemar(int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())),
        both_right=int((right_a & right_b).sum()),
        both_wrong=int((~right_a & ~right_b).sum()),
    )


def verdict(comparison: Comparison, alpha: float = 0.05) -> str:
    """Return one plain sentence on which run is the more accurate, if the samples allow it.

    A difference counts only where McNemar's exact test and the paired bootstrap agree.
    """
    c, gain = comparison, comparison.accuracy
    if not c.test.only_a and not c.test.only_b:
        return f"{c.a} and {c.b} are right and wrong on exactly the same samples (n = {c.n:,})."
    p_value = format_p(c.test.p_exact)
    if not is_clear(c, alpha):
        return (
            f"{c.a} and {c.b} are not distinguishable at n = {c.n:,}: {c.a} minus {c.b} is {_points(gain.value)} "
            f"points of accuracy (95 % interval {_points(gain.low)} to {_points(gain.high)}, McNemar {p_value})."
        )
    better, worse, sign = (c.a, c.b, 1) if gain.value > 0 else (c.b, c.a, -1)
    low, high = sorted((sign * gain.low, sign * gain.high))
    return (
        f"{better} is better than {worse} by {_points(sign * gain.value)} points of accuracy at n = {c.n:,} "
        f"(95 % interval {_points(low)} to {_points(high)}, McNemar {p_value})."
    )


def is_clear(comparison: Comparison, alpha: float = 0.05) -> bool:
    """Tell whether one run is the more accurate by more than chance: both tests must say so."""
    return comparison.test.p_exact < alpha and comparison.accuracy.distinguishable


def format_p(p: float) -> str:
    """Write a p-value as people do: ``p = 0.41``, ``p = 0.003``, ``p < 0.001``."""
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def flips(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """Return the samples that only A gets right and those that only B gets right.

    Returns:
        Positions in the pair's arrays, int64, each by confidence of the wrong one, highest first.
    """
    label, (predicted_a, predicted_b) = pair.label, pair.predicted
    sure_a, sure_b = pair.predictions_a.probabilities.max(1), pair.predictions_b.probabilities.max(1)
    only_a = np.flatnonzero((predicted_a == label) & (predicted_b != label))
    only_b = np.flatnonzero((predicted_b == label) & (predicted_a != label))
    return only_a[np.argsort(-sure_b[only_a], kind="stable")], only_b[np.argsort(-sure_a[only_b], kind="stable")]


def _with_columns(predictions: Predictions, columns: Sequence[int]) -> Predictions:
    """Bring predictions into another order of the classes."""
    label = np.argsort(columns)[predictions.label]
    return replace(predictions, label=label, probabilities=predictions.probabilities[:, columns])


def _matching_order(one: Predictions, other: Predictions, a: str, b: str, split: str) -> np.ndarray:
    """Return the order of ``other`` in which it holds the images of ``one``, or raise RunError."""
    order_one = np.lexsort((one.label, one.pixel_hash))
    order_other = np.lexsort((other.label, other.pixel_hash))
    if not np.array_equal(one.pixel_hash[order_one], other.pixel_hash[order_other]):
        shared = len(np.intersect1d(one.pixel_hash, other.pixel_hash))
        raise RunError(
            f"{a} and {b} cannot be compared on {split}: they were scored on different images "
            f"({len(one.label):,} and {len(other.label):,}, {shared:,} in both).",
            "Evaluate both on the same data.",
        )
    order = np.empty(len(order_one), np.int64)
    order[order_one] = order_other
    return order


def _difference(a: float | np.ndarray, b: float | np.ndarray, replicates: np.ndarray) -> Difference:
    return Difference(float(a), float(b), *percentile_interval(replicates))


def _points(share: float) -> str:
    """Write a share as percentage points, without a negative zero."""
    return f"{round(100 * share, 1) + 0.0:.1f}"
