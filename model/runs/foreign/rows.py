"""Logged rows become curves: positions found, restarts resolved, rows of one position joined, names brought in line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from emoscope.model.errors import RunError
from emoscope.model.runs.foreign.metric_names import standard_names
from emoscope.model.runs.foreign.results import Curves, Restarts, counted

EPOCH_NAMES = ("epoch", "epochs", "trainer/epoch", "train/epoch")
STEP_NAMES = ("step", "global_step", "_step", "train/global_step", "trainer/global_step", "iteration")


def columns_of(rows: Sequence[Mapping[str, Any]], name: str) -> dict[str, np.ndarray]:
    """Turn rows of named values into columns, float64, NaN where a row lacks a value; text is left out.

    Raises:
        RunError: A column mixes numbers and text.
    """
    names = dict.fromkeys(key for row in rows for key in row)
    columns = {}
    for key in names:
        cells = [row.get(key) for row in rows]
        values = [as_number(cell) for cell in cells]
        if all(value is None for value in values):
            continue
        wrong = next(
            (cell for cell, value in zip(cells, values, strict=True) if value is None and cell is not None), None
        )
        if wrong is not None:
            raise RunError(f"{name}: {key} holds {str(wrong)[:40]!r} among its numbers.", "Write plain numbers.")
        columns[key] = np.array([np.nan if value is None else value for value in values], np.float64)
    return columns


def as_number(cell: Any) -> float | None:
    """Return a JSON value as a number; None where it is none."""
    if isinstance(cell, bool) or not isinstance(cell, int | float | str):
        return None
    try:
        return float(cell)
    except (ValueError, OverflowError):
        return None


def build_curves(
    columns: Mapping[str, np.ndarray], name: str, restarts: Restarts = "replace", *, finished: bool = False
) -> tuple[Curves, list[str]]:
    """Make curves of logged columns.

    Args:
        columns: Values by the other program's names, float64, equal lengths, NaN where a row lacks a value.
        name: Of the file, for errors.
        restarts: What epochs that start again mean.
        finished: Whether an epoch column counts finished epochs already, as Hugging Face's does; otherwise one that
            starts at 0 numbers them.

    Returns:
        The curves, and a sentence for each thing that was decided.

    Raises:
        RunError: There are no rows or no metrics.
    """
    columns = dict(columns)
    epoch, step = _pop(columns, EPOCH_NAMES), _pop(columns, STEP_NAMES)
    columns = {key: values for key, values in columns.items() if not np.isnan(values).all()}
    if not columns or not len(next(iter(columns.values()))):
        raise RunError(f"{name} holds no values of any metric.", "Train for at least one epoch, then write it again.")
    notes: list[str] = []
    position = step if step is not None else epoch
    if position is not None:
        if epoch is not None:
            epoch = _filled(epoch)
        position = _filled(position)
        if not np.isfinite(position).all():
            raise RunError(f"{name} numbers no epochs or steps in its column for them.", "Write it again.")
        kept, continued, replaced = _in_order(position, np.column_stack(list(columns.values())), restarts)
        if replaced:
            notes.append(f"{counted(replaced, 'row')} written again by a later start were replaced by the later ones.")
        if not np.array_equal(continued[-1:], position[-1:]):
            notes.append("Epochs that start again were counted on from the ones before.")
        columns = {key: _joined(values, kept) for key, values in columns.items()}
        last = np.array([rows[-1] for rows in kept])
        step = continued[last] if step is not None else None
        epoch = continued[last] if epoch is not None and step is None else epoch[last] if epoch is not None else None
    rows = len(next(iter(columns.values())))
    if epoch is not None and not finished:
        epoch = _finished_epochs(epoch, step)
    if epoch is None and step is None:
        epoch = np.arange(1.0, rows + 1)
    names = standard_names(columns)
    renamed = {key: new for key, new in names.items() if key != new}
    if renamed:
        notes.append("Named as here: " + ", ".join(f"{key} is {new}" for key, new in renamed.items()) + ".")
    return Curves({names[key]: values for key, values in columns.items()}, epoch, step), notes


def extent(curves: Curves) -> str:
    """Say how much curves hold: "12 epochs, 4 metrics"."""
    metrics = counted(sum(name != "seconds" for name in curves.metrics), "metric")
    if curves.epoch is None:
        return f"{counted(curves.rows, 'logged step')}, {metrics}"
    epochs = counted(int(np.ceil(curves.epoch[-1] - 1e-9)), "epoch")
    whole = np.array_equal(curves.epoch, np.round(curves.epoch))
    return f"{epochs}, {metrics}" if whole else f"{epochs} logged {counted(curves.rows, 'time')}, {metrics}"


def _pop(columns: dict[str, np.ndarray], names: Iterable[str]) -> np.ndarray | None:
    found = [key for wanted in names for key in columns if key.strip().lower() == wanted]
    values = [columns.pop(key) for key in dict.fromkeys(found)]
    return next((value for value in values if np.isfinite(value).any()), None)


def _filled(values: np.ndarray) -> np.ndarray:
    """Fill what a row does not say from the next row that does, at the end from the one before."""
    known = np.flatnonzero(np.isfinite(values))
    if not known.size:
        return values
    places = np.searchsorted(known, np.arange(len(values)))
    return values[known[np.minimum(places, len(known) - 1)]]


def _in_order(position: np.ndarray, values: np.ndarray, restarts: Restarts) -> tuple[list[list[int]], np.ndarray, int]:
    """Group rows that complete one another at one position, ascending; resolve positions that go back.

    Returns:
        Rows of each group, positions after the restarts were resolved, and how many rows were replaced.
    """
    if (np.diff(position) > 0).all():
        return [[row] for row in range(len(position))], position, 0
    known = np.isfinite(values)
    position = position.copy()
    kept: list[list[int]] = []
    filled = np.zeros(values.shape[1], bool)  # of the last group
    replaced = offset = 0
    for row in range(len(position)):
        position[row] += offset
        if kept and position[row] == position[kept[-1][-1]] and not (filled & known[row]).any():
            kept[-1].append(row)
            filled |= known[row]
            continue
        if kept and position[row] <= position[kept[-1][-1]]:
            if restarts == "continue":
                shift = position[kept[-1][-1]] + 1 - position[row]
                offset += shift
                position[row] += shift
            else:
                while kept and position[kept[-1][-1]] >= position[row]:
                    replaced += len(kept.pop())
        kept.append([row])
        filled = known[row].copy()
    return kept, position, replaced


def _joined(values: np.ndarray, groups: Sequence[Sequence[int]]) -> np.ndarray:
    """Return each group's last known value; NaN where none of its rows has one."""
    if len(groups) == len(values):  # a row each, in their order
        return values
    joined = np.full(len(groups), np.nan)
    for place, rows in enumerate(groups):
        known = [values[row] for row in rows if not np.isnan(values[row])]
        if known:
            joined[place] = known[-1]
    return joined


def _finished_epochs(epoch: np.ndarray, step: np.ndarray | None) -> np.ndarray:
    """Turn numbers of epochs into how many were finished; rows within an epoch get fractions by their steps."""
    if epoch.min() < 1:
        epoch = epoch + 1 - np.floor(epoch.min())
    numbers = np.unique(epoch)
    if step is None or len(numbers) == len(epoch) or not np.array_equal(numbers, np.round(numbers)):
        return epoch
    finished = np.empty(len(epoch))
    start = -1.0
    for number in numbers:
        rows = epoch == number
        end = step[rows].max()
        finished[rows] = number - 1 + (step[rows] - start) / max(end - start, 1.0)
        start = end
    return finished
