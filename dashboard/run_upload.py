"""Runs that someone brings along as a zip: checked, used in that session only, and removable."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import streamlit as st

from model.artifacts import Run

_SESSION = "uploaded_runs"


def uploaded_runs() -> dict[str, Run]:
    """Return the runs that this session brought along, by key."""
    return dict(_session().get("runs", {}))


def is_uploaded(run: Run) -> bool:
    """Tell whether a run belongs to this session only."""
    return run.key in _session().get("runs", {})


def _session() -> dict[str, Any]:
    return st.session_state.setdefault(_SESSION, {})


def _folder() -> Path:
    """Return this session's folder; it is deleted when the session is forgotten."""
    session = _session()
    if "folder" not in session:
        session["folder"] = tempfile.TemporaryDirectory(prefix="emoscope-runs-")
    return Path(session["folder"].name)
