"""The live page's controls. Each acts on the running video; none needs a new connection."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial

import cv2
import streamlit as st

from emoscope.dashboard.live.analysis_pool import AnalysisPool
from emoscope.dashboard.live.garbage import CollectionWatch
from emoscope.dashboard.live.processor import LiveProcessor, LiveSettings
from emoscope.dashboard.ui import resources, state
from emoscope.model.faces.tracking import TrackingSettings
from emoscope.model.machine import half_of_the_cores

NO_SECOND = ""
RATES = [2, 5, 10, 15, 20, 30]


@st.cache_resource(show_spinner=False)
def pool() -> AnalysisPool:
    """Return the one analysis pool of this process."""
    return AnalysisPool.from_environment()


@st.cache_resource(show_spinner=False)
def tune_process() -> None:
    """Set what live video needs of this process, once, when the first visitor opens the page."""
    # Half of the cores detect and classify; the others decode, draw and encode everybody's pictures.
    cv2.setNumThreads(half_of_the_cores())
    sys.setswitchinterval(0.001)  # a frame waits for the interpreter a fifth of the default time


@st.cache_resource(show_spinner=False)
def collection_watch() -> CollectionWatch:
    """Return the one watch of this process."""
    return CollectionWatch()


@dataclass(frozen=True)
class Controls:
    """What the sidebar says.

    Attributes:
        second: Key of the run to compare with; empty for none.
        bars: Show every emotion's probability beside the face.
        heat_maps: Lay the evidence over the face.
        mirror: Left and right as in a mirror.
        smoothing: Time constant of the probabilities, in seconds.
        rate: Analyses per second, at most.
    """

    second: str
    bars: bool
    heat_maps: bool
    mirror: bool
    smoothing: float
    rate: float


def controls(choice: state.Choice, in_browser: bool) -> Controls:
    """Show the controls in the sidebar and return their values.

    Args:
        choice: Of run and detector.
        in_browser: Whether the visitor's browser does the work, alone and for nobody else.
    """
    with st.sidebar:
        second = NO_SECOND if in_browser else _second_network(choice)
        st.subheader("Picture", anchor=False)
        bars = st.toggle("Bars", help="Every emotion's probability beside the face.", **state.kept("live_bars", True))
        heat = st.toggle("Heat map", help="Where the evidence lies.", **state.kept("live_heat", False))
        mirror = st.toggle("Mirror", help="Left and right as in a mirror.", **state.kept("live_mirror", True))
        st.subheader("Pace", anchor=False)
        smoothing = st.slider(
            "Smoothing",
            0.0,
            2.0,
            step=0.1,
            format="%.1f s",
            help="How long a change of expression takes to come through. 0 shows each analysis as it is.",
            **state.kept("live_smoothing", 0.4),
        )
        key, default = ("live_browser_rate", 30) if in_browser else ("live_rate", 20)
        rate = st.select_slider(
            "Analyses per second, at most",
            RATES,
            help="The video keeps the camera's rate whatever is chosen here.",
            **state.kept(key, default, RATES),
        )
    return Controls(second, bars, heat, mirror, float(smoothing), float(rate))


def _second_network(choice: state.Choice) -> str:
    names = state.run_names()
    rivals = [NO_SECOND, *(key for key in names if key != choice.run_key)]
    return st.selectbox(
        "Compare with",
        rivals,
        format_func=lambda key: names.get(key, "no second network"),
        help="A second network classifies the same faces in the same frames; its label stands below the box, as B.",
        **state.kept("live_second", NO_SECOND, rivals),
    )


def settings(choice: state.Choice, wanted: Controls) -> LiveSettings:
    """Return what the server's engine runs with, its networks loaded.

    Raises:
        RunError: A chosen network cannot be opened.
        DetectorError: The detector cannot run here.
    """
    pipeline = partial(
        resources.pipeline,
        detector_name=choice.detector_name,
        calibrated=choice.calibrated,
        for_video=True,
        sure_from=choice.sure_from,
    )
    return LiveSettings(
        pipeline=pipeline(choice.run_key),
        second=pipeline(wanted.second) if wanted.second else None,
        rate=wanted.rate,
        tracking=TrackingSettings(smoothing=wanted.smoothing),
        bars=wanted.bars,
        heat_maps=wanted.heat_maps,
        mirror=wanted.mirror,
        correct_baseline=bool(st.session_state.get("live_correct", True)),
    )


def processor(wanted: LiveSettings) -> LiveProcessor:
    """Return this session's video processor, set to what is wanted."""
    found: LiveProcessor | None = st.session_state.get("live_processor")
    if found is None:
        found = st.session_state["live_processor"] = LiveProcessor(pool(), wanted)
    found.configure(wanted)
    return found
