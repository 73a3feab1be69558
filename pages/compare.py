"""Which network is better, what it costs, and whether the difference is real."""

import streamlit as st

from dashboard.notices import show_error
from dashboard.run_choice import available_runs
from dashboard.run_upload import show_upload
from dashboard.sections.hyperparameters import show_hyperparameters
from dashboard.sections.leaderboard import show_leaderboard
from dashboard.sections.pair import show_pair
from dashboard.sections.robustness import show_robustness
from dashboard.url_state import in_url
from model.errors import RunError

SECTIONS = {
    "Leaderboard": show_leaderboard,
    "Two runs": show_pair,
    "Settings": show_hyperparameters,
    "Robustness": show_robustness,
    "Bring a run": show_upload,
}

st.title("Compare")
st.caption("Runs are set beside each other only where they were scored on the same images with the same classes.")
runs = available_runs()
section = in_url(
    st.segmented_control,
    "Section",
    key="section",
    options=list(SECTIONS),
    default="Leaderboard",
    required=True,
    label_visibility="collapsed",
)
try:
    SECTIONS[section](runs)
except RunError as error:
    show_error(error)
