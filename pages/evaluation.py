"""One run on one split: how good, where it errs, and whether its confidence can be believed."""

import streamlit as st

from emoscope.dashboard.evaluation.run_choice import (
    available_runs,
    choose_labels,
    choose_run,
    choose_split,
    no_predictions,
)
from emoscope.dashboard.evaluation.sections.confidence import show_confidence
from emoscope.dashboard.evaluation.sections.confusion import show_confusion
from emoscope.dashboard.evaluation.sections.mistakes import show_mistakes
from emoscope.dashboard.evaluation.sections.overview import show_overview
from emoscope.dashboard.evaluation.sections.people import show_people
from emoscope.dashboard.evaluation.sections.ranking import show_ranking
from emoscope.dashboard.ui.notices import show_error
from emoscope.dashboard.ui.url_state import choose_section
from emoscope.model.emotions import are_emotions
from emoscope.model.errors import RunError

SECTIONS = {
    "Overview": show_overview,
    "Confusion": show_confusion,
    "ROC and PR": show_ranking,
    "Confidence": show_confidence,
    "Mistakes": show_mistakes,
    "People": show_people,
}

st.title("Evaluation")
st.caption("Every figure here is computed from the predictions saved with the run.")
runs = available_runs()
with st.container(horizontal=True, vertical_alignment="bottom"):
    run = choose_run(runs)
    if run.splits:
        split = choose_labels(choose_split(run.splits), [run])
if not run.splits:
    show_error(no_predictions(run))
    st.stop()
is_of_faces = are_emotions(run.info.class_names)
show_section = choose_section({name: show for name, show in SECTIONS.items() if name != "People" or is_of_faces})
try:
    show_section(run, split)
except RunError as error:
    show_error(error)
