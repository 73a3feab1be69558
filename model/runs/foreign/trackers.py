"""Trainings that a tracker followed: the history of Weights & Biases, and how steps are counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from emoscope.model.runs.foreign.results import Curves, Found, Reading
from emoscope.model.runs.foreign.rows import build_curves, columns_of, extent
from emoscope.model.runs.foreign.source import Source
from emoscope.model.runs.foreign.table_curves import without_clock

COUNTED_AS_EPOCHS = "Its steps count 0, 1, 2 and so on, so they are taken for epochs."


def by_step(values: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return columns of metrics that were logged at steps, and notes on what the steps were taken for.

    Args:
        values: Steps and values by metric, both of shape (n,); of a step that stands twice the last value counts.
    """
    steps = np.unique(np.concatenate([np.asarray(at, np.float64) for at, _ in values.values()]))
    columns = {name: np.full(len(steps), np.nan) for name in values}
    for name, (at, value) in values.items():
        columns[name][np.searchsorted(steps, at)] = value
    as_epochs = len(steps) > 1 and steps[0] in (0, 1) and (np.diff(steps) == 1).all()
    return {"epoch" if as_epochs else "step": steps, **columns}, [COUNTED_AS_EPOCHS] if as_epochs else []


def read_wandb_history(source: Source, reading: Reading) -> Found | None:
    """Read ``wandb-history.jsonl``: one object per step; media and other objects are left out.

    Raises:
        RunError: A metric holds text among its numbers.
    """
    if not source.path.is_file():
        return None
    rows = source.json_lines
    if rows is None or "_step" not in rows[0]:
        return None
    plain = [{key: cell for key, cell in row.items() if not isinstance(cell, dict | list | bool)} for row in rows]
    curves, notes, seconds = curves_of_history(plain, source, reading)
    what = f"a history of Weights & Biases, {extent(curves)}"
    return Found(source.name, what, curves, seconds=seconds, notes=tuple(notes))


def curves_of_history(
    rows: Sequence[Mapping[str, Any]], source: Source, reading: Reading
) -> tuple[Curves, list[str], float]:
    """Return the curves that rows of a history of Weights & Biases hold, notes on them, and the seconds that it took.

    Raises:
        RunError: A metric holds text among its numbers, or there is none.
    """
    columns = without_clock(columns_of(rows, source.name))
    curves, notes = build_curves(columns, source.name, reading.restarts)
    runtime = [row["_runtime"] for row in rows if isinstance(row.get("_runtime"), int | float)]
    return curves, notes, float(max(runtime, default=0.0))
