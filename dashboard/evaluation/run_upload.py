"""Runs that someone brings along, as a zip or as results of another program: for that session only, and removable."""

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
from emoscope.model.runs.foreign.merge import import_results, title_of
from emoscope.model.runs.foreign.registry import READERS, recognise
from emoscope.model.runs.foreign.results import Reading
from emoscope.model.runs.run import Run, load_run

_SESSION = "uploaded_runs"


def uploaded_runs() -> dict[str, Run]:
    """Return the runs that this session brought along, by key."""
    return dict(_session().get("runs", {}))


def is_uploaded(run: Run) -> bool:
    """Tell whether a run belongs to this session only."""
    return run.key in _session().get("runs", {})


def show_upload(runs: Mapping[str, Run]) -> None:
    """Take a run as a zip or results of another program, list and remove this session's runs; hand out any as a zip.

    Args:
        runs: All that can be opened now.
    """
    st.markdown(
        "A zip of one run’s folder, or what another program wrote of one training: histories and logs, predictions, a "
        "confusion matrix, a classification report. Several files become one run. It joins all pages of this session, "
        "and nobody else’s. Nothing in a file is run: every figure comes from saved values."
    )
    uploads = st.session_state.get("upload-number", 0)  # a new key empties the uploader once its file is taken
    files = st.file_uploader(
        "Run as a zip, or files of one training",
        accept_multiple_files=True,
        key=f"upload-{uploads}",
        max_upload_size=MAX_ARCHIVE_BYTES // MIB,
    )
    try:
        run = _run_of({file.name: file.getvalue() for file in files}, runs) if files else None
    except RunError as error:
        show_error(error)
        run = None
    if run is not None:
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


def _run_of(files: Mapping[str, bytes], taken: Mapping[str, Run]) -> Run | None:
    """Return the run that uploaded files make; None until the visitor has confirmed what they were taken for.

    Raises:
        RunError: They make none.
    """
    if len(files) == 1 and next(iter(files)).lower().endswith(".zip"):
        return add_run(next(iter(files.values())), taken)
    reading = _reading_form()
    with tempfile.TemporaryDirectory(prefix="emoscope-results-") as folder:
        paths = written(files, Path(folder))
        for path in paths:
            found = recognise(path, reading)
            st.markdown(f":material/description: {escape(str(found))}")
            for note in found.notes:
                st.caption(escape(note))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.text_input("Name of the run", value=title_of(paths[0]), key="import-name")
            if not st.button("Add as one run", type="primary", icon=":material/add:", key="import-add"):
                return None
        key = name.strip() or title_of(paths[0])
        run, _ = import_results(paths, reading, key, Path(folder) / "runs")
        return add_run(pack_run(run), taken)


def written(files: Mapping[str, bytes], folder: Path) -> list[Path]:
    """Write uploaded files into a folder, under the last part of their names."""
    paths = []
    for name, content in files.items():
        path = folder / (Path(name.replace("\\", "/")).name.lstrip(".") or "file")
        path.write_bytes(content)
        paths.append(path)
    return paths


def _reading_form() -> Reading:
    """Show what can be corrected of how files are read."""
    with st.expander("Not what you meant?", icon=":material/tune:"):
        left, right = st.columns(2)
        options = ["", *READERS]
        chosen = left.selectbox(
            "Format", options, format_func=lambda key: key or "recognised by its content", key="import-format"
        )
        split = right.text_input("Split", key="import-split", placeholder="as the file’s name says, else test")
        true = left.text_input("Column of the label", key="import-true")
        predicted = right.text_input("Column of the predicted class", key="import-predicted")
        classes = left.text_input("Classes in the order of their numbers", key="import-classes", placeholder="a, b, …")
        run = right.text_input("Run, among several", key="import-run", placeholder="the newest")
        again = right.toggle("Epochs that start again continue the count", key="import-restarts")
        turned = right.toggle("A matrix has predicted classes in its rows", key="import-transposed")
    return Reading(
        format=chosen,
        true=true.strip(),
        predicted=predicted.strip(),
        class_names=tuple(name.strip() for name in classes.split(",") if name.strip()),
        split=split.strip(),
        restarts="continue" if again else "replace",
        transposed=turned,
        run=run.strip(),
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
