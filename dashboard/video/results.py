"""The predictions of a video: the moment, the timeline, the strongest moments and the people."""

from __future__ import annotations

import html
from collections.abc import Sequence
from functools import partial
from pathlib import PurePath
from typing import Any

import pandas as pd
import streamlit as st

from emoscope.dashboard.charts.probabilities import probability_bars
from emoscope.dashboard.charts.theme import OUTLINE, class_colors
from emoscope.dashboard.charts.video import timeline
from emoscope.dashboard.ui.notices import escape, show_error, show_warning
from emoscope.dashboard.ui.state import choose
from emoscope.dashboard.ui.tables import show_table
from emoscope.dashboard.video.clip import Clip, ClipWork
from emoscope.dashboard.video.hover import show_stills_over
from emoscope.dashboard.video.player import join_player
from emoscope.dashboard.video.view import PLAIN, offer_another, show_bar
from emoscope.model.drawing.annotate import short_warning
from emoscope.model.emotions import emotion_key
from emoscope.model.video.predictions import ShownFace
from emoscope.model.video.reader import clock
from emoscope.model.video.summary import Person, people, seconds_text

PEOPLE_SHOWN = 4
MOMENTS_SHOWN = 8
FACES_SHOWN = 3
SURE = 0.4  # below, a moment is no expression
CHART = "video_timeline"
PLAYER = "video_player"


@st.fragment
def show_results(work: ClipWork) -> None:
    """Show the predictions of a clip. Choosing a moment draws only this part anew."""
    clip = work.clip
    everyone = people(clip.predictions)
    long_enough = [person for person in everyone if not person.is_brief] or everyone
    _show_header(work, long_enough, len(everyone) - len(long_enough))
    if work.problem:
        show_warning(work.problem)
    if not everyone:
        show_warning(
            "No face was found in this video.",
            "Try another face detector on the left, or a clip that shows faces larger.",
        )
        return
    left, right = st.columns([5, 4], gap="large")
    with left:
        _show_player(work)
        _show_timeline(clip, _choose_people(long_enough))
    with right:
        _show_moment(clip)
    _show_strongest(clip, {person.number for person in long_enough})
    st.subheader("Person by person", anchor=False)
    show_table(_table(clip.predictions.class_names, long_enough), alt="What was predicted for each person")


def _show_header(work: ClipWork, shown: Sequence[Person], brief: int) -> None:
    noun = "person" if len(shown) == 1 else "people"
    seconds = work.clip.seconds
    length = clock(seconds) if seconds >= 1 else f"{seconds_text(seconds)} s"
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.subheader(f"{len(shown)} {noun} in {length}", anchor=False, width="content")
        with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
            stem = PurePath(work.clip.name).stem or "video"
            if shown:  # else there is nothing to save
                st.download_button(
                    "CSV", work.clip.to_csv, f"{stem}.csv", "text/csv", icon=":material/download:", on_click="ignore"
                )
                _show_copy(work, stem)
            offer_another("Another video")
    info = work.clip.analysis.info if work.clip.analysis else None
    size = f" · {info.width} × {info.height} pixels" if info else ""
    passing = f" · {brief} more seen for less than a second" if brief else ""
    st.caption(f"{escape(work.clip.name)}{size} · {work.clip.rate:g} analyses per second{passing}")


def _show_copy(work: ClipWork, stem: str) -> None:
    """Offer the annotated copy, which is made when it is asked for."""
    drawing = work.drawing
    if work.clip.copy is not None:
        copy = work.clip.copy
        st.download_button(
            f"Annotated video ({len(copy) / 1e6:.1f} MB)",
            lambda: copy,
            f"{stem}-annotated.mp4",
            "video/mp4",
            icon=":material/download:",
            on_click="ignore",
            help=work.clip.copy_problem or "MP4 with the sound it had.",
        )
    elif drawing is not None and drawing.is_running:
        _show_drawing(work)
    else:
        st.button(
            "Make annotated video",
            icon=":material/movie_edit:",
            on_click=work.start_drawing,
            help="An MP4 with boxes and emotions, and the sound it had.",
        )
        if drawing is not None and drawing.error:
            show_error(drawing.error)


@st.fragment(run_every=0.7)
def _show_drawing(work: ClipWork) -> None:
    drawing = work.drawing
    if drawing is None or not drawing.is_running:
        st.rerun()
    else:
        with st.container(width=260):
            show_bar(work, "drawing")
        st.button("Stop", icon=":material/stop_circle:", on_click=drawing.stop, key="video_stop_drawing")


def _moment(clip: Clip) -> float:
    """Return the chosen moment; the first in which a face is seen until one was chosen."""
    if "video_moment" not in st.session_state:
        strongest = clip.analysis.moments.strongest(1) if clip.analysis else []
        st.session_state["video_moment"] = strongest[0].at if strongest else 0.0
    return float(min(max(st.session_state["video_moment"], 0.0), clip.seconds))


def _go_to(clip: Clip, at: float) -> None:
    choose("video_moment", float(min(max(at, 0.0), clip.seconds)))


