"""Confusion matrices: CSV with or without names, NPY, JSON."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from emoscope.model.errors import RunError
from emoscope.model.runs.foreign.columns import read_npy, split_of
from emoscope.model.runs.foreign.results import Counts, Found, Reading, counted
from emoscope.model.runs.foreign.sample_tables import TRUE, plain_name
from emoscope.model.runs.foreign.source import DELIMITERS, Source

MOST_CLASSES = 1000
MOST_SAMPLES = 5_000_000
_MATRIX = ("confusion_matrix", "confusion", "matrix", "cm", "data", "values", "counts")
_NAMES = ("labels", "class_names", "classes", "names", "columns", "target_names", "index")
_MARGINS = ("all", "total", "sum")


def read_matrix(source: Source, reading: Reading) -> Found | None:
    """Read a confusion matrix, rows labels, columns predicted classes unless that is said to be the other way round.

    Raises:
        RunError: It is not square, or holds shares or negative numbers instead of counts.
    """
    if not source.path.is_file():
        return None
    named = _of_npy(source) or _of_json(source) or _of_table(source)
    if named is None:
        return None
    names, values = named
    matrix = _counts(values, source.name)
    classes = len(matrix)
    if reading.class_names:
        names = reading.class_names
    if names and len(names) != classes:
        raise RunError(f"{source.name} has {classes} classes, but {len(names)} are named.", "Name them all, in order.")
    notes = ["Its rows are taken for the labels, its columns for the predicted classes."]
    if reading.transposed:
        matrix, notes = matrix.T, ["Its rows are the predicted classes, its columns the labels."]
    if not names:
        names = tuple(str(k) for k in range(classes))
        notes.append("It names no classes.")
    notes.append("It says nothing of single images: no calibration or test of pairs follows from it.")
    samples = counted(int(matrix.sum()), "sample")
    what = f"a confusion matrix, {counted(classes, 'class', 'classes')}, {samples}"
    scored = Counts(names, matrix, reading.split or split_of(source.name))
    return Found(source.name, what, scored=scored, notes=tuple(notes))


Named = tuple[tuple[str, ...], np.ndarray]


def _of_npy(source: Source) -> Named | None:
    if not source.content.startswith(b"\x93NUMPY"):
        return None
    values = read_npy(source.content, source.name)
    if values.ndim != 2 or values.shape[0] != values.shape[1] or values.dtype.kind not in "iuf":
        raise RunError(
            f"{source.name} is an array of shape {values.shape}, not a confusion matrix.",
            "Give predictions as .npz with the arrays y_true and y_pred.",
        )
    return (), values.astype(np.float64)


def _of_json(source: Source) -> Named | None:
    values = source.json
    names: Any = ()
    if isinstance(values, Mapping):
        key = next((key for key in _MATRIX if _is_grid(values.get(key))), None)
        if key is None:
            return None
        names = next((values[name] for name in _NAMES if isinstance(values.get(name), list)), ())
        values = values[key]
    if not _is_grid(values):
        return None
    return tuple(str(name) for name in names), _square(values, source.name)


def _is_grid(values: Any) -> bool:
    return (
        isinstance(values, list)
        and len(values) > 1
        and all(isinstance(row, list) and row and all(isinstance(c, int | float) for c in row) for row in values)
    )


def _square(rows: Sequence[Sequence[Any]], name: str) -> np.ndarray:
    if any(len(row) != len(rows) for row in rows):
        raise RunError(
            f"{name} has {len(rows)} rows of {max(map(len, rows))} numbers, where a confusion matrix is square.",
            "Write a row and a column for each class.",
        )
    return np.array(rows, np.float64)


def _of_table(source: Source) -> Named | None:
    text = source.text
    if text is None or len(text) > 4 << 20:
        return None
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not 2 <= len(lines) <= MOST_CLASSES + 2:
        return None
    delimiter = max(DELIMITERS, key=lines[0].count)
    rows = (
        [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter)]
        if delimiter in lines[0]
        else [line.split() for line in lines]
    )
    if all(_is_number(cell) for row in rows for cell in row):
        if len(rows) != len(rows[0]):
            return None
        return (), _square([[float(cell) for cell in row] for row in rows], source.name)
    return _labelled(rows)


def _labelled(rows: list[list[str]]) -> Named | None:
    """Read a grid whose first row and column name the same classes, whatever stands in the corner."""
    across, down = rows[0][1:], [row[0] for row in rows[1:] if row]
    if sorted(across) != sorted(down) or len(set(across)) < len(across) or len(across) < 2:
        return None
    cells = {row[0]: row[1:] for row in rows[1:]}
    if any(len(row) != len(across) or not all(map(_is_number, row)) for row in cells.values()):
        return None
    names = tuple(name for name in across if name.lower() not in _MARGINS)  # pandas' crosstab adds sums
    if all(map(_is_number, names)) and len(names) < 2:
        return None
    places = [across.index(name) for name in names]
    matrix = np.array([[float(cells[name][place]) for place in places] for name in names])
    if (matrix != np.round(matrix)).any() and plain_name(rows[0][0]) in TRUE:
        return None  # as many samples as classes, with their labels and probabilities
    return names, matrix


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", cell) is not None


def _counts(values: np.ndarray, name: str) -> np.ndarray:
    if not np.isfinite(values).all() or (values < 0).any():
        raise RunError(f"{name} holds negative or missing counts.", "Write it again.")
    if (values != np.round(values)).any():
        raise RunError(
            f"{name} holds shares, from which the numbers of images do not follow.",
            "Write the counts: confusion_matrix(…, normalize=None).",
        )
    total = values.sum()
    if not 0 < total <= MOST_SAMPLES:
        raise RunError(f"{name} counts {total:,.0f} samples.", f"From 1 to {MOST_SAMPLES:,} are possible.")
    return values.astype(np.int64)
