"""How predictions look on a page: pictures with their boxes, and one card per face."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import streamlit as st

from emoscope.dashboard.charts.probabilities import emotion_counts, probability_bars
from emoscope.dashboard.charts.theme import OUTLINE, class_colors
from emoscope.dashboard.predict import downloads
from emoscope.dashboard.predict.album import Album, Picture, Problem
from emoscope.dashboard.predict.why import show_why
from emoscope.dashboard.ui import resources
from emoscope.dashboard.ui.chart_export import page_ground
from emoscope.dashboard.ui.notices import escape, show_error
from emoscope.dashboard.ui.state import DETECTOR_TITLES, Choice, kept
from emoscope.model.drawing.annotated_picture import annotated_picture, readable_scale
from emoscope.model.drawing.palette import hex_to_bgr
from emoscope.model.entities import Prediction
from emoscope.model.faces.detectors import DETECTOR_NAMES, WholeImage, detector_problem
from emoscope.model.networks.classifier import Classifier

PICTURES_A_PAGE = 5
FACES_A_PAGE = 6
STICKY_PICTURE = """@media (min-width: 640px) {
  [class*="st-key-picture_"] [data-testid="stColumn"]:first-child > div {position: sticky; top: 4rem}
}"""
"""Keeps a picture in sight while one scrolls through the cards of its faces."""
CROP_SIZE = (144, 144)
TALL = 1.4
"""Height over width from which on a picture is not as wide as its column, so that it fits a screen."""

Result = tuple[Picture, list[Prediction]]


def show_problems(problems: Sequence[Problem]) -> None:
    """List the files of the latest batch that could not be opened, one sentence each."""
    for name, error in problems[:5]:
        show_error(error, about=name)
    if problems[5:]:
        with st.expander(f"{_count(len(problems) - 5, 'more file')} could not be opened"):
            st.markdown("\n".join(f"- {escape(name)}: {escape(error.message)}" for name, error in problems[5:]))


def show_summary(results: Sequence[Result], classifier: Classifier, choice: Choice) -> bool:
    """Say what was found in all pictures together, and offer it as files.

    Returns:
        Whether heat maps are wanted.
    """
    faces = [prediction for _, predictions in results for prediction in predictions]
    class_names = classifier.info.class_names
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.subheader(
            f"{_count(len(faces), 'face')} in {_count(len(results), 'picture')}", anchor=False, width="content"
        )
        with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
            heat_maps = st.toggle(
                "Heat maps",
                help="Where in the face the evidence for its emotion lies.",
                **kept("heat_maps", False),
            )
            reader = choice.run_key, choice.detector_name
            for label, file, mime, make in (
                (
                    "CSV",
                    "emotions.csv",
                    "text/csv",
                    lambda: downloads.to_csv(results, class_names, choice.detector_name),
                ),
                ("JSON", "emotions.json", "application/json", lambda: downloads.to_json(results, *reader)),
                ("Pictures", "annotated.zip", "application/zip", lambda: downloads.to_zip(results, heat_maps)),
            ):
                # A function is called when the button is clicked: no file is made that nobody takes.
                icon = ":material/download:"
                st.download_button(label, make, file, mime, icon=icon, on_click="ignore", key=f"get_{file}")
            st.button("Clear", icon=":material/delete:", on_click=_clear, help="Forget all pictures and results.")
    if len(faces) > 2:
        st.html(emotion_counts([face.label for face in faces], class_names))
    return heat_maps


def _clear() -> None:
    st.session_state.pop("album", None)


def show_results(
    album: Album,
    results: Sequence[Result],
    way: tuple[Any, ...],
    classifier: Classifier,
    choice: Choice,
    heat_maps: bool,
) -> None:
    """Show the pictures a page at a time, so that hundreds of them load as quickly as five."""
    surely_from = resources.run(choice.run_key).abstain_below if choice.calibrated else None
    st.html(f"<style>{STICKY_PICTURE}</style>")
    top = st.container()
    first = _page("pictures", len(results), PICTURES_A_PAGE)
    for picture, predictions in results[first : first + PICTURES_A_PAGE]:
        with top.container(border=True, key=f"picture_{picture.key}"):
            left, right = st.columns([5, 6], gap="medium")
            with left:
                _show_picture(picture, predictions, heat_maps)
                size = f"{picture.width} × {picture.height} pixels"
                st.caption(f"{escape(picture.name)} · {size} · {_count(len(predictions), 'face')}")
                for note in picture.notes:
                    st.caption(f":material/info: {note}")
                _show_how_it_was_found(album, picture, predictions, choice)
            with right:
                if not predictions:
                    _show_no_face(album, picture, choice)
                    continue
                cards = st.grid(1 if len(predictions) == 1 else 2, min_column_width=220, gap="small")
                start = _page(f"faces_{picture.key}", len(predictions), FACES_A_PAGE)
                for i, prediction in enumerate(predictions[start : start + FACES_A_PAGE], start):
                    heat = album.heat_map(picture, way, i, classifier) if heat_maps else None
                    with cards.container(border=True, key=f"face_{picture.key}_{i}"):
                        unsure = surely_from is not None and prediction.confidence < surely_from
                        _show_card(i + 1, prediction, heat, unsure)
                        if st.button(
                            "Why?",
                            key=f"why_{picture.key}_{i}",
                            icon=":material/help:",
                            type="tertiary",
                            help="Cover a part of the face and see what the network predicts then.",
                        ):
                            show_why(prediction, classifier)


def _show_card(number: int, prediction: Prediction, heat: np.ndarray | None, unsure: bool) -> None:
    """Show one face: the crop, the prediction, its confidence, and warnings."""
    color = class_colors(prediction.class_names)[prediction.label]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.image(_crop(prediction, heat), width=72, alt=f"Face {number}")
        st.html(
            f'<small style="opacity:.7">Face {number}{" · unsure" if unsure else ""}</small><br>'
            f'<span style="display:inline-block;width:.7em;height:.7em;border-radius:50%;background:{color};'
            f'margin-right:.4em;outline:1px solid {OUTLINE}"></span><strong style="font-size:1.15rem">'
            f"{html.escape(prediction.label)}</strong> {prediction.confidence:.0%}",
            width="stretch",
        )
    st.html(probability_bars(prediction.probabilities, prediction.class_names))
    for warning in prediction.warnings:
        st.caption(f":material/warning: {escape(warning)}")


def _show_how_it_was_found(album: Album, picture: Picture, predictions: Sequence[Prediction], choice: Choice) -> None:
    """Show how this picture is predicted other than the rest, with the way back."""
    own, whole = picture.detector_name, any(p.detection.is_cropped_face for p in predictions)
    notes = []
    if whole:
        notes.append(":material/crop: Taken whole, as a cropped face.")
    elif own is not None:
        notes.append(f":material/frame_person: Searched with {DETECTOR_TITLES[own]}.")
    turned = next((p.detection.turned for p in predictions if p.detection.turned), 0)
    if turned:
        notes.append(f":material/rotate_90_degrees_cw: Found after turning the picture by {turned}°.")
    if any(p.detection.brightened for p in predictions):
        notes.append(":material/brightness_6: Found after brightening the picture, which is dark.")
    if not notes:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(" ".join(notes), width="content")
        if own is not None:
            _detector_button(album, picture, "Undo", None, ":material/undo:")
        elif whole and choice.detector_name != WholeImage.name:
            _detector_button(album, picture, "Find faces in it", choice.detector_name, ":material/frame_person:")


def _detector_button(album: Album, picture: Picture, label: str, name: str | None, icon: str) -> None:
    st.button(
        label,
        key=f"{label}_{picture.key}",
        icon=icon,
        type="tertiary",
        on_click=album.choose_detector,
        args=(picture.key, name),
    )


def _show_no_face(album: Album, picture: Picture, choice: Choice) -> None:
    """Say what to try where no face was found, with what can be tried on this picture at once as buttons."""
    st.warning("**No face was found in this picture.**", icon=":material/person_off:")
    tried = picture.detector_name or choice.detector_name
    others = [n for n in DETECTOR_NAMES if n != tried and not detector_problem(n)]
    st.markdown("Try another detector, say that the picture is a cropped face, or take a larger picture of the face:")
    with st.container(horizontal=True):
        for name in others:
            st.button(
                f"Try {DETECTOR_TITLES[name]}",
                key=f"try_{name}_{picture.key}",
                icon=":material/frame_person:",
                on_click=album.choose_detector,
                args=(picture.key, name),
            )
        st.button(
            "It is a cropped face",
            key=f"crop_{picture.key}",
            icon=":material/crop:",
            on_click=album.choose_detector,
            args=(picture.key, WholeImage.name),
        )
    st.caption("Faces are found from about a fortieth of the longer side on: crop a wide scene closer to its people.")


def _crop(prediction: Prediction, heat: np.ndarray | None) -> np.ndarray:
    """Return the face as the network saw it, RGB, under its heat map where there is one."""
    face = prediction.face
    assert face is not None, "the pipeline keeps crops"
    shown = cv2.cvtColor(face, cv2.COLOR_GRAY2RGB) if face.ndim == 2 or face.shape[2] == 1 else face
    shown = cv2.resize(shown, CROP_SIZE, interpolation=cv2.INTER_CUBIC)
    if heat is None:
        return shown
    heat = np.clip(cv2.resize(heat, CROP_SIZE, interpolation=cv2.INTER_CUBIC), 0, 1)
    colors = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)[:, :, ::-1]
    share = 0.65 * heat[..., None]
    return (shown * (1 - share) + colors * share).astype(np.uint8)


def _page(key: str, items: int, a_page: int) -> int:
    """Offer pages where there are more items than one holds; returns the index of the first item to show."""
    pages = -(-items // a_page)
    if pages < 2:
        return 0
    return (st.pagination(pages, key=f"page_{key}", max_visible_pages=7) - 1) * a_page


def _show_picture(picture: Picture, predictions: Sequence[Prediction], heat_maps: bool) -> None:
    """Show a picture with its faces, drawn at twice the size at which it is seen, for sharp screens."""
    frame = picture.frame()
    height, width = frame.shape[:2]
    drawn = annotated_picture(
        frame,
        [prediction.moved(picture.scale) for prediction in predictions],
        scale=readable_scale(width, height),
        bars=False,
        heat_maps=heat_maps,
        ground_bgr=hex_to_bgr(page_ground()),
    )
    _, jpeg = cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, 90])
    tall = height > TALL * width
    st.image(jpeg.tobytes(), width=drawn.shape[1] // 2 if tall else "stretch", alt=picture.name)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
