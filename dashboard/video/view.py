"""Choosing a video and following its analysis."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import streamlit as st

from emoscope.dashboard.ui.notices import escape, show_error
from emoscope.dashboard.ui.samples import sample_clip
from emoscope.dashboard.ui.state import kept
from emoscope.dashboard.video.clip import MAX_MEGABYTES, ClipWork
from emoscope.model.images import data_url
from emoscope.model.video.reader import SUPPORTED, clock

RATES = (0.5, 1, 2, 5, 10, 15, 25)
PLAIN = {"displayModeBar": False}
_STILL = "width:100%;border-radius:.6rem"


def rate_control() -> float:
    """Show how many analyses per second of the video are made, in the sidebar."""
    with st.sidebar:
        st.subheader("Pace", anchor=False)
        return float(
            st.select_slider(
                "Analyses per second of video",
                RATES,
                help="For the next clip. Once a second is enough for an hour, ten times catches a smile as it comes.",
                **kept("video_rate", 10, RATES),
            )
        )


def choose_clip() -> tuple[str, bytes] | None:
    """Show the ways to bring a video and return name and content of the one just brought."""
    upload: BytesIO | None = st.file_uploader("Drop a video here", max_upload_size=MAX_MEGABYTES, key="video_upload")
    st.caption(
        f"{SUPPORTED}, up to {MAX_MEGABYTES} MB. It stays in this machine's memory while you look at it, is written "
        "nowhere, and is forgotten when you leave. Larger files: `python -m model video FILE`."
    )
    if upload is not None:
        return str(getattr(upload, "name", "video")), upload.getvalue()
    if st.button("Try a sample", icon=":material/movie:", key="video_sample"):
        return sample_clip()
    return None


@st.fragment(run_every=0.7)
def show_progress(work: ClipWork) -> None:
    """Show how far the analysis is; ends by drawing the page anew."""
    if not work.predicting.is_running:
        st.rerun()
    left, right = st.columns([3, 5], gap="large", vertical_alignment="center")
    analysis = work.clip.analysis
    with left:
        if analysis is not None and analysis.film.stills:
            # Inline: a picture that is replaced this often would be gone before a slow browser has fetched it.
            still = data_url(analysis.film.stills[-1].jpeg, "image/jpeg")
            st.html(f'<img src="{still}" alt="The frame that is being analysed" style="{_STILL}">')
    with right:
        st.subheader(f"Analysing {escape(work.clip.name)}", anchor=False)
        show_bar(work, "predicting")
        st.button("Stop and keep what there is", icon=":material/stop_circle:", on_click=work.predicting.stop)


def show_bar(work: ClipWork, what: str) -> None:
    """Show how far the ``predicting`` or the ``drawing`` of a clip is."""
    task = getattr(work, what)
    if task.is_waiting:
        st.progress(0.0, "Waiting for another clip to be finished …")
        return
    analysis = work.clip.analysis
    total = analysis.info.seconds if analysis is not None else None
    done = clock(task.progress.at) + (f" of {clock(total)}" if total else "")
    left = "" if task.seconds_left is None else f" · about {clock(task.seconds_left)} left"
    st.progress(task.progress.share, f"{done}{left}")


def show_failure(work: ClipWork) -> None:
    """Show why a video could not be analysed, and offer another."""
    assert work.failure is not None
    show_error(work.failure, about=work.clip.name)
    offer_another("Choose another video")


def offer_new_analysis(work: ClipWork, way: tuple[Any, ...]) -> bool:
    """Show why a clip may be worth analysing again; return whether that is wanted."""
    why = (
        "This was analysed by another network or detector than the one chosen now."
        if work.clip.way != way
        else "Only a part was analysed."
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(why, width="content")
        return st.button("Analyse again", icon=":material/refresh:")


def offer_another(label: str) -> None:
    """Show the button that drops the clip, its predictions and whatever still works on it, and draws the page anew."""
    if st.button(label, icon=":material/upload:"):
        for key in ("video", "video_upload", "video_moment", "video_people"):
            st.session_state.pop(key, None)
        st.rerun()  # a callback would redraw only the fragment that the button is in
