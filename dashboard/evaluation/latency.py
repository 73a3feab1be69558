"""How long a run's network takes for one face on this machine."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import streamlit as st

from emoscope.dashboard.evaluation import scores
from emoscope.model.errors import EmoscopeError
from emoscope.model.networks.load import load_classifier
from emoscope.model.runs.run import Run, load_run

_MEASURED = "latencies"
_REPEATS = 40
_WARM_UP = 5


def measured(run: Run) -> float:
    """Return the milliseconds per face that this session measured; NaN where it has not."""
    return st.session_state.get(_MEASURED, {}).get(run.key, float("nan"))


def measure(run: Run) -> str:
    """Time a run's network on one core and remember it for the session.

    Returns:
        Why it could not be timed; empty if it was.
    """
    try:
        milliseconds = _milliseconds(run.path, scores.version(run))
    except EmoscopeError as error:
        return f"{run.key} was not timed: {error}"
    st.session_state.setdefault(_MEASURED, {})[run.key] = milliseconds
    return ""


@st.cache_data(max_entries=64, show_spinner=False)
def _milliseconds(path: Path, version: scores.Version) -> float:
    return time_classifier(load_run(path))


def time_classifier(run: Run, repeats: int = _REPEATS) -> float:
    """Return the median milliseconds that a run's network takes for one face, on one thread.

    Raises:
        RunError: The run has no network that can be run here.
    """
    classifier = load_classifier(run, threads=1)
    height, width = run.info.input_size
    face = np.random.default_rng(0).integers(0, 256, (height, width), np.uint8)
    seconds = []
    for _ in range(repeats + _WARM_UP):
        start = time.perf_counter()
        classifier.classify([face])
        seconds.append(time.perf_counter() - start)
    return 1000 * float(np.median(seconds[_WARM_UP:]))
