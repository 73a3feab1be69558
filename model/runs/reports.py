"""``reports.json``: figures that another program stated of a split, whose predictions are not here.

A report holds precision, recall, F1 and the number of images of each class. What follows from these is shown as stated;
what needs the predictions is not known, and nothing is made up for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NotRequired, TypedDict, cast

import numpy as np

from emoscope.model.errors import RunError
from emoscope.model.runs.checks import Check, checked_fields, listed, named, optional, share, text, whole
from emoscope.model.runs.figures import ClassMetrics, Metrics
from emoscope.model.runs.files import read_json, write_json

REPORTS_FILE = "reports.json"
NOT_IN_A_REPORT = "A report states figures of the classes only"


class StatedClass(TypedDict):
    """What a report states of one class: precision, recall and F1, 0..1, and its number of samples."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


class StatedReport(TypedDict):
    """A report on one split.

    Attributes:
        classes: In the order of the run's class names.
        accuracy, macro_f1: 0..1; None where it states none.
        decimals: To which it is rounded; absent where it is not.
    """

    classes: list[StatedClass]
    accuracy: float | None
    macro_f1: float | None
    decimals: NotRequired[int]


def write_reports(folder: Path, reports: Mapping[str, StatedReport]) -> None:
    """Write the reports of a run, by split."""
    write_json(folder / REPORTS_FILE, reports)


def read_reports(folder: Path, class_names: Sequence[str]) -> dict[str, StatedReport]:
    """Read the reports in a run's folder, by split; empty where there are none.

    Raises:
        RunError: A figure is missing or impossible, or a report names other classes than the run.
    """
    file = folder / REPORTS_FILE
    if not file.is_file():
        return {}
    try:
        found: dict[str, StatedReport] = named(read_json(file), "the file", partial(_checked, class_names=class_names))
    except ValueError as error:
        raise RunError(
            f"{folder.name}/{REPORTS_FILE} holds no reports ({error}).", "Import the report again."
        ) from error
    return found


def _checked(report: Any, what: str, class_names: Sequence[str]) -> StatedReport:
    checks: dict[str, Check] = {
        "classes": lambda value, what: [_checked_class(row, what) for row in listed(value, what)],
        "accuracy": optional(share),
        "macro_f1": optional(share),
        "decimals": optional(partial(whole, low=0, high=17)),
    }
    found = checked_fields(report, what, checks, needed=("classes", "accuracy", "macro_f1"))
    if [row["name"] for row in found["classes"]] != list(class_names):
        raise ValueError("it names other classes than run.json")
    if not sum(row["support"] for row in found["classes"]):
        raise ValueError("there are no samples")
    return cast(StatedReport, {name: value for name, value in found.items() if (name, value) != ("decimals", None)})


def _checked_class(row: Any, what: str) -> dict[str, Any]:
    checks: dict[str, Check] = {"name": text, "precision": share, "recall": share, "f1": share, "support": _samples}
    return checked_fields(row, what, checks, needed=tuple(checks))


def _samples(value: Any, what: str) -> int:
    return whole(int(value) if isinstance(value, float) and value.is_integer() else value, what, 0, 2**40)


def stated_metrics(report: StatedReport) -> Metrics:
    """Return what a report states as figures of a split.

    Returns:
        NaN for what it does not state or what needs predictions; balanced accuracy is the mean of the recalls. There is
        no confusion matrix, and no interval but those of a share of known numbers: accuracy.
    """
    nan = float("nan")
    rows = report["classes"]
    recalls = [row["recall"] for row in rows if row["support"]]
    per_class: list[ClassMetrics] = [
        {**row, "predicted": None, "intervals": {"precision": [nan, nan], "recall": [nan, nan], "f1": [nan, nan]}}
        for row in rows
    ]
    return {
        "n": sum(row["support"] for row in rows),
        "accuracy": nan if report["accuracy"] is None else report["accuracy"],
        "macro_f1": nan if report["macro_f1"] is None else report["macro_f1"],
        "balanced_accuracy": float(np.mean(recalls)),
        "top2": nan,
        "log_loss": nan,
        "ece": nan,
        "per_class": per_class,
        "confusion": [],
    }
