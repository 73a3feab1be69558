"""Runs of MLflow: the folders of its file store, and the SQLite database that newer versions keep (``mlflow.db``)."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emoscope.model.errors import RunError
from emoscope.model.runs.foreign.results import Curves, Found, Reading, counted, listed
from emoscope.model.runs.foreign.rows import build_curves, extent
from emoscope.model.runs.foreign.source import MAX_BYTES, Source
from emoscope.model.runs.foreign.trackers import by_step

SQLITE = b"SQLite format 3\0"
MOST_FILES = 10_000
_OWN_TAGS = ("mlflow.user", "mlflow.source.", "mlflow.log-model.history", "mlflow.project")
_TABLES = ("runs", "metrics", "params", "tags")
_INSTRUCTIONS = 500_000_000
"""Steps of SQLite's machine after which a query is given up: minutes, where a hundred thousand rows take a second."""


@dataclass(frozen=True)
class _Logged:
    """One run: rows of time in milliseconds, value and step by metric, float64, shape (N, 3); and texts by name."""

    metrics: Mapping[str, np.ndarray]
    settings: Mapping[str, str]
    tags: Mapping[str, str]


def read_folder(source: Source, reading: Reading) -> Found | None:
    """Read a run's folder as MLflow's file store keeps it: ``metrics/``, ``params/`` and ``tags/``.

    Raises:
        RunError: The folder holds several runs and none is chosen, or a metric's file is broken.
    """
    folder = source.path
    if not folder.is_dir():
        return None
    notes: list[str] = []
    if not _is_run(folder):
        runs = sorted(path for path in (*folder.glob("*"), *folder.glob("*/*")) if _is_run(path))
        if not runs:
            return None
        names = [(path.name, _run_name(path)) for path in runs]
        number, note = _chosen(names, reading.run, source.name)
        folder, notes = runs[number], [note] * bool(note)
    metrics = {name: _metric(text, name, source.name) for name, text in _texts(folder / "metrics").items()}
    return _found(source, reading, _Logged(metrics, _texts(folder / "params"), _texts(folder / "tags")), notes)


def read_database(source: Source, reading: Reading) -> Found | None:
    """Read one run of MLflow's database; the newest unless ``reading.run`` names another.

    Raises:
        RunError: The database is broken, is not MLflow's, or holds no such run.
    """
    if not source.path.is_file() or not source.content.startswith(SQLITE):
        return None
    address = f"{source.path.absolute().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(address, uri=True)) as database:
            database.execute("PRAGMA trusted_schema = OFF")
            database.set_progress_handler(lambda: 1, _INSTRUCTIONS)
            return _from_database(database, source, reading)
    except sqlite3.Error as error:
        raise RunError(
            f"{source.name} is a SQLite database that cannot be read ({error}).", "Copy it while MLflow is not running."
        ) from error


def _from_database(database: sqlite3.Connection, source: Source, reading: Reading) -> Found:
    kinds = dict(database.execute("SELECT name, type FROM sqlite_master"))
    if not all(kinds.get(table) == "table" for table in _TABLES):
        raise RunError(f"{source.name} is a database, but not MLflow's.", "Give the file that mlflow calls mlflow.db.")
    runs = database.execute(
        "SELECT run_uuid, name FROM runs WHERE lifecycle_stage = 'active' ORDER BY start_time DESC"
    ).fetchall()
    if not runs:
        raise RunError(f"{source.name} holds no run.", "Log one with mlflow, and give the file again.")
    number, note = _chosen([(key, name or "") for key, name in runs], reading.run, source.name, has_order=True)
    key = (runs[number][0],)
    logged: dict[str, list[tuple[float, float, float]]] = {}
    query = "SELECT key, timestamp, value, step, is_nan FROM metrics WHERE run_uuid = ? ORDER BY step, timestamp"
    for name, moment, value, step, is_nan in database.execute(query, key):
        try:
            row = float(moment), float("nan" if is_nan else value), float(step)
        except (TypeError, ValueError):
            raise RunError(f"{source.name}: the metric {name} is broken.", "Copy the database again.") from None
        logged.setdefault(str(name), []).append(row)
    metrics = {name: _steps(np.array(rows, np.float64)) for name, rows in logged.items()}
    settings, tags = (
        {
            str(name): str(value)
            for name, value in database.execute(f"SELECT key, value FROM {table} WHERE run_uuid = ?", key)
        }
        for table in ("params", "tags")
    )
    return _found(source, reading, _Logged(metrics, settings, tags), [note] * bool(note))


def _chosen(runs: Sequence[tuple[str, str]], wanted: str, source: str, has_order: bool = False) -> tuple[int, str]:
    """Return the place of the run to read among several, by key and name, and a note where it was not asked for.

    Args:
        runs: Key and name of each.
        wanted: Key or name; empty where none is asked for.
        source: For messages.
        has_order: Whether the first is the newest, which is taken then.
    """
    shown = listed([name or key for key, name in runs], 5)
    if wanted:
        found = [number for number, run in enumerate(runs) if wanted in run]
        if not found:
            raise RunError(f"{source} holds no run called {wanted}.", f"It holds {shown}.")
        return found[0], ""
    if len(runs) > 1 and not has_order:
        raise RunError(f"{source} holds {len(runs)} runs of MLflow.", f"Name one of them: {shown}.")
    return 0, f"The newest of {len(runs)} runs, {runs[0][1] or runs[0][0]}, was taken." if len(runs) > 1 else ""


def _found(source: Source, reading: Reading, run: _Logged, notes: list[str]) -> Found:
    curves: Curves | None = None
    if run.metrics:
        values = {name: (rows[:, 2], rows[:, 1]) for name, rows in run.metrics.items()}
        columns, assumed = by_step(values)
        curves, decided = build_curves(columns, source.name, reading.restarts)
        notes = [*notes, *assumed, *decided]
    times = np.concatenate([rows[:, 0] for rows in run.metrics.values()]) if run.metrics else np.zeros(1)
    tags = {name: text for name, text in run.tags.items() if not name.startswith(_OWN_TAGS)}
    what = f"a run of MLflow, {extent(curves)}" if curves is not None else "a run of MLflow without metrics"
    return Found(
        source.name,
        f"{what}, {counted(len(run.settings), 'parameter')}, {counted(len(tags), 'tag')}",
        curves,
        settings=run.settings,
        tags=tags,
        seconds=float(np.ptp(times)) / 1000,
        notes=tuple(notes),
    )


def _is_run(folder: Path) -> bool:
    return (folder / "metrics").is_dir() and ((folder / "meta.yaml").is_file() or (folder / "params").is_dir())


def _run_name(folder: Path) -> str:
    file = folder / "tags" / "mlflow.runName"
    return file.read_text(encoding="utf-8", errors="replace").strip()[:100] if file.is_file() else ""


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
    return _steps(rows)


def _steps(rows: np.ndarray) -> np.ndarray:
    """Number the rows of a metric that was logged without steps."""
    if len(rows) > 1 and not rows[:, 2].any():
        rows[:, 2] = np.arange(len(rows))
    return rows
