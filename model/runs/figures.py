"""What the JSON files of a run's figures hold: ``metrics.json`` and ``calibration.json``."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

Scalar = Literal["accuracy", "macro_f1", "balanced_accuracy", "top2", "log_loss", "ece"]
"""A figure of a whole split."""
ClassScalar = Literal["precision", "recall", "f1"]
"""A figure of one class of a split."""


class ClassMetrics(TypedDict):
    """The figures of one class.

    Attributes:
        name: Of the class.
        precision, recall, f1: 0..1; 0 where the denominator is empty.
        support: Samples of the class.
        predicted: Samples predicted as it; None where only a report states the other figures.
        intervals: Both ends of the bootstrap 95 % interval by figure; absent where no resample was drawn.
    """

    name: str
    precision: float
    recall: float
    f1: float
    support: int
    predicted: int | None
    intervals: NotRequired[dict[ClassScalar, list[float]]]


class Metrics(TypedDict):
    """The figures of one split, as ``metrics.json`` holds them by split.

    Attributes:
        n: Samples.
        accuracy, macro_f1, balanced_accuracy, top2: 0..1. These and the next two are NaN where what they are computed
            from is not known, as of imported results; ``metrics.json`` holds no such figures.
        log_loss: In nats.
        ece: Expected calibration error, 0..1.
        per_class: In the order of the network's classes.
        confusion: Counts; rows are labels, columns predicted classes. Empty where only a report is known.
        intervals: Both ends of the bootstrap 95 % interval by figure; absent where no resample was drawn.
        people: Agreement with people's votes, where the split is judged by them; see
            :meth:`emoscope.model.evaluation.votes.VoteFigures.scalars`.
    """

    n: int
    accuracy: float
    macro_f1: float
    balanced_accuracy: float
    top2: float
    log_loss: float
    ece: float
    per_class: list[ClassMetrics]
    confusion: list[list[int]]
    intervals: NotRequired[dict[Scalar, list[float]]]
    people: NotRequired[dict[str, float]]


class TemperatureEffect(TypedDict):
    """Log loss and expected calibration error of n samples before and after a temperature is applied."""

    temperature: float
    n: int
    log_loss_before: float
    log_loss_after: float
    ece_before: float
    ece_after: float


class Calibration(TypedDict, total=False):
    """The content of ``calibration.json``; empty for a run without one.

    Attributes:
        split: On which the temperature was fitted.
        temperature, n, log_loss_before, log_loss_after, ece_before, ece_after: As in :class:`TemperatureEffect`.
        abstain_below: Calibrated confidence below which predictions are often wrong; None where the accuracy is too low
            at every confidence, absent in older files.
    """

    split: str
    temperature: float
    n: int
    log_loss_before: float
    log_loss_after: float
    ece_before: float
    ece_after: float
    abstain_below: float | None
