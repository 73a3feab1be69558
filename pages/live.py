"""See yourself with your emotions, at the camera's own rate."""

import streamlit as st

from emoscope.dashboard.live import (
    browser as live_browser,
)
from emoscope.dashboard.live import (
    connection as live_connection,
)
from emoscope.dashboard.live import (
    controls as live_controls,
)
from emoscope.dashboard.live import (
    tools as live_tools,
)
from emoscope.dashboard.live import (
    view as live_view,
)
from emoscope.dashboard.ui import state
from emoscope.dashboard.ui.notices import show_cluster_note, show_error
from emoscope.model.errors import EmoscopeError

st.title("Live", anchor=False)
choice = state.sidebar_controls()
if choice is None:
    st.stop()
ice = live_connection.configuration()
in_browser = live_browser.choose_engine(ice) == live_browser.BROWSER
controls = live_controls.controls(choice, in_browser)
if in_browser:
    live_browser.show_browser_engine(choice, controls)
    st.stop()
try:
    settings = live_controls.settings(choice, controls)
except EmoscopeError as error:
    show_error(error)
    st.stop()

live_controls.tune_process()
pool = live_controls.pool()
processor = live_controls.processor(settings)
video, beside = st.columns([5, 3], gap="large")
with video:
    advice = st.container()  # above the video, which a phone shows first
    context = live_connection.streamer(processor, ice, pool)
    live_tools.show_tools(processor)
is_on = context.state.playing or context.state.signalling
clock = live_connection.seconds_between_redraws(pool, is_on)


@st.fragment(run_every=clock)
def show_beside() -> None:
    live_connection.show_crowd(pool, is_on)
    live_connection.look_after(context, processor, ice)
    show_cluster_note(settings.pipeline.classifier)
    live_tools.show_tool_progress(processor)
    live_view.show_now(processor)


@st.fragment(run_every=clock)
def show_below() -> None:
    live_controls.collection_watch().shorten()
    if clock != live_connection.seconds_between_redraws(pool, is_on):
        st.rerun()
    live_view.show_performance(processor)
    live_view.show_timeline(processor)
    live_tools.redraw_tools(processor)


with advice:
    live_connection.show_findings(ice)
with beside:
    show_beside()
show_below()
live_view.show_single_picture(settings)
