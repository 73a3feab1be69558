"""What the networks learn from: classes, faces, annotators, duplicates and light of the user's own data set."""

import streamlit as st

from emoscope.dashboard.evaluation.own_copy import show_what_is_known
from emoscope.dashboard.evaluation.sample_grid import user_dataset
from emoscope.dashboard.evaluation.sections.annotators import show_annotators
from emoscope.dashboard.evaluation.sections.dataset_classes import show_balance, show_faces, show_light
from emoscope.dashboard.evaluation.sections.duplicates import show_duplicates
from emoscope.dashboard.ui.notices import escape
from emoscope.dashboard.ui.url_state import choose_section
from emoscope.model.emotions import are_emotions

SECTIONS = {
    "Classes": show_balance,
    "Faces": show_faces,
    "Annotators": show_annotators,
    "Duplicates": show_duplicates,
    "Light": show_light,
}

st.title("Dataset")
dataset = user_dataset()
if dataset is None:
    show_what_is_known()
    st.stop()
sizes = ", ".join(f"{name} {size:,}" for name, size in dataset.split_sizes.items())
form = f", read as {dataset.form}" if dataset.form else ""
st.caption(f"{escape(dataset.name + form)}: {sizes}. Fingerprint `{dataset.fingerprint[:12]}`.")
for note in dataset.notes:
    st.caption(escape(note))
are_faces = are_emotions(dataset.class_names)
sections = SECTIONS if are_faces else {name.replace("Faces", "Images"): show for name, show in SECTIONS.items()}
show_section = choose_section(sections)
show_section(dataset)
