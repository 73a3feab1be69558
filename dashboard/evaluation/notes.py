"""Notes and tags on runs: kept beside the runs by who sits at this machine, and for the session by anybody else."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from emoscope.dashboard.evaluation.run_upload import is_uploaded
from emoscope.dashboard.ui.notices import show_error
from emoscope.dashboard.ui.visitor import visitor_sits_here
from emoscope.model.errors import RunError
from emoscope.model.runs.notes import MOST_CHARACTERS, Note, read_notes, write_note
from emoscope.model.runs.run import Run, artifacts_root

_SESSION = "run-notes"


def notes() -> dict[str, Note]:
    """Return the notes that this session sees, by the run's key; say so where their file is broken."""
    own: dict[str, Note] = st.session_state.get(_SESSION, {})
    try:
        return {**read_notes(artifacts_root()), **own}
    except RunError as error:
        show_error(error)
        return dict(own)


def note_form(runs: Mapping[str, Run], known: Mapping[str, Note]) -> None:
    """Show the form that sets note and tags of the chosen runs.

    Args:
        runs: The chosen ones, by key.
        known: All notes, by key.
    """
    first = known.get(next(iter(runs)), Note())
    with st.form("note", border=False):
        tags = st.multiselect(
            "Tags",
            sorted({tag for note in known.values() for tag in note.tags}),
            default=list(first.tags),
            accept_new_options=True,
            placeholder="Choose or type",
        )
        words = st.text_area("Note", first.text, max_chars=MOST_CHARACTERS)
        if st.form_submit_button("Save", icon=":material/save:"):
            _keep(runs, Note.of(tags, words))
    if not visitor_sits_here():
        st.caption("For this session only: the app can be reached from other machines.")


def _keep(runs: Mapping[str, Run], note: Note) -> None:
    for_session = [key for key, run in runs.items() if is_uploaded(run) or not visitor_sits_here()]
    st.session_state.setdefault(_SESSION, {}).update(dict.fromkeys(for_session, note))
    try:
        if for_disk := [key for key in runs if key not in for_session]:
            write_note(artifacts_root(), for_disk, note)
    except RunError as error:
        show_error(error)
        return
    st.rerun()
