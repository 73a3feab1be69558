"""The live page's connection: the streamer with its ICE servers, and the doctor's findings on the page."""

from __future__ import annotations

import os
from collections.abc import Mapping
from time import monotonic
from typing import Any

import streamlit as st
from streamlit_webrtc import WebRtcMode, WebRtcStreamerContext, webrtc_streamer

from dashboard.analysis_pool import AnalysisPool
from dashboard.connection import IceConfiguration, ice_configuration
from dashboard.connection_doctor import BROWSER_PROBE, Evidence, Finding, Patience, diagnose
from dashboard.live_video import LiveProcessor
from dashboard.navigation import ROOT
from dashboard.notices import show_warning
from dashboard.state import choose

CAMERA = {
    "video": {"width": {"ideal": 640}, "height": {"ideal": 480}, "frameRate": {"ideal": 30, "max": 30}},
    "audio": False,
}
_probe = st.components.v2.component("emoscope_connection_probe", js=BROWSER_PROBE)


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


def streamer(processor: LiveProcessor, ice: IceConfiguration) -> WebRtcStreamerContext:
    """Show the video with its Start button."""
    return webrtc_streamer(
        key="live",
        mode=WebRtcMode.SENDRECV,
        frontend_rtc_configuration=ice.browser,
        server_rtc_configuration=ice.server,
        media_stream_constraints=CAMERA,
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


def show_crowd(pool: AnalysisPool, is_on: bool) -> None:
    """Say so before somebody presses Start in vain."""
    if not is_on and pool.is_full:
        show_warning(
            f"The server is busy: {pool.seats} people are live now, which is its limit.",
            "Try again in a moment; this message goes when a place is free.",
        )


def show_findings(context: WebRtcStreamerContext, processor: LiveProcessor, ice: IceConfiguration) -> Finding | None:
    """Look after the connection; show what is wrong with it, if anything is, and offer what works instead."""
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
    finding = None if is_running else diagnose(Evidence.from_report(result.report, is_stuck, ice.has_relay))
    if finding is not None:
        show_warning(finding.message, finding.action)
        if ice.problem:
            st.caption(f":material/warning: {ice.problem}")
        if finding.pictures_help and not st.session_state.get("live_single"):
            if st.button("Use single pictures", icon=":material/photo_camera:"):
                choose("live_single", True)
                st.rerun()
        elif not finding.pictures_help:
            st.page_link(
                ROOT / "pages" / "predict.py", label="Read faces in pictures", icon=":material/add_photo_alternate:"
            )
    return finding
