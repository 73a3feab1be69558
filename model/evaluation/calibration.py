"""Whether predictions of 70 % confidence are 70 % accurate, and a temperature where they are not.

What is right is a label, or where people voted, the share of them who say what is predicted: then a confidence of 70 %
is honest where 70 % of people agree.

Temperature scaling divides the logits by one number fitted on the validation split. It changes confidence but never the
order of the classes. Saved probabilities serve as well as logits: the logarithm of a softmax is the logits up to a
constant per sample.

Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017 (arXiv 1706.04599).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emoscope.model.errors import RunError
from emoscope.model.evaluation.curves import coverage_curve
from emoscope.model.evaluation.statistics import wilson_interval
from emoscope.model.runs.figures import Calibration, TemperatureEffect
from emoscope.model.runs.files import write_json
from emoscope.model.runs.predictions import Predictions
from emoscope.model.runs.run import Run, own_labels
from emoscope.model.splits import find_split, images_of, is_by_votes
from emoscope.model.votes import vote_distribution

DEFAULT_BINS = 15
ABSTAIN_ACCURACY = 0.9
_SMALLEST = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, eq=False)
class Reliability:
    """A reliability diagram: samples grouped by the confidence of their predicted class.

    Attributes:
        edges: Bin edges, shape (bins + 1,).
        count: Samples per bin, shape (bins,).
        confidence: Mean confidence per bin, NaN where empty.
        accuracy: Share of right predictions a bin, or of people who agree with them, NaN where empty.
        ece: Expected calibration error, the count-weighted mean of |accuracy - confidence|.
        mce: The largest of these gaps.
    """

    edges: np.ndarray
    count: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    ece: float
    mce: float


def calibration_bins(confidence: np.ndarray, bins: int = DEFAULT_BINS) -> np.ndarray:
    """Return the bin of each confidence in 0..1, equal widths, each closed at its upper edge: int64, shape (N,)."""
    inner = np.linspace(0, 1, bins + 1)[1:-1]
    return np.searchsorted(inner, np.asarray(confidence, np.float64), side="left")


def reliability(truth: np.ndarray, probabilities: np.ndarray, bins: int = DEFAULT_BINS) -> Reliability:
    """Group samples by confidence and compare confidence with accuracy.

    Args:
        truth: Class indices, shape (N,), or the share of votes for each class, shape (N, C).
        probabilities: Shape (N, C).
        bins: Number of equal-width bins.
    """
    confidence, predicted = probabilities.max(1).astype(np.float64), probabilities.argmax(1)
    correct = correctness(truth, predicted)
    cells = calibration_bins(confidence, bins)
    count = np.bincount(cells, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean_confidence = np.bincount(cells, confidence, bins) / count
        accuracy = np.bincount(cells, correct, bins) / count
    gap = np.nan_to_num(np.abs(accuracy - mean_confidence))
    ece = float((gap * count).sum() / max(len(truth), 1))
    return Reliability(np.linspace(0, 1, bins + 1), count, mean_confidence, accuracy, ece, float(gap.max()))


def correctness(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return how right each prediction is: 0 or 1 by a label, or the share of people who agree; float64, shape (N,)."""
    right = predicted == truth if truth.ndim == 1 else truth[np.arange(len(truth)), predicted]
    return right.astype(np.float64)


def expected_calibration_error(truth: np.ndarray, probabilities: np.ndarray, bins: int = DEFAULT_BINS) -> float:
    """Return the mean gap between confidence and accuracy over equal-width bins, 0..1.

    Source: Naeini et al., AAAI 2015; Guo et al. 2017, equation 3.
    """
    return reliability(truth, probabilities, bins).ece


