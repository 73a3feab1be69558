"""Which network is better, what it costs, and whether the difference is real."""

import streamlit as st

from emoscope.dashboard.evaluation.run_choice import available_runs
from emoscope.dashboard.evaluation.run_upload import show_upload
from emoscope.dashboard.evaluation.sections.hyperparameters import show_hyperparameters
from emoscope.dashboard.evaluation.sections.leaderboard import show_leaderboard
from emoscope.dashboard.evaluation.sections.pair import show_pair
from emoscope.dashboard.evaluation.sections.robustness import show_robustness
from emoscope.dashboard.ui.notices import show_error
from emoscope.dashboard.ui.url_state import choose_section
from emoscope.model.errors import RunError

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
show_section = choose_section(SECTIONS)
try:
    show_section(runs)
except RunError as error:
    show_error(error)