def _show_player(work: ClipWork) -> None:
    """Show the film; what browsers do not play is made an MP4 first, with a still in its place."""
    clip = work.clip
    film = clip.film()
    with st.container(key=PLAYER):
        if film is not None:
            st.video(film[0], format=film[1], alt=f"The video {clip.name}")
            return
        st.image(clip.frame(_moment(clip))[0], width="stretch", alt="A still of the video")
    if work.drawing is None:
        work.start_drawing()
        st.rerun()
    if work.drawing.is_running:
        st.caption("Browsers do not play this kind of file, so an annotated MP4 is being made to play here.")
    elif work.drawing.error is None:
        st.caption("Browsers do not play this kind of file. Make the annotated video to play it here.")


def _show_timeline(clip: Clip, shown: Sequence[Person]) -> None:
    """Show the emotions of people over time, below the player that it is joined with."""
    assert clip.analysis is not None
    with st.container(key=CHART, gap=None):
        figure = timeline(clip.predictions, [person.number for person in shown], clip.seconds)
        st.plotly_chart(figure, config=PLAIN, key="video_timeline_chart", alt="Probabilities of each person over time")
        show_stills_over(CHART, clip.analysis.film.stills)
        join_player(PLAYER, CHART, _moment(clip), clip.seconds, partial(_go_to, clip))


def _show_moment(clip: Clip) -> None:
    """Show the frame of the chosen moment with its faces and their predictions."""
    at = _moment(clip)
    picture, faces = clip.frame(at)
    st.image(picture, width="stretch", alt=f"The video at {clock(at)}")
    if not faces:
        st.caption("No face is seen at this moment.")
    for face in sorted(faces, key=_person)[:FACES_SHOWN]:
        _show_face(face)
    if faces[FACES_SHOWN:]:
        st.caption(f"and {len(faces) - FACES_SHOWN} more")


def _person(face: ShownFace) -> int:
    return face.prediction.detection.track_id or 0


def _show_face(face: ShownFace) -> None:
    prediction = face.prediction
    number = _person(face)
    if prediction.warnings:
        st.markdown(f"**Person {number}** :gray-badge[{short_warning(prediction.warnings[0])}]")
        return
    label = prediction.class_names[face.label_index]
    color = class_colors(prediction.class_names)[label]
    st.html(
        f'<div data-testid="video-label" style="display:flex;align-items:baseline;gap:.55rem">'
        f'<span style="width:.8rem;height:.8rem;border-radius:50%;background:{color};outline:1px solid {OUTLINE};'
        f'align-self:center"></span><span style="font-size:1.35rem;font-weight:650">{html.escape(label)}</span>'
        f'<span style="opacity:.75">{prediction.probabilities[face.label_index]:.0%}</span>'
        f'<span style="margin-left:auto;opacity:.6">person {number}</span></div>'
    )
    st.html(probability_bars(prediction.probabilities, prediction.class_names))


def _choose_people(everyone: Sequence[Person]) -> list[Person]:
    """Offer a choice where there are more people than fit below each other; those seen longest by default."""
    if len(everyone) <= PEOPLE_SHOWN:
        return sorted(everyone, key=lambda person: person.number)
    numbers = [person.number for person in everyone]
    if not set(st.session_state.get("video_people", numbers)) <= set(numbers):
        del st.session_state["video_people"]
    chosen = st.multiselect(
        "People",
        numbers,
        default=None if "video_people" in st.session_state else numbers[:PEOPLE_SHOWN],
        format_func=lambda number: f"Person {number}",
        max_selections=8,
        key="video_people",
    )
    return sorted((person for person in everyone if person.number in chosen), key=lambda person: person.number)


def _show_strongest(clip: Clip, numbers: set[int]) -> None:
    """Show a strip of the most expressive moments; a click goes there."""
    assert clip.analysis is not None
    moments = [
        moment
        for moment in clip.analysis.moments.strongest(999)
        if moment.person in numbers and moment.probability >= SURE
    ]
    if not moments:
        return
    kept_moments = sorted(moments, key=lambda m: (emotion_key(m.label) == "neutral", -m.probability))[:MOMENTS_SHOWN]
    st.subheader("Strongest moments", anchor=False)
    strip = st.grid(MOMENTS_SHOWN, min_column_width=130, gap="small", key="video_moments")
    for moment in sorted(kept_moments, key=lambda m: m.at):
        with strip.container():
            st.image(moment.jpeg, width="stretch", alt=f"Person {moment.person}, {moment.label}")
            st.button(
                f"{moment.label} {moment.probability:.0%} · {clock(moment.at)}",
                key=f"video_go_{moment.person}_{moment.label}",
                type="tertiary",
                on_click=_go_to,
                args=(clip, moment.at),
            )


def _table(class_names: Sequence[str], everyone: Sequence[Person]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = [
        {
            "person": person.number,
            "from": clock(person.first),
            "to": clock(person.last),
            "seen (s)": float(seconds_text(person.seen)),
            "appearances": person.appearances,
            "mostly": person.label or "not readable",
            "readable (%)": round(100 * person.readable),
            **{
                f"{name} (%)": round(100 * float(share)) for name, share in zip(class_names, person.shares, strict=True)
            },
        }
        for person in everyone
    ]
    return pd.DataFrame(rows)
