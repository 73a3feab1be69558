"""Training curves in JSON: Keras' ``History.history`` and Hugging Face's ``trainer_state.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from emoscope.model.errors import RunError
from emoscope.model.runs.foreign.metric_names import names_a_metric
from emoscope.model.runs.foreign.results import Found, Reading
from emoscope.model.runs.foreign.rows import as_number, build_curves, columns_of, extent
from emoscope.model.runs.foreign.source import Source

_SETTINGS = ("train_batch_size", "num_train_epochs", "max_steps", "logging_steps", "eval_steps", "save_steps")


def read_keras_history(source: Source, reading: Reading) -> Found | None:
    """Read ``History.history``: a list per metric with one value per epoch, or an object per epoch.

    Raises:
        RunError: The lists differ in length, or hold something other than numbers.
    """
    values = source.json
    if isinstance(values, Mapping) and isinstance(values.get("history"), Mapping | list):
        values = values["history"]  # of {"history": …, "epoch": …, "params": …}
    if not reading.format and not names_a_metric(_names(values)):
        return None
    if isinstance(values, list) and values and all(isinstance(row, Mapping) for row in values):
        columns = columns_of(values, source.name)
        what = "a list of epochs as Keras logs them"
    elif isinstance(values, Mapping) and values and all(isinstance(cells, list) for cells in values.values()):
        columns = _lists(values, source.name)
        what = "a Keras history"
    else:
        return None
    if not columns:
        return None
    curves, notes = build_curves(columns, source.name, reading.restarts)
    return Found(source.name, f"{what}, {extent(curves)}", curves, notes=tuple(notes))


def _names(values: Any) -> set[str]:
    """Return the names that a JSON object, or the objects of a list, give their values."""
    objects = values if isinstance(values, list) else [values]
    return {str(key) for one in objects if isinstance(one, Mapping) for key in one}


def _lists(values: Mapping[str, list[Any]], name: str) -> dict[str, np.ndarray]:
    lengths = {key: len(cells) for key, cells in values.items()}
    if len(set(lengths.values())) > 1:
        some = ", ".join(f"{key} {length}" for key, length in list(lengths.items())[:4])
        raise RunError(
            f"The lists of {name} differ in length ({some}), so nobody can tell which epoch a value is of.",
            "Write null where an epoch has no value.",
        )
    columns: dict[str, np.ndarray] = {}
    for key, cells in values.items():
        for title, column in _flat(key, cells).items():
            numbers = [as_number(cell) for cell in column]
            wrong = next((c for c, n in zip(column, numbers, strict=True) if n is None and c is not None), None)
            if wrong is not None:
                raise RunError(f"{name}: {key} holds {str(wrong)[:40]!r}, which is no number.", "Write plain numbers.")
            columns[title] = np.array([np.nan if number is None else number for number in numbers], np.float64)
    return columns


def _flat(key: str, cells: Sequence[Any]) -> dict[str, list[Any]]:
    """Give a metric that has a value per class a curve per class."""
    classes = {len(cell) for cell in cells if isinstance(cell, list)}
    if len(classes) != 1 or not all(isinstance(cell, list) for cell in cells):
        return {key: list(cells)}
    return {f"{key}_{k}": [cell[k] for cell in cells] for k in range(classes.pop())}


def read_trainer_state(source: Source, reading: Reading) -> Found | None:
    """Read ``trainer_state.json`` of Hugging Face's Trainer: its ``log_history``, epochs as it counts them.

    Raises:
        RunError: The log is empty or holds text among its numbers.
    """
    state = source.json
    if not isinstance(state, Mapping) or not isinstance(state.get("log_history"), list):
        return None
    log = [row for row in state["log_history"] if isinstance(row, Mapping)]
    if not log:
        raise RunError(f"{source.name} has an empty log_history.", "Set logging_steps, and train for some steps.")
    summary = next((row for row in reversed(log) if "train_runtime" in row), {})
    columns = columns_of([row for row in log if "train_runtime" not in row], source.name)
    curves, notes = build_curves(columns, source.name, finished=True)
    settings = {key: state[key] for key in _SETTINGS if as_number(state.get(key)) is not None}
    return Found(
        source.name,
        f"a Hugging Face trainer state, {extent(curves)}",
        curves,
        settings=settings,
        seconds=as_number(summary.get("train_runtime")) or 0.0,
        notes=tuple(notes),
    )
