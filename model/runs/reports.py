"""``reports.json``: figures that another program stated of a split, whose predictions are not here.

A report holds precision, recall, F1 and the number of images of each class. What follows from these is shown as stated;
what needs the predictions is not known, and nothing is made up for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import numpy as np

from emoscope.model.errors import RunError
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
        return {split: _checked(report, class_names) for split, report in read_json(file).items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunError(
            f"{folder.name}/{REPORTS_FILE} holds no reports ({error}).", "Import the report again."
        ) from error


def _checked(report: Mapping[str, Any], class_names: Sequence[str]) -> StatedReport:
    if [str(row["name"]) for row in report["classes"]] != list(class_names):
        raise ValueError("it names other classes than run.json")
    classes: list[StatedClass] = []
    for row in report["classes"]:
        precision, recall, f1 = (_share(row[figure]) for figure in ("precision", "recall", "f1"))
        if isinstance(row["support"], bool) or int(row["support"]) < 0:
            raise ValueError(f"support of {row['support']}")
        support = int(row["support"])
        classes.append(
            {"name": str(row["name"]), "precision": precision, "recall": recall, "f1": f1, "support": support}
        )
    if not sum(row["support"] for row in classes):
        raise ValueError("there are no samples")
    found: StatedReport = {
        "classes": classes,
        "accuracy": None if report["accuracy"] is None else _share(report["accuracy"]),
        "macro_f1": None if report["macro_f1"] is None else _share(report["macro_f1"]),
    }
    if report.get("decimals") is not None:
        found["decimals"] = int(report["decimals"])
    return found


def _share(value: Any) -> float:
    if isinstance(value, bool) or not 0 <= float(value) <= 1:
        raise ValueError(f"{value} is no share")
    return float(value)


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
