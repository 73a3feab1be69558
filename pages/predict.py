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
from emoscope.model.faces.quality import SURE_FROM, judged
from emoscope.model.pipeline import Pipeline

st.title("Predict", anchor=False)
st.caption("Every face in your pictures, and the emotion that the network predicts.")
choice = state.sidebar_controls()
if choice is None:
    st.stop()

album: Album = st.session_state.setdefault("album", Album())
files = inputs.pictures(is_first=not album.pictures)
if inputs.already_cropped():
    choice = replace(choice, detector_name=WholeImage.name)


def pipeline_with(detector_name: str | None = None, choice: state.Choice = choice) -> Pipeline:
    # A detector that was chosen for one picture is to search it: whoever chose it has seen it taken whole, or in vain.
    takes_crops = detector_name is None
    name = detector_name or choice.detector_name
    return resources.pipeline(choice.run_key, name, calibrated=choice.calibrated, takes_crops=takes_crops)


try:
    pipeline = pipeline_with()
    # Where faces become doubtful is applied to what is shown, so that it can be tried without predicting again.
    way = (replace(choice, sure_from=SURE_FROM), resources.stamp(choice.run_key))
    if files:
        inputs.show_progress(album.add(files, pipeline, way), min(len(files), MAX_PICTURES))
        inputs.empty()
        st.rerun()  # with empty uploaders: the server forgets the files
    unpredicted = album.unpredicted(way)
    inputs.show_progress(album.predict(unpredicted, pipeline_with, way), len(unpredicted))
except EmoscopeError as error:
    show_error(error)
    st.stop()

show_cluster_note(pipeline.classifier)
prediction_view.show_problems(album.problems)
results = [(p, [judged(face, choice.sure_from) for face in found]) for p, found in album.results(way)]
if results:
    heat_maps = prediction_view.show_summary(results, pipeline.classifier, choice)
    prediction_view.show_results(album, results, way, pipeline.classifier, choice, heat_maps)
