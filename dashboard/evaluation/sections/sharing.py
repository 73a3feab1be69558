"""A run for other programs: one zip for each that it holds enough for."""

from __future__ import annotations

from functools import partial

import streamlit as st

from emoscope.model.runs.run import Run
from emoscope.model.sharing.formats import FORMATS, formats_of, shared_name, zip_shared


def show_sharing(run: Run) -> None:
    """Show a download for each program that can read what the run holds."""
    names = formats_of(run)
    if not names:
        return
    st.subheader("For other programs")
    st.caption("Curves, figures and weights of this run, a zip each. `python -m training share` does the same.")
    with st.container(horizontal=True):
        for name in names:
            st.download_button(
                FORMATS[name].title,
                data=partial(zip_shared, run, name),
                file_name=f"{shared_name(run, name)}.zip",
                mime="application/zip",
                icon=":material/share:",
                help=FORMATS[name].summary,
                key=f"share-{name}",
                on_click="ignore",
            )
