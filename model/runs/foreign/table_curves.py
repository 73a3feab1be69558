"""Training curves in tables: Keras' CSVLogger, Lightning's ``metrics.csv``, fastai's ``history.csv``, W&B's exports."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from emoscope.model.errors import RunError
from emoscope.model.runs.foreign.metric_names import names_a_metric
from emoscope.model.runs.foreign.results import Found, Reading
from emoscope.model.runs.foreign.rows import EPOCH_NAMES, STEP_NAMES, build_curves, extent
from emoscope.model.runs.foreign.source import Source, Table

_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,3}):(\d{2}(?:\.\d+)?)")
_FASTAI_OWN = ("epoch", "train_loss", "valid_loss", "time")


def read_fastai(source: Source, reading: Reading) -> Found | None:
    """Read fastai's ``history.csv``: all metrics but the training loss are of the validation split."""
    table = source.table
    if table is None or not {"epoch", "train_loss", "valid_loss", "time"} <= set(table.header):
        return None
    columns, notes = _columns(table)
    metrics = {name if name in _FASTAI_OWN else f"val_{name}": values for name, values in columns.items()}
    if "time" in metrics:
        metrics["seconds"] = metrics.pop("time")
    return _found(source, "a fastai history", metrics, notes, reading)


def read_lightning(source: Source, reading: Reading) -> Found | None:
    """Read Lightning's ``metrics.csv``: rows of training steps and of ends of epochs, each with gaps."""
    table = source.table
    if table is None or not {"epoch", "step"} <= set(table.header):
        return None
    columns, notes = _columns(table)
    return _found(source, "a Lightning table of metrics", columns, notes, reading)


def read_wandb_export(source: Source, reading: Reading) -> Found | None:
    """Read a CSV exported from Weights & Biases: ``Step`` and ``run - metric`` columns, or the history's own."""
    table = source.table
    if table is None:
        return None
    names = {name: name.rpartition(" - ")[2] for name in table.header}
    charts = [name for name in table.header if " - " in name]
    if "_step" not in table.header and not (charts and "Step" in table.header):
        return None
    runs = {name.rpartition(" - ")[0] for name in charts}
    if len(runs) > 1:
        raise RunError(
            f"{source.name} holds the curves of {len(runs)} runs ({', '.join(sorted(runs)[:3])}).",
            "Export each run by itself.",
        )
    columns, notes = _columns(table)
    columns = {names[name]: values for name, values in columns.items() if not name.endswith(("__MIN", "__MAX"))}
    return _found(source, "an export of Weights & Biases", without_clock(columns), notes, reading)


def read_csv_logger(source: Source, reading: Reading) -> Found | None:
    """Read Keras' ``CSVLogger`` and tables like it: one row per epoch, whatever separates the cells."""
    table = source.table
    if table is None:
        return None
    numbered = any(name.lower() in (*EPOCH_NAMES, *STEP_NAMES) for name in table.header)
    if not numbered and not names_a_metric(table.header):
        return None
    columns, notes = _columns(table)
    what = "a Keras CSVLogger table" if table.header[0] == "epoch" else "a table of metrics"
    if table.repeated_headers:
        notes.append("The header stands in it more than once.")
    return _found(source, what, columns, notes, reading)


def without_clock(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Turn W&B's ``_runtime``, seconds since the start, into seconds of each row, and leave out its ``_timestamp``."""
    kept = {name: values for name, values in columns.items() if name not in ("_timestamp", "_runtime")}
    runtime = columns.get("_runtime")
    if runtime is not None and np.isfinite(runtime).all() and "seconds" not in kept:
        kept["seconds"] = np.maximum(np.diff(runtime, prepend=0.0), 0.0)
    return kept


def _found(source: Source, what: str, columns: Mapping[str, np.ndarray], notes: list[str], reading: Reading) -> Found:
    curves, decided = build_curves(columns, source.name, reading.restarts)
    found = Found(source.name, f"{what}, {extent(curves)}", curves, notes=(*notes, *decided))
    seconds = curves.metrics.get("seconds")
    return replace(found, seconds=float(np.nansum(seconds))) if seconds is not None else found


def _columns(table: Table) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return the columns of numbers and of times, in seconds, and name those of text.

    Raises:
        RunError: There are no rows, or a column mixes numbers and text.
    """
    if not table.rows:
        raise RunError(f"{table.name} has a header and no rows.", "Train for at least one epoch, then write it again.")
    columns: dict[str, np.ndarray] = {}
    text = []
    for name in table.header:
        cells = table.column(name)
        if all(_CLOCK.fullmatch(cell) for cell in cells):
            columns[name] = np.array([_seconds(cell) for cell in cells])
        elif not any(any(c.isdigit() for c in cell) or cell.lower() in ("nan", "inf", "-inf", "") for cell in cells):
            text.append(name)
        else:
            columns[name] = table.numbers(name)
    return columns, [f"Text was left out: {', '.join(text)}."] if text else []


def _seconds(clock: str) -> float:
    found = _CLOCK.fullmatch(clock)
    assert found, clock
    return 3600 * int(found[1] or 0) + 60 * int(found[2]) + float(found[3])
