"""Trainings that a tracker followed: run folders of MLflow, the history of Weights & Biases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from emoscope.model.errors import RunError
from emoscope.model.runs.foreign.results import Curves, Found, Reading, counted
from emoscope.model.runs.foreign.rows import build_curves, columns_of, extent
from emoscope.model.runs.foreign.source import MAX_BYTES, Source
from emoscope.model.runs.foreign.table_curves import without_clock

MOST_FILES = 10_000
_OWN_TAGS = ("mlflow.user", "mlflow.source.", "mlflow.log-model.history", "mlflow.project")
COUNTED_AS_EPOCHS = "Its steps count 0, 1, 2 and so on, so they are taken for epochs."


def read_mlflow(source: Source, reading: Reading) -> Found | None:
    """Read a run's folder as MLflow's file store keeps it: ``metrics/``, ``params/`` and ``tags/``.

    Raises:
        RunError: The folder holds several runs, or a metric's file is broken.
    """
    folder = source.path
    if not folder.is_dir():
        return None
    if not _is_run(folder):
        runs = [path for path in (*folder.glob("*"), *folder.glob("*/*")) if _is_run(path)]
        if len(runs) > 1:
            raise RunError(
                f"{source.name} holds {len(runs)} runs of MLflow.",
                f"Import one after the other, e.g. {sorted(runs)[0].relative_to(folder)}.",
            )
        if not runs:
            return None
        folder = runs[0]
    logged = {name: _metric(text, name, source.name) for name, text in _texts(folder / "metrics").items()}
    settings = _texts(folder / "params")
    tags = {name: text for name, text in _texts(folder / "tags").items() if not name.startswith(_OWN_TAGS)}
    curves: Curves | None = None
    notes: list[str] = []
    if logged:
        columns, notes = by_step(
            {name: dict(zip(rows[:, 2], rows[:, 1], strict=True)) for name, rows in logged.items()}
        )
        curves, decided = build_curves(columns, source.name, reading.restarts)
        notes += decided
    times = np.concatenate([rows[:, 0] for rows in logged.values()]) if logged else np.zeros(1)
    what = f"a run of MLflow, {extent(curves)}" if curves is not None else "a run of MLflow without metrics"
    return Found(
        source.name,
        f"{what}, {counted(len(settings), 'parameter')}, {counted(len(tags), 'tag')}",
        curves,
        settings=settings,
        tags=tags,
        seconds=float(np.ptp(times)) / 1000,
        notes=tuple(notes),
    )


def by_step(values: Mapping[str, Mapping[float, float]]) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return columns of metrics that were logged at steps, and notes on what the steps were taken for.

    Args:
        values: By metric and step.
    """
    steps = np.array(sorted({step for one in values.values() for step in one}))
    columns = {name: np.array([one.get(step, np.nan) for step in steps]) for name, one in values.items()}
    as_epochs = len(steps) > 1 and steps[0] in (0, 1) and (np.diff(steps) == 1).all()
    return {"epoch" if as_epochs else "step": steps, **columns}, [COUNTED_AS_EPOCHS] if as_epochs else []


def _is_run(folder: Path) -> bool:
    return (folder / "metrics").is_dir() and ((folder / "meta.yaml").is_file() or (folder / "params").is_dir())


def _texts(folder: Path) -> dict[str, str]:
    """Return the content of each file below a folder by its path there, as names with ``/`` are kept."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    if len(files) > MOST_FILES or sum(path.stat().st_size for path in files) > MAX_BYTES:
        raise RunError(f"{folder.parent.name}/{folder.name} is too large to read.", "Give the part that matters.")
    try:
        return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8").strip() for path in files}
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"{folder.parent.name}/{folder.name} cannot be read ({error}).", "Copy it again.") from error


def _metric(text: str, name: str, source: str) -> np.ndarray:
    """Return a metric's rows of time in milliseconds, value and step, float64, shape (N, 3)."""
    try:
        rows = np.array([[float(cell) for cell in line.split()[:3]] for line in text.splitlines()], np.float64)
        if rows.ndim != 2 or rows.shape[1] != 3:
            raise ValueError("three numbers a line are expected")
    except ValueError as error:
        raise RunError(f"{source}: the metric {name} is broken ({error}).", "Copy the run's folder again.") from error
    if len(rows) > 1 and not rows[:, 2].any():  # logged without steps
        rows[:, 2] = np.arange(len(rows))
    return rows


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
    columns = without_clock(columns_of(plain, source.name))
    curves, notes = build_curves(columns, source.name, reading.restarts)
    runtime = [row["_runtime"] for row in plain if isinstance(row.get("_runtime"), int | float)]
    return Found(
        source.name,
        f"a history of Weights & Biases, {extent(curves)}",
        curves,
        seconds=float(max(runtime, default=0.0)),
        notes=tuple(notes),
    )
