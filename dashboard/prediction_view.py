"""How predictions look on a page: pictures with their boxes, and a card a face."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import streamlit as st

from dashboard import downloads
from dashboard.album import Picture, Problem, scaled
from dashboard.charts.probabilities import emotion_counts, probability_bars
from dashboard.charts.theme import class_colors
from dashboard.inputs import CROPPED
from dashboard.notices import escape, show_error
from dashboard.state import DETECTOR_TITLES, Choice, choose
from model.annotate import annotate
from model.classifier import Classifier
from model.detectors import DETECTOR_NAMES, detector_problem
from model.entities import Prediction
from model.explain import heat_map

PICTURES_A_PAGE = 5
FACES_A_PAGE = 6
PLAIN = {"displayModeBar": False}

Result = tuple[Picture, list[Prediction]]


def show_problems(problems: Sequence[Problem]) -> None:
    """List the files of the latest batch that could not be read, one sentence each."""
    for name, error in problems[:5]:
        show_error(error, about=name)
    if problems[5:]:
        with st.expander(f"{_count(len(problems) - 5, 'more file')} could not be read"):
            st.markdown("\n".join(f"- {escape(name)}: {escape(error.message)}" for name, error in problems[5:]))


def show_summary(results: Sequence[Result], choice: Choice, heat_maps: bool) -> None:
    """Say what was found in all pictures together, and offer it as files."""
    faces = [prediction for _, predictions in results for prediction in predictions]
    text, *buttons = st.columns([4, 1, 1, 1], vertical_alignment="bottom", gap="small")
    empty = sum(not predictions for _, predictions in results)
    note = f" · {_count(empty, 'picture')} without a face" if empty else ""
    text.subheader(f"{_count(len(faces), 'face')} in {_count(len(results), 'picture')}{note}", anchor=False)
    way = (choice.run_key, choice.detector_name)
    for column, (label, name, mime, make) in zip(
        buttons,
        (
            ("CSV", "emotions.csv", "text/csv", lambda: downloads.to_csv(results)),
            ("JSON", "emotions.json", "application/json", lambda: downloads.to_json(results, *way)),
            ("Pictures", "emotions.zip", "application/zip", lambda: downloads.to_zip(results, *way, heat_maps)),
        ),
        strict=True,
    ):
        column.download_button(
            label, make, name, mime, icon=":material/download:", on_click="ignore", width="stretch", key=f"get_{name}"
        )
    if len(faces) > 2:
        counts = emotion_counts([face.label for face in faces], faces[0].class_names)
        st.plotly_chart(counts, config=PLAIN, key="emotion_counts")


def show_results(results: Sequence[Result], classifier: Classifier, choice: Choice, heat_maps: bool) -> None:
    """Show the pictures a page at a time, so that hundreds of them load as quickly as five."""
    first = _page("pictures", len(results), PICTURES_A_PAGE)
    for picture, predictions in results[first : first + PICTURES_A_PAGE]:
        with st.container(border=True, key=f"picture_{picture.key}"):
            left, right = st.columns([5, 6], gap="medium")
            with left:
                here = [scaled(prediction, picture.scale) for prediction in predictions]
                _show_bgr(annotate(picture.frame(), here, bars=False, heat_maps=heat_maps), picture.name)
                size = f"{picture.width} × {picture.height} pixels"
                st.caption(f"{escape(picture.name)} · {size} · {_count(len(predictions), 'face')}")
            with right:
                if predictions:
                    _show_faces(picture, predictions, classifier, heat_maps)
                else:
                    _show_no_face(picture, choice)


def _show_faces(picture: Picture, predictions: list[Prediction], classifier: Classifier, heat_maps: bool) -> None:
    cards = st.grid(1 if len(predictions) == 1 else 2, min_column_width=240, gap="small")
    first = _page(f"faces_{picture.key}", len(predictions), FACES_A_PAGE)
    for number, prediction in enumerate(predictions[first : first + FACES_A_PAGE], start=first + 1):
        with cards.container(border=True):
            _show_card(number, prediction, classifier, heat_maps, f"{picture.key}_{number}")


def _show_card(number: int, prediction: Prediction, classifier: Classifier, heat_maps: bool, key: str) -> None:
    """Show one face: what the network saw, what it reads, how sure it is, and what to be careful about."""
    color = class_colors(prediction.class_names)[prediction.label]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.image(_crop(prediction, classifier, heat_maps), width=72, alt=f"Face {number}")
        st.html(
            f'<div class="face-label"><small style="opacity:.7">Face {number}</small><br>'
            f'<span style="display:inline-block;width:.7em;height:.7em;border-radius:50%;background:{color};'
            f'outline:1px solid rgba(128,134,150,.75)"></span> '
            f'<strong style="font-size:1.15rem">{_html(prediction.label)}</strong> {prediction.confidence:.0%}</div>',
            width="stretch",
        )
    bars = probability_bars(prediction.probabilities, prediction.class_names)
    st.plotly_chart(bars, config=PLAIN, key=f"bars_{key}")
    for warning in prediction.warnings:
        st.caption(f":material/warning: {escape(warning)}")


def _show_no_face(picture: Picture, choice: Choice) -> None:
    """Say what to try where no face was found, with what can be tried at once as buttons."""
    st.warning("**No face was found in this picture.**", icon=":material/person_off:")
    others = [n for n in DETECTOR_NAMES if n != choice.detector_name and not detector_problem(n)]
    st.markdown("Try another detector, say that the picture is a cropped face, or take a larger picture of the face:")
    with st.container(horizontal=True):
        for name in others:
            st.button(
                f"Try {DETECTOR_TITLES[name]}",
                key=f"try_{name}_{picture.key}",
                icon=":material/frame_person:",
                on_click=choose,
                args=("detector_name", name),
            )
        st.button(
            "It is a cropped face",
            key=f"crop_{picture.key}",
            icon=":material/crop:",
            on_click=choose,
            args=("content", CROPPED),
        )
    st.caption("Faces are found from about a fortieth of the longer side on: crop a wide scene closer to its people.")


def _crop(prediction: Prediction, classifier: Classifier, heat_maps: bool) -> np.ndarray:
    """Return the face as the network saw it, RGB, with its heat map where wanted."""
    face = prediction.face
    assert face is not None, "the pipeline keeps crops"
    shown = cv2.cvtColor(face, cv2.COLOR_GRAY2RGB) if face.ndim == 2 or face.shape[2] == 1 else face
    shown = cv2.resize(shown, (144, 144), interpolation=cv2.INTER_CUBIC)
    if not heat_maps:
        return shown
    heat = cv2.resize(heat_map(prediction, classifier=classifier), (144, 144), interpolation=cv2.INTER_CUBIC)
    heat = np.clip(heat, 0, 1)[..., None]
    colors = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)[:, :, ::-1]
    return (shown * (1 - 0.65 * heat) + colors * (0.65 * heat)).astype(np.uint8)


def _page(key: str, items: int, a_page: int) -> int:
    """Offer pages where there are more items than one holds; returns the index of the first item to show."""
    pages = -(-items // a_page)
    if pages < 2:
        return 0
    return (st.pagination(pages, key=f"page_{key}", max_visible_pages=7) - 1) * a_page


def _show_bgr(frame_bgr: np.ndarray, name: str) -> None:
    _, jpeg = cv2.imencode(".jpg", frame_bgr, [cv2.IMWRITE_JPEG_QUALITY, 90])
    st.image(jpeg.tobytes(), width="stretch", alt=name)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
