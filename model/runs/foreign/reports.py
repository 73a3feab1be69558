"""scikit-learn's ``classification_report``, as JSON of ``output_dict=True`` or as it is printed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from emoscope.model.errors import RunError
from emoscope.model.runs.foreign.columns import split_of
from emoscope.model.runs.foreign.results import ClassFigures, Found, Reading, Report, counted
from emoscope.model.runs.foreign.rows import as_number
from emoscope.model.runs.foreign.source import Source

_FIGURES = ("precision", "recall", "f1-score", "support")
_AVERAGES = ("micro avg", "macro avg", "weighted avg", "samples avg")
_HEADER = re.compile(r"^\s*precision\s+recall\s+f1-score\s+support\s*$", re.MULTILINE)
_ROW = re.compile(r"^\s*(\S.*?)\s+(\d\.\d+|\d)\s+(\d\.\d+|\d)\s+(\d\.\d+|\d)\s+(\d+)\s*$")
_ACCURACY = re.compile(r"^\s*accuracy\s+(\d\.\d+|\d)\s+(\d+)\s*$")


def read_report_json(source: Source, reading: Reading) -> Found | None:
    """Read ``classification_report(…, output_dict=True)`` saved as JSON.

    Raises:
        RunError: A figure is missing or is no number.
    """
    values = source.json
    if not isinstance(values, Mapping):
        return None
    rows = {
        str(name): row
        for name, row in values.items()
        if isinstance(row, Mapping) and {"precision", "recall"} <= set(row)
    }
    classes = {name: row for name, row in rows.items() if name not in _AVERAGES}
    if not classes:
        return None
    figures = tuple(_class(name, row, source.name) for name, row in classes.items())
    accuracy = as_number(values.get("accuracy"))
    return _found(source, reading, figures, accuracy, as_number(rows.get("macro avg", {}).get("f1-score")), None)


def read_report_text(source: Source, reading: Reading) -> Found | None:
    """Read ``classification_report`` as it is printed; its figures are rounded.

    Raises:
        RunError: It breaks off before its last lines.
    """
    text = source.text or ""
    header = _HEADER.search(text)
    if header is None:
        return None
    figures: list[ClassFigures] = []
    accuracy = macro = None
    decimals = 0
    for line in text[header.end() :].splitlines():
        if found := _ACCURACY.match(line):
            accuracy = float(found[1])
        elif found := _ROW.match(line):
            name, *cells, support = found.groups()
            if name == "macro avg":
                macro = float(cells[2])
            elif name not in _AVERAGES:
                decimals = max(decimals, *(len(cell.partition(".")[2]) for cell in cells))
                precision, recall, f1 = map(float, cells)
                figures.append(ClassFigures(name, precision, recall, f1, int(support)))
    if not figures or macro is None:
        raise RunError(f"{source.name} is a report that is cut off.", "Save all lines of what was printed.")
    return _found(source, reading, tuple(figures), accuracy, macro, decimals)


def _class(name: str, row: Mapping[str, Any], file: str) -> ClassFigures:
    values = [as_number(row.get(figure)) for figure in _FIGURES]
    for figure, value in zip(_FIGURES, values, strict=True):
        if value is None or not (0 <= value <= 1 or (figure == "support" and value >= 0)):
            raise RunError(
                f"{file}: {figure} of the class {name} is {str(row.get(figure))[:40]}, which is no such figure.",
                "Save classification_report(y_true, y_pred, output_dict=True) again.",
            )
    precision, recall, f1, support = (value or 0.0 for value in values)
    return ClassFigures(name, precision, recall, f1, round(support))


def _found(
    source: Source,
    reading: Reading,
    figures: tuple[ClassFigures, ...],
    accuracy: float | None,
    macro_f1: float | None,
    decimals: int | None,
) -> Found:
    if len(figures) < 2:
        raise RunError(
            f"{source.name} is a report on {counted(len(figures), 'class', 'classes')}.", "At least two are needed."
        )
    samples = sum(figure.support for figure in figures)
    if not samples:
        raise RunError(f"{source.name} is a report on no samples.", "Write it again.")
    if reading.class_names:
        if len(reading.class_names) != len(figures):
            raise RunError(
                f"{source.name} has {len(figures)} classes, but {len(reading.class_names)} were named.",
                "Name them all.",
            )
        figures = tuple(
            ClassFigures(name, f.precision, f.recall, f.f1, f.support)
            for name, f in zip(reading.class_names, figures, strict=True)
        )
    report = Report(figures, accuracy, macro_f1, decimals, reading.split or split_of(source.name))
    what = f"a classification report, {counted(len(figures), 'class', 'classes')}, {counted(samples, 'sample')}"
    notes = ["A report states figures of the classes only: no confusion matrix, calibration or paired test follows."]
    if decimals is not None:
        notes.append(f"Its figures are rounded to {counted(decimals, 'decimal')}.")
    if accuracy is None:
        notes.append("It states no accuracy.")
    return Found(source.name, what, scored=report, notes=tuple(notes))
