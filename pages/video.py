"""Follow every face through a video, and see when it shows what."""

import streamlit as st

from emoscope.dashboard.ui import resources, state
from emoscope.dashboard.ui.notices import show_error
from emoscope.dashboard.video import results as video_results
from emoscope.dashboard.video import view as video_view
from emoscope.dashboard.video.clip import Clip, ClipWork
from emoscope.model.errors import EmoscopeError

st.title("Video", anchor=False)
choice = state.sidebar_controls()
if choice is None:
    st.stop()
rate = video_view.rate_control()
try:
    pipeline = resources.pipeline(
        choice.run_key,
        choice.detector_name,
        calibrated=choice.calibrated,
        for_video=True,
        sure_from=choice.sure_from,
    )
except EmoscopeError as error:
    show_error(error)
    st.stop()

way = (choice, resources.stamp(choice.run_key))
work: ClipWork | None = st.session_state.get("video")
if work is None:
    brought = video_view.choose_clip()
    if brought is None:
        st.stop()
    work = st.session_state["video"] = ClipWork(Clip(*brought, pipeline, way, rate), state.presence())
    st.rerun()  # without the uploader: the server forgets the upload

if work.predicting.is_running:
    video_view.show_progress(work)
elif work.failure is not None:
    video_view.show_failure(work)
else:
    if (work.clip.way != way or work.predicting.was_stopped) and video_view.offer_new_analysis(work, way):
        st.session_state["video"] = work.predict_again(pipeline, way)
        st.rerun()
    video_results.show_results(work)
