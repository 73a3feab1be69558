"""Runs that someone brings along as a zip: checked, used in that session only, and removable."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Container, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import streamlit as st

from emoscope.dashboard.ui.notices import escape, show_error
from emoscope.model.errors import RunError
from emoscope.model.runs.archive import MAX_ARCHIVE_BYTES, MIB, open_run_archive, pack_run
from emoscope.model.runs.run import Run, load_run

_SESSION = "uploaded_runs"


def uploaded_runs() -> dict[str, Run]:
    """Return the runs that this session brought along, by key."""
    return dict(_session().get("runs", {}))


def is_uploaded(run: Run) -> bool:
    """Tell whether a run belongs to this session only."""
    return run.key in _session().get("runs", {})


def show_upload(runs: Mapping[str, Run]) -> None:
    """Take a run as a zip, list this session's runs, remove them; and hand out any run as a zip.

    Args:
        runs: All that can be opened now.
    """
    st.markdown(
        "A zip of one run’s folder joins all pages of this session, and nobody else’s. Its networks are neither kept "
        "nor run: every figure comes from its saved predictions."
    )
    uploads = st.session_state.get("upload-number", 0)  # a new key empties the uploader once its file is taken
    file = st.file_uploader(
        "Run as a zip", type="zip", key=f"upload-{uploads}", max_upload_size=MAX_ARCHIVE_BYTES // MIB
    )
    if file is not None:
        try:
            run = add_run(file.getvalue(), taken=runs)
        except RunError as error:
            show_error(error)
        else:
            st.session_state["upload-number"] = uploads + 1
            st.session_state["upload-done"] = run.key
            st.rerun()
    if done := st.session_state.pop("upload-done", ""):
        st.success(f"**{escape(done)}** is here until you leave or remove it.", icon=":material/check:")
    for key in uploaded_runs():
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            st.markdown(f"**{escape(key)}**", width="stretch")
            st.button("Remove", icon=":material/delete:", key=f"remove-{key}", on_click=remove_run, args=(key,))
    st.subheader("Take a run along")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox("Run", list(runs), key="download-run")
        st.download_button(
            "Download run",
            data=lambda: pack_run(runs[chosen]),
            file_name=f"{chosen}.zip",
            mime="application/zip",
            icon=":material/download:",
            on_click="ignore",
        )


def add_run(content: bytes, taken: Container[str]) -> Run:
    """Unpack a zip into this session's folder; a run whose key is taken gets another.

    Raises:
        RunError: The zip is no run, or a broken or suspicious one.
    """
    run = open_run_archive(content, _folder())
    if run.key in taken:
        free = next(key for n in count(1) if (key := f"{run.key}-uploaded{n if n > 1 else ''}") not in taken)
        run = load_run(run.path.rename(run.path.with_name(free)))
    _session().setdefault("runs", {})[run.key] = run
    return run


def remove_run(key: str) -> None:
    """Forget an uploaded run and delete its files."""
    run = _session().get("runs", {}).pop(key, None)
    if run is not None:
        shutil.rmtree(run.path, ignore_errors=True)


def _session() -> dict[str, Any]:
    return st.session_state.setdefault(_SESSION, {})


def _folder() -> Path:
    """Return this session's folder; it is deleted when the session is forgotten."""
    session = _session()
    if "folder" not in session:
        session["folder"] = tempfile.TemporaryDirectory(prefix="emoscope-runs-")
    return Path(session["folder"].name)
