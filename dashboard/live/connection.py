"""The live page's connection: the streamer with its ICE servers, and the doctor's findings on the page."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import streamlit as st
from streamlit_webrtc import WebRtcMode, WebRtcStreamerContext, webrtc_streamer

from emoscope.dashboard.live.analysis_pool import AnalysisPool
from emoscope.dashboard.live.browser import BROWSER, use_engine
from emoscope.dashboard.live.doctor import BROWSER_PROBE, Evidence, Finding, Patience, diagnose
from emoscope.dashboard.live.ice import IceConfiguration, ice_configuration
from emoscope.dashboard.live.pacing import pace
from emoscope.dashboard.live.processor import CAMERA_RATE, LiveProcessor
from emoscope.dashboard.server.browser_files import is_served
from emoscope.dashboard.ui.notices import show_warning
from emoscope.dashboard.ui.state import choose
from emoscope.model.places import HOME

_ASKED = "live_camera_rate"
_FINDING = "live_finding"
_CROWD = 3
"""From so many live people on, what stands beside the video is redrawn a third as often, for the sake of the video."""
_probe = st.components.v2.component("emoscope_connection_probe", js=BROWSER_PROBE)
_look = st.components.v2.component(
    "emoscope_video_frame", js=Path(__file__).with_name("frame.js").read_text(encoding="utf-8")
)


def configuration() -> IceConfiguration:
    """Return the ICE servers for the page as the browser has opened it; found once in five minutes."""
    return _configuration(st.context.url or "")


@st.cache_data(ttl=300, max_entries=16, show_spinner=False)
def _configuration(url: str) -> IceConfiguration:
    return ice_configuration(url, _secrets(), os.environ)


def _secrets() -> Mapping[str, Any]:
    try:
        return st.secrets.to_dict()
    except FileNotFoundError:  # a deployment without secrets is the rule
        return {}


def _camera_rate(pool: AnalysisPool) -> int:
    return round(min(CAMERA_RATE, max(5, pool.newcomers_frame_rate)))


def streamer(processor: LiveProcessor, ice: IceConfiguration, pool: AnalysisPool) -> WebRtcStreamerContext[Any, Any]:
    """Show the video with its Start button."""
    _look(key="live_frame", height=1)
    rate = st.session_state.setdefault(_ASKED, _camera_rate(pool))  # a running camera keeps it: see show_crowd
    width, height = (640, 480) if rate == CAMERA_RATE else (480, 360)
    size = {"width": {"ideal": width}, "height": {"ideal": height}}
    return webrtc_streamer(
        key="live",
        mode=WebRtcMode.SENDRECV,
        frontend_rtc_configuration=ice.browser,
        server_rtc_configuration=ice.server,
        media_stream_constraints={"video": {**size, "frameRate": {"ideal": rate, "max": rate}}, "audio": False},
        video_processor_factory=lambda: processor,
        # The callback never waits, and a queue of frames between two threads would only add to their age.
        async_processing=False,
        video_html_attrs={
            "autoPlay": True,
            "controls": False,
            "muted": True,
            "playsInline": True,
            "style": {"width": "100%", "borderRadius": "10px", "background": "#10131a"},
        },
        translations={"start": "Start", "stop": "Stop", "select_device": "Choose camera"},
    )


def seconds_between_redraws(pool: AnalysisPool, is_on: bool) -> float:
    """Return how long what stands beside the video may stay as it is."""
    if not is_on:
        return 3.0
    return 1.0 if pool.taken < _CROWD else 3.0


def show_crowd(pool: AnalysisPool, is_on: bool) -> None:
    """Say so before somebody presses Start in vain, and ask the camera for what the server can send back."""
    if is_on:
        return
    if st.session_state[_ASKED] != (rate := _camera_rate(pool)):
        st.session_state[_ASKED] = rate
        st.rerun()
    if pool.is_full:
        show_warning(
            f"The server is busy: {pool.seats} people are live now, which is its limit.",
            "Try again in a moment; this message goes when a place is free.",
        )


def look_after(context: WebRtcStreamerContext[Any, Any], processor: LiveProcessor, ice: IceConfiguration) -> None:
    """Look after the connection; draw the page anew where something else is wrong with it than before.

    For a fragment with a clock. What is found is shown outside of it, since a button that is redrawn every second loses
    a click now and then.
    """
    pace(context.output_video_track, processor.wants)
    patience: Patience = st.session_state.setdefault("live_patience", Patience())
    is_running = processor.view().is_running
    is_connecting = (context.state.signalling or context.state.playing) and not is_running
    is_stuck = patience.is_over(is_connecting, monotonic())
    result = _probe(
        key="live_probe",
        data={"iceServers": ice.browser["iceServers"], "deep": is_stuck},
        height=1,
        on_report_change=lambda: None,
    )
    was_live = context.state.playing and processor.has_camera
    evidence = Evidence.from_report(result.report, is_stuck, ice.has_relay, was_live)
    finding = None if is_running else diagnose(evidence)
    if finding != st.session_state.get(_FINDING):
        st.session_state[_FINDING] = finding
        st.rerun()


def show_findings(ice: IceConfiguration) -> None:
    """Show what is wrong with the connection, if anything is, and offer what works instead."""
    finding: Finding | None = st.session_state.get(_FINDING)
    if finding is None:
        return
    show_warning(finding.message, finding.action)
    if ice.problem:
        st.caption(f":material/warning: {ice.problem}")
    if finding.pictures_help and is_served():
        st.button(
            "Run in this browser",
            icon=":material/devices:",
            type="primary",
            on_click=use_engine,
            args=(BROWSER,),
            help="Nothing is sent then, so nothing has to be connected.",
        )
    if finding.pictures_help and not st.session_state.get("live_single"):
        st.button("Use single pictures", icon=":material/photo_camera:", on_click=choose, args=("live_single", True))
    elif not finding.pictures_help:
        st.page_link(HOME / "pages" / "predict.py", label="Predict", icon=":material/add_photo_alternate:")
