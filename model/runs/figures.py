"""What the JSON files of a run's figures hold, ``metrics.json`` and ``calibration.json``, and whether they do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NotRequired, TypedDict, cast, get_args

from emoscope.model.runs.checks import (
    Check,
    checked_fields,
    count,
    listed,
    named,
    number,
    optional,
    positive,
    share,
    text,
)

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


_TEMPERATURES = (0.01, 100.0)  # fitted ones lie in 0.05..20


def checked_metrics(values: Any, class_names: Sequence[str]) -> dict[str, Metrics]:
    """Return the content of ``metrics.json``, figures by split.

    Raises:
        ValueError: A figure is missing or impossible, or the classes are not those of the run.
    """
    return {split: _figures(found, split, class_names) for split, found in named(values, "the file").items()}


def _figures(values: Any, split: str, class_names: Sequence[str]) -> Metrics:
    def matrix(value: Any, what: str) -> list[list[int]]:
        rows = [listed(row, what, len(class_names)) for row in listed(value, what, len(class_names))]
        return [[count(cell, what) for cell in row] for row in rows]

    def classes(value: Any, what: str) -> list[ClassMetrics]:
        rows = [_class_figures(row, what) for row in listed(value, what, len(class_names))]
        if [row["name"] for row in rows] != list(class_names):
            raise ValueError(f"{what} names other classes than run.json")
        return rows

    checks: dict[str, Check] = {"n": count, "per_class": classes, "confusion": matrix}
    checks |= dict.fromkeys(get_args(Scalar), share) | {"log_loss": positive, "intervals": _intervals(get_args(Scalar))}
    found = checked_fields(values, split, {**checks, "people": _people}, needed=tuple(checks))
    return cast(Metrics, found)


def _class_figures(values: Any, what: str) -> ClassMetrics:
    checks: dict[str, Check] = {"name": text, **dict.fromkeys(get_args(ClassScalar), share)}
    checks |= {"support": count, "predicted": optional(count), "intervals": _intervals(get_args(ClassScalar))}
    return cast(ClassMetrics, checked_fields(values, what, checks, needed=tuple(checks)))


def _intervals(names: tuple[str, ...]) -> Check:
    def ends(value: Any, what: str) -> list[float]:
        return [number(end, what) for end in listed(value, what, 2)]

    return lambda values, what: checked_fields(values, what, dict.fromkeys(names, ends), needed=names)


def _people(values: Any, what: str) -> dict[str, float]:
    """Return figures by name; NaN is one, where too few people voted."""
    return named(values, what, lambda value, name: value if value != value else number(value, name))


def checked_calibration(values: Any) -> Calibration:
    """Return the content of ``calibration.json``.

    Raises:
        ValueError: The temperature is missing, or a value is impossible.
    """
    try:
        number(named(values, "the file").get("temperature"), "temperature", *_TEMPERATURES)
    except ValueError as error:
        raise ValueError(f"holds no temperature that can be: {error}") from error
    checks: dict[str, Check] = {"split": text, "temperature": number, "n": count, "abstain_below": optional(share)}
    checks |= dict.fromkeys(("log_loss_before", "log_loss_after"), positive)
    checks |= dict.fromkeys(("ece_before", "ece_after"), share)
    return cast(Calibration, checked_fields(values, "", checks))
