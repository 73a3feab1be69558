"""Upload pictures, see every face and what the network reads in it."""

from dataclasses import replace

import streamlit as st

from emoscope.dashboard.predict import inputs
from emoscope.dashboard.predict import view as prediction_view
from emoscope.dashboard.predict.album import MAX_PICTURES, Album
from emoscope.dashboard.ui import resources, state
from emoscope.dashboard.ui.notices import show_cluster_note, show_error
from emoscope.model.errors import EmoscopeError

st.title("Read faces in pictures", anchor=False)
choice = state.sidebar_controls()
if choice is None:
    st.stop()

album: Album = st.session_state.setdefault("album", Album())
files = inputs.pictures()
if inputs.already_cropped():
    choice = replace(choice, detector_name="none")

try:
    pipeline = resources.pipeline(choice.run_key, choice.detector_name, calibrated=choice.calibrated)
    way = (choice, resources.stamp(choice.run_key))
    if files:
        inputs.show_progress(album.add(files, pipeline, way), min(len(files), MAX_PICTURES))
        inputs.empty()
        st.rerun()  # with empty uploaders: the server forgets the files
    unread = album.unread(way)
    inputs.show_progress(album.read(unread, pipeline, way), len(unread))
except EmoscopeError as error:
    show_error(error)
    st.stop()

show_cluster_note(pipeline.classifier)
prediction_view.show_problems(album.problems)
results = album.results(way)
if results:
    heat_maps = prediction_view.show_summary(results, pipeline.classifier, choice)
    prediction_view.show_results(album, way, pipeline.classifier, choice, heat_maps)
