"""One network in other formats: smaller files for phones, and files that other programs open."""

import streamlit as st

from emoscope.dashboard.evaluation.run_choice import available_runs, choose_labels, choose_run, choose_split, of_what
from emoscope.dashboard.evaluation.sections.exports import (
    explanation,
    forms_of,
    show_downloads,
    show_forms,
    show_missing,
)
from emoscope.dashboard.evaluation.sections.sharing import show_sharing
from emoscope.dashboard.ui.notices import show_error
from emoscope.model.errors import NotKnownError, RunError
from emoscope.model.runs.exports import measured_on

st.title("Export")
st.caption("The same network, smaller or for other programs, and what that costs in accuracy.")
runs = available_runs()
with st.container(horizontal=True, vertical_alignment="bottom"):
    run = choose_run(runs)
    split = choose_labels(choose_split(run.splits), [run]) if run.splits else ""
if not run.info.knows_input:
    show_error(NotKnownError(f"{run.key} holds imported results and no network.", "Choose a run with a network."))
    show_sharing(run)
    st.stop()
try:
    forms = forms_of(run, runs)
    machine = measured_on(run)
except RunError as error:
    show_error(error)
    st.stop()

show_downloads(run, forms, split)
show_missing(run, list(forms.values()))
if split and len(forms) > 1:
    st.subheader("What it costs")
    show_forms(run, forms, split)
    st.caption(of_what(explanation(split, machine), [run]))
show_sharing(run)
