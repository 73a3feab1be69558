"""A run's figures by class, as scikit-learn's ``classification_report`` prints them and as its dictionary."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence

from emoscope.model.errors import NotKnownError
from emoscope.model.evaluation.metrics import metrics_of
from emoscope.model.runs.figures import ClassMetrics, ClassScalar, Metrics
from emoscope.model.runs.run import Run, own_labels

DIGITS = 4
_COLUMNS: dict[str, ClassScalar] = {"precision": "precision", "recall": "recall", "f1-score": "f1"}
Row = dict[str, float]


def report_files(run: Run) -> dict[str, bytes]:
    """Return a report of each split as text and as JSON, by path.

    Raises:
        RunError: The run has no predictions, or they are broken.
    """
    if not run.splits:
        raise NotKnownError(f"{run.key} has no predictions.", "Share a run that was scored on a split.")
    files = {}
    for split in judged_splits(run):
        report = class_report(metrics_of(run, split, resamples=0))
        stem = f"classification_report-{split.replace(' ', '-')}"
        files[f"{stem}.txt"] = report_text(report).encode()
        files[f"{stem}.json"] = (json.dumps(report, indent=2, ensure_ascii=False) + "\n").encode()
    return files


def judged_splits(run: Run) -> list[str]:
    """Return the splits that a run was scored on, judged by what it learned, then by labels where that is not it."""
    return list(dict.fromkeys(judged for split in run.splits for judged in (own_labels(run, split), split)))


def class_report(figures: Metrics) -> dict[str, Row | float]:
    """Return figures as ``classification_report(…, output_dict=True)`` has them.

    A class that is neither labelled nor predicted is left out, as there. Accuracy is missing where it is not known.
    """
    rows = [row for row in figures["per_class"] if row["support"] or row["predicted"] or row["predicted"] is None]
    report: dict[str, Row | float] = {row["name"]: _row(row) for row in rows}
    if not math.isnan(figures["accuracy"]):
        report["accuracy"] = figures["accuracy"]
    report["macro avg"] = _average(rows, lambda row: 1)
    report["weighted avg"] = _average(rows, lambda row: row["support"])
    return report


def report_text(report: dict[str, Row | float]) -> str:
    """Return a report as ``classification_report(…, digits=4)`` prints it."""
    width = max(len(name) for name in report)
    support = report["macro avg"]
    total = support["support"] if isinstance(support, dict) else 0
    lines = [" ".join([" " * width, "", *(f"{name:>9}" for name in (*_COLUMNS, "support"))]).rstrip(), ""]
    for name, row in report.items():
        if not isinstance(row, dict):
            lines += ["", _line(name, width, ["", "", f"{row:.{DIGITS}f}"], total)]
            continue
        if name == "macro avg" and "accuracy" not in report:
            lines.append("")
        lines.append(_line(name, width, [f"{row[column]:.{DIGITS}f}" for column in _COLUMNS], row["support"]))
    return "\n".join(lines) + "\n"


def _line(name: str, width: int, cells: Sequence[str], support: float) -> str:
    return " ".join([f"{name:>{width}}", "", *(f"{cell:>9}" for cell in cells), f"{support:>9.0f}"])


def _row(row: ClassMetrics) -> Row:
    return {**{column: float(row[name]) for column, name in _COLUMNS.items()}, "support": row["support"]}


def _average(rows: Sequence[ClassMetrics], weight: Callable[[ClassMetrics], int]) -> Row:
    whole = sum(weight(row) for row in rows)
    means = {
        column: sum(weight(row) * float(row[name]) for row in rows) / whole if whole else 0.0
        for column, name in _COLUMNS.items()
    }
    return {**means, "support": sum(row["support"] for row in rows)}
