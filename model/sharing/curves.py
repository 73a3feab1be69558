"""A run's training curves for TensorBoard, and as tables that Weights & Biases, MLflow and spreadsheets take."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from emoscope.model.errors import NotKnownError
from emoscope.model.runs.foreign.event_records import Scalar
from emoscope.model.runs.run import Run
from emoscope.model.sharing.event_files import event_file

_PLACES = ("epoch", "step")
_VALIDATION = "val_"


def tensorboard_files(run: Run) -> dict[str, bytes]:
    """Return event files by path: ``train/`` and ``validation/``, the same tag in both for the same metric.

    Raises:
        RunError: The run has no training curves, or they are broken.
    """
    history = known_history(run)
    steps = _steps(history).astype(np.int64)
    times = _times(run, history)
    scalars: dict[str, list[Scalar]] = {"train": [], "validation": []}
    metrics = _metrics(history)
    for row in range(len(steps)):
        for name, values in metrics.items():
            side = "validation" if name.startswith(_VALIDATION) else "train"
            if not np.isnan(values[row]):
                tag = name.removeprefix(_VALIDATION)
                scalars[side].append(Scalar(float(times[row]), int(steps[row]), tag, float(values[row])))
    return {
        f"{side}/events.out.tfevents.{int(times[0])}.emoscope": event_file(found, float(times[0]))
        for side, found in scalars.items()
        if found
    }


def table_files(run: Run) -> dict[str, bytes]:
    """Return the curves as two tables, one row per epoch and one row per value, and the settings as JSON.

    Raises:
        RunError: The run has no training curves, or they are broken.
    """
    history = known_history(run)
    steps = [_text(step) for step in _steps(history)]
    metrics = _metrics(history)
    place = "step" if "step" in history and "epoch" not in history else "epoch"
    columns = zip(*([_text(value) for value in values] for values in metrics.values()), strict=True)
    wide = [(step, *row) for step, row in zip(steps, columns, strict=True)]
    long = [
        (step, name, _text(values[row]))
        for row, step in enumerate(steps)
        for name, values in metrics.items()
        if not np.isnan(values[row])
    ]
    return {
        "metrics.csv": _table((place, *metrics), wide),
        "metrics_long.csv": _table(("step", "metric", "value"), long),
        "config.json": (json.dumps(dict(run.info.config), indent=2, ensure_ascii=False) + "\n").encode(),
    }


def known_history(run: Run) -> Mapping[str, np.ndarray]:
    """Return a run's training curves.

    Raises:
        RunError: There are none, or they are broken.
    """
    if not _metrics(run.history):
        raise NotKnownError(f"{run.key} has no training curves.", "Share a run that was trained or imported with them.")
    return run.history


def _metrics(history: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: values for name, values in history.items() if name not in _PLACES}


def _steps(history: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return whole numbers that say where each row stands: epochs, else steps, else the rows themselves."""
    for name in _PLACES:
        if name in history and np.array_equal(history[name], np.round(history[name])):
            return history[name]
    return np.arange(1.0, len(next(iter(history.values()))) + 1)


def _times(run: Run, history: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return when each row was written, in seconds since 1970, reckoned back from the last one."""
    passed = np.nancumsum(history.get("seconds", np.zeros(len(_steps(history)))))
    return (run.path / "history.csv").stat().st_mtime - passed[-1] + passed


def _text(value: float) -> str:
    return "" if np.isnan(value) else repr(float(value)).removesuffix(".0")


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()
