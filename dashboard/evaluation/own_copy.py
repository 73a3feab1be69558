"""The Dataset page without a data set: what is known of FER-2013, and where to name one's own copy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st

from emoscope.dashboard.evaluation.sections.dataset_classes import show_counts
from emoscope.dashboard.ui import resources
from emoscope.dashboard.ui.notices import show_error
from emoscope.dashboard.ui.visitor import visitor_sits_here
from emoscope.model.dataset import FER2013_CLASSES
from emoscope.model.dataset.fer2013 import SUMMARY, class_counts
from emoscope.model.errors import DataError


def show_what_is_known() -> None:
    """Show FER-2013's classes and splits, and let the person at this machine name a copy."""
    if visitor_sits_here():
        _offer_naming()
    st.subheader("What is known of FER-2013")
    st.markdown(SUMMARY)
    show_counts({name: np.array(counts) for name, counts in class_counts().items()}, FER2013_CLASSES)


def _offer_naming() -> None:
    with st.form("own-copy", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            "Where is your copy?",
            placeholder="/home/me/fer2013.csv, or a folder of class folders",
            help="A path on this machine. It is remembered until you close the page; EMOSCOPE_DATA keeps it for good.",
        )
        asked = st.form_submit_button("Open", icon=":material/folder_open:")
    if not asked or not text.strip():
        return
    path = Path(text.strip()).expanduser()
    try:
        if not path.exists():
            raise DataError(f"There is no file or folder {path}.", "Check the path; it is one of this machine.")
        st.session_state[resources.DATA_PATH] = path
        resources.dataset()
    except DataError as error:
        st.session_state.pop(resources.DATA_PATH, None)
        show_error(error)
        return
    st.rerun()
