"""Tables with one logged value a row, as Aim, Comet, Neptune and TensorBoard write them.

- Aim: ``metric.dataframe(include_name=True, include_context=True, include_run=True)``
- Comet: ``APIExperiment.get_metrics()``, as JSON or as a table
- Neptune: the Parquet files of its exporter, and ``fetch_values()`` of one series
- TensorBoard: "Download CSV" below a chart
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

import numpy as np

from emoscope.model.errors import RunError
from emoscope.model.runs.foreign.columns import Columns, columns_of_file
from emoscope.model.runs.foreign.results import Found, Reading, counted, listed
from emoscope.model.runs.foreign.rows import build_curves, extent
from emoscope.model.runs.foreign.source import MISSING, Source, parse_number
from emoscope.model.runs.foreign.tensorboard import SIDES
from emoscope.model.runs.foreign.trackers import by_step

_VALUE = ("metricvalue", "float_value", "value")
_NAME = ("metric.name", "metricname", "attribute_path", "metric_name", "metric", "name", "tag")
_STEP, _EPOCH = ("step", "global_step", "iteration"), ("epoch",)
_RUN = ("run.hash", "experimentkey", "experiment_key", "run_id", "run")
_CONTEXT = re.compile(r"metric\.context\..+|runcontext|context|subset")
_CLOCK = ("wall time", "wall_time", "time", "timestamp", "relative time")
_OF_ONE_SERIES = (*_VALUE, *_STEP, *_EPOCH, *_CLOCK, "idx", "index", "column 1", "unnamed: 0")
_SETTING = re.compile(r"run\.(?:hparams\.)?")
_CHART = re.compile(r"(?:run-)?(.+?)-?tag-(.+)")  # how TensorBoard names what it gives to download
_PROGRAMS = {"metric.name": "Aim", "metricname": "Comet", "attribute_path": "Neptune"}


def read_logged_values(source: Source, reading: Reading) -> Found | None:
    """Read a table with a value a row: the metric's name, the value, and its step or epoch.

    Without a column of names, the file's own name is the metric's.

    Raises:
        RunError: It holds several runs and none is chosen, or a value is no number.
    """
    columns = columns_of_file(source)
    if columns is None or len({len(values) for values in columns.values()}) != 1:
        return None
    lower = {name.strip().lower(): name for name in columns}
    name, step, epoch, run = (_first(lower, names) for names in (_NAME, _STEP, _EPOCH, _RUN))
    value = _first(lower, _VALUE)
    if not value or not (step or epoch) or not (name or set(lower) <= {*_OF_ONE_SERIES}):
        return None
    if any(columns[one].ndim != 1 for one in (value, name, step, epoch, run) if one):
        return None
    columns = _of_one_run(columns, run, reading.run, source.name)
    texts = [columns[one] for key, one in lower.items() if _CONTEXT.fullmatch(key)]
    names = _names(columns[name], texts) if name else np.full(len(columns[value]), _series_name(source.name))
    values = _numbers(columns[value], value, source.name)
    steps, epochs = (_numbers(columns[one], one, source.name) if one else None for one in (step, epoch))
    placed, steps, epochs = _placed(steps, epochs, source.name)
    metrics, taken = _columns(names[placed], values[placed], steps, epochs)
    curves, notes = build_curves(metrics, source.name, reading.restarts)
    settings = _settings(lower, columns, run) | dict(
        zip(names[~placed].tolist(), map(str, values[~placed].tolist()), strict=True)
    )
    what = f"values logged with {_PROGRAMS[name.lower()]}" if name and name.lower() in _PROGRAMS else "logged values"
    return Found(
        source.name,
        f"{what}, {extent(curves)}" + (f", {counted(len(settings), 'parameter')}" if settings else ""),
        curves,
        settings=settings,
        notes=(*taken, *notes),
    )


def _first(lower: dict[str, str], names: Sequence[str]) -> str:
    return next((lower[name] for name in names if name in lower), "")


def _of_one_run(columns: Columns, run: str, wanted: str, source: str) -> Columns:
    """Return the rows of the run that is asked for, or of the only one."""
    if not run:
        return columns
    runs = list(dict.fromkeys(columns[run].astype(str).tolist()))
    if wanted and wanted not in runs:
        raise RunError(f"{source} holds no run called {wanted}.", f"It holds {listed(runs)}.")
    if len(runs) > 1 and not wanted:
        raise RunError(f"{source} holds the values of {len(runs)} runs.", f"Name one of them: {listed(runs)}.")
    kept = columns[run].astype(str) == (wanted or runs[0])
    return {name: values[kept] for name, values in columns.items()}


def _names(names: np.ndarray, contexts: Sequence[np.ndarray]) -> np.ndarray:
    """Put the context of each value before its name, where the name does not say it already."""
    found = [str(name).strip().removeprefix("metrics/") for name in names]
    for texts in contexts:
        for row, text in enumerate(texts.astype(str)):
            text = text.strip()
            if text.lower() not in MISSING and not found[row].lower().startswith(text.lower()):
                found[row] = f"{text}/{found[row]}"
    return np.array(found)


def _series_name(file: str) -> str:
    """Return the metric that a file of one series is named after: ``run-train-tag-loss.csv`` -> ``train/loss``."""
    stem = PurePath(file).stem
    chart = _CHART.fullmatch(stem)
    if not chart:
        return stem
    side = re.split(r"[-_. ]", chart[1])[-1]
    return f"{side}/{chart[2]}" if side.lower() in SIDES else chart[2]


def _numbers(cells: np.ndarray, column: str, source: str) -> np.ndarray:
    """Return numbers, float64; NaN where a cell is empty."""
    if cells.dtype.kind in "fiu":
        return cells.astype(np.float64)
    found = np.empty(len(cells))
    for row, cell in enumerate(cells.astype(str).tolist()):
        try:
            found[row] = parse_number(cell.strip())
        except ValueError as error:
            raise RunError(
                f"{source}, row {row + 1}: {cell[:40]!r} in column {column} {error}.",
                "Write plain numbers such as 1234.5.",
            ) from None
    return found


def _settings(lower: dict[str, str], columns: Columns, run: str) -> dict[str, str]:
    """Return what Aim says of the run in each row."""
    return {
        _SETTING.sub("", name, count=1): str(columns[name][0])
        for key, name in lower.items()
        if _SETTING.match(key) and name != run and columns[name].ndim == 1 and len(set(columns[name].tolist())) == 1
    }


def _placed(
    steps: np.ndarray | None, epochs: np.ndarray | None, source: str
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Tell which rows have a step or an epoch, bool: Neptune writes settings as rows without.

    Returns:
        That, and these rows' steps and epochs, None where some lack them.
    """
    given = [one for one in (steps, epochs) if one is not None]
    placed: np.ndarray = np.isfinite(np.array(given)).any(0)
    steps, epochs = (
        one[placed] if one is not None and np.isfinite(one[placed]).all() else None for one in (steps, epochs)
    )
    if not placed.any():
        raise RunError(f"{source} numbers no epochs or steps.", "Write a column named step.")
    if steps is None and epochs is None:
        raise RunError(
            f"{source} numbers some of its values by steps and the others by epochs.", "Give a step with each value."
        )
    return placed, steps, epochs


def _columns(
    names: np.ndarray, values: np.ndarray, steps: np.ndarray | None, epochs: np.ndarray | None
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Turn rows of one value each into a column a metric, a row a step or, where no steps are counted, an epoch."""
    position = steps if steps is not None else epochs
    assert position is not None
    series = {name: (position[names == name], values[names == name]) for name in dict.fromkeys(names.tolist())}
    columns, taken = by_step(series)
    if epochs is None:
        return columns, taken
    at = np.unique(position)
    of_row = np.empty(len(at))
    of_row[np.searchsorted(at, position)] = epochs
    counted_by = {} if steps is None else {"step": at}
    return {**counted_by, "epoch": of_row, **{name: columns[name] for name in series}}, []
