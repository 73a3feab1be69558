"""Runs whose training goes on: which these are, how far each is, and a page that follows them."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import streamlit as st

from emoscope.dashboard.evaluation import scores
from emoscope.dashboard.ui.notices import escape
from emoscope.model.errors import RunError
from emoscope.model.runs.files import CHECKPOINTS
from emoscope.model.runs.run import Run, artifacts_root, load_run, run_folder

QUIET_SECONDS = 600.0
"""Without a new row for so long, or for three of its epochs if that is longer, a training counts as cut off."""

Progress = tuple[str, int]
"""How far a training is, in words, and when it last wrote, in nanoseconds since 1970."""


def unfinished_runs() -> dict[str, Run]:
    """Return runs that ``python -m training`` is making, which are not among the saved ones yet, by key."""
    found = {}
    for file in sorted((artifacts_root() / CHECKPOINTS).glob("*/run.json")):
        finished = run_folder(file.parent.name)
        if finished is not None and _written(finished) >= _written(file.parent):
            continue
        try:
            run = load_run(file.parent)
        except RunError:
            continue
        if _goes_on(run):
            found[run.key] = run
    return found


def trainings(runs: Mapping[str, Run]) -> dict[str, Progress]:
    """Return how far those of the runs are whose training goes on, by key."""
    found = {}
    for key, run in runs.items():
        try:
            now = load_run(run.path)
        except RunError:
            continue  # it is just being replaced
        if _goes_on(now):
            found[key] = (_progress_text(now, _history(now)), _written(now.path))
    return found


@st.fragment(run_every=2.0)
def follow(runs: Mapping[str, Run], seen: Mapping[str, Progress]) -> None:
    """Say how far trainings are; draw the whole page anew when one has written a row or ended.

    Args:
        runs: That the page shows.
        seen: Of :func:`trainings`, when the page was drawn.
    """
    if trainings(runs) != seen:
        st.rerun()
    for key, (text, _) in seen.items():
        st.caption(f":material/model_training: {escape(key)}: {text}")


def _goes_on(run: Run) -> bool:
    if not run.info.is_training:
        return False
    seconds = _history(run).get("seconds", np.zeros(0))[-3:]
    limit = max(QUIET_SECONDS, 3 * float(np.nanmax(seconds, initial=0.0)))
    return time.time() - _written(run.path) / 1e9 < limit


def _history(run: Run) -> Mapping[str, np.ndarray]:
    return scores.histories({run.key: run})[0].get(run.key, {})


def _written(folder: Path) -> int:
    """Return when a run's folder got its last row, or was begun: nanoseconds since 1970."""
    files = (folder / "history.csv", folder / "run.json")
    return max((file.stat().st_mtime_ns for file in files if file.is_file()), default=0)


def _progress_text(run: Run, history: Mapping[str, np.ndarray]) -> str:
    rows = len(next(iter(history.values()), ()))
    if rows and "step" in history and "epoch" not in history:
        return f"training, step {history['step'][-1]:,.0f}"
    done = math.floor(history["epoch"][-1]) if "epoch" in history else rows
    epochs = run.info.config.get("epochs")
    if not isinstance(epochs, int):
        return f"training, epoch {done + 1}"
    return f"training, epoch {done + 1} of {epochs}" if done < epochs else f"training, all {epochs} epochs are done"