def log_losses(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return each sample's cross-entropy with a label (N,) or a distribution (N, C) in nats, float64, shape (N,).

    Probabilities are kept above the float32 resolution 1.2e-7, so that a confident mistake costs at most 15.9 nats.
    """
    logs = np.log(np.clip(probabilities.astype(np.float64), np.finfo(np.float32).eps, 1.0))
    return -_expected(truth, logs)


def _expected(truth: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the value of each sample's class, or the mean of its classes' values by a distribution; shape (N,)."""
    if truth.ndim == 1:
        return np.take_along_axis(values, truth[:, None], 1)[:, 0]
    return (truth * values).sum(1)


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return the probabilities that the same logits give when divided by a temperature: float32, shape (N, C)."""
    if temperature == 1:
        return np.asarray(probabilities, np.float32)
    logits = np.log(np.maximum(np.asarray(probabilities, np.float64), _SMALLEST)) / temperature
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    return (exponentials / exponentials.sum(-1, keepdims=True)).astype(np.float32)


def fit_temperature(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Find the temperature in 0.05..20 with the smallest log loss.

    The loss is convex in 1/temperature, so the root of its slope is the minimum.

    Args:
        truth: Class indices, shape (N,), or distributions, shape (N, C).
        probabilities: Shape (N, C).
    """
    from scipy.optimize import brentq

    logits = np.log(np.maximum(np.asarray(probabilities, np.float64), _SMALLEST))
    logits -= logits.max(1, keepdims=True)
    own = _expected(np.asarray(truth), logits)

    def slope(inverse: float) -> float:
        weights = np.exp(logits * inverse)
        expected = (weights * logits).sum(1) / weights.sum(1)
        return float((expected - own).mean())

    low, high = 1 / 20, 1 / 0.05
    if slope(low) >= 0:
        return 1 / low
    if slope(high) <= 0:
        return 1 / high
    return 1 / float(brentq(slope, low, high, rtol=1e-10))


def validation_split(run: Run) -> str:
    """Return the name of the run's validation split.

    Raises:
        RunError: The run has no predictions on one.
    """
    split = find_split("validation", run.splits)
    if split is None:
        raise RunError(
            f"{run.key} has no predictions on a validation split.",
            "Run `python -m training evaluate` with data that has one.",
        )
    return split


def calibrate_run(run: Run) -> Calibration:
    """Fit a temperature on the run's validation predictions and store it as ``calibration.json``.

    Returns:
        The content of the file.

    Raises:
        RunError: There are no validation predictions.
    """
    split = own_labels(run, validation_split(run))
    probabilities, truth = calibration_data(run, split)
    effect = temperature_effect(truth, probabilities)
    judged = run.predictions(split)
    calibrated = apply_temperature(judged.probabilities, effect["temperature"])
    threshold = abstention_threshold(judged.label, calibrated)
    result: Calibration = {"split": split, **effect, "abstain_below": threshold}
    write_json(run.path / "calibration.json", result)
    return result


def abstention_threshold(
    label: np.ndarray, probabilities: np.ndarray, accuracy: float = ABSTAIN_ACCURACY
) -> float | None:
    """Find the lowest confidence from which on predictions are accurate enough.

    The lower end of the accuracy's 95 % interval has to reach it, since a threshold that just does so on the samples it
    was chosen on falls short on others.

    Args:
        label: Class indices, shape (N,).
        probabilities: Shape (N, C).
        accuracy: Wanted accuracy, 0..1.

    Returns:
        None where no threshold does.
    """
    curve = coverage_curve(label, probabilities)
    enough = np.flatnonzero(wilson_interval(curve.accuracy, curve.coverage * len(label))[0] >= accuracy)
    return float(curve.threshold[enough[-1]]) if len(enough) else None


def answered_from(predictions: Predictions, temperature: float, threshold: float) -> tuple[float, float]:
    """Return coverage and accuracy of the predictions from a calibrated confidence on (NaN where there are none)."""
    calibrated = apply_temperature(predictions.probabilities, temperature)
    return coverage_curve(predictions.label, calibrated).at_threshold(threshold)


def temperature_effect(
    truth: np.ndarray, probabilities: np.ndarray, temperature: float | None = None
) -> TemperatureEffect:
    """Return what a temperature does to log loss and calibration error on some predictions.

    Args:
        truth: Class indices, shape (N,), or distributions, shape (N, C).
        probabilities: Shape (N, C).
        temperature: To apply; fitted on these very predictions where None.
    """
    temperature = fit_temperature(truth, probabilities) if temperature is None else temperature
    after = apply_temperature(probabilities, temperature)
    return {
        "temperature": temperature,
        "n": len(truth),
        "log_loss_before": float(log_losses(truth, probabilities).mean()),
        "log_loss_after": float(log_losses(truth, after).mean()),
        "ece_before": expected_calibration_error(truth, probabilities),
        "ece_after": expected_calibration_error(truth, after),
    }


def calibration_data(run: Run, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a run's probabilities on a split, and what they are held against: labels, or the shares of votes.

    Args:
        run: With predictions.
        split: Judged by votes (:func:`emoscope.model.splits.by_votes`) or not.

    Returns:
        Probabilities, float32, shape (N, C); class indices, int64, shape (N,), or shares, float32, shape (N, C), of the
        images that people could name.

    Raises:
        RunError: There are no predictions, none with probabilities, or no votes where they are asked for.
    """
    if not is_by_votes(split):
        found = run.predictions(split)
        found.need_probabilities("Calibration")
        return found.probabilities, found.label
    found = run.with_votes(run.predictions(images_of(split)))
    found.need_probabilities("Calibration")
    if found.votes is None:
        raise RunError(f"Nobody's votes are known on the images of {images_of(split)}.", "Evaluate it on FER+ votes.")
    shares, usable = vote_distribution(found.votes, run.info.class_names)
    return found.probabilities[usable], shares[usable]
