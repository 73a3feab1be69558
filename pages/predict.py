"""Upload pictures, see every face and its predicted emotion."""

from dataclasses import replace

import streamlit as st

from emoscope.dashboard.predict import inputs
from emoscope.dashboard.predict import view as prediction_view
from emoscope.dashboard.predict.album import MAX_PICTURES, Album
from emoscope.dashboard.ui import resources, state
from emoscope.dashboard.ui.notices import show_cluster_note, show_error
from emoscope.model.errors import EmoscopeError
from emoscope.model.faces.detectors import WholeImage
from emoscope.model.pipeline import Pipeline

st.title("Predict", anchor=False)
st.caption("Every face in your pictures, and the emotion that the network predicts.")
choice = state.sidebar_controls()
if choice is None:
    st.stop()

album: Album = st.session_state.setdefault("album", Album())
files = inputs.pictures()
if inputs.already_cropped():
    choice = replace(choice, detector_name=WholeImage.name)


def pipeline_with(detector_name: str | None = None, choice: state.Choice = choice) -> Pipeline:
    return resources.pipeline(choice.run_key, detector_name or choice.detector_name, calibrated=choice.calibrated)


try:
    pipeline = pipeline_with()
    way = (choice, resources.stamp(choice.run_key))
    if files:
        inputs.show_progress(album.add(files, pipeline, way), min(len(files), MAX_PICTURES))
        inputs.empty()
        st.rerun()  # with empty uploaders: the server forgets the files
    unread = album.unread(way)
    inputs.show_progress(album.read(unread, pipeline_with, way), len(unread))
except EmoscopeError as error:
    show_error(error)
    st.stop()

show_cluster_note(pipeline.classifier)
prediction_view.show_problems(album.problems)
results = album.results(way)
if results:
    heat_maps = prediction_view.show_summary(results, pipeline.classifier, choice)
    prediction_view.show_results(album, way, pipeline.classifier, choice, heat_maps)
