"""The ways in which pictures come to the predict page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from io import BytesIO
from pathlib import Path

import cv2
import streamlit as st

from emoscope.dashboard.predict.album import MAX_PICTURES
from emoscope.dashboard.ui.samples import SAMPLES, sample_picture
from emoscope.dashboard.ui.state import kept
from emoscope.model.errors import ImageError
from emoscope.model.images import SUPPORTED, data_url_content, decode_image

MAX_MEGABYTES = 60
SCENES, CROPPED = "is searched, unless a face fills it", "is a cropped face: take it whole"
WAYS = ("Files", "Folder", "Camera", "Samples")
_THUMBNAIL = (320, 200)

_paste = st.components.v2.component("emoscope_paste", js=Path(__file__).with_name("paste.js").read_text("utf-8"))


def pictures(is_first: bool = False) -> Sequence[tuple[str, BytesIO]]:
    """Show the chosen way to bring pictures and return name and content of those just brought.

    Args:
        is_first: Whether there is none yet, so that samples are offered beside the drop zone.
    """
    way = st.segmented_control(
        "Where the pictures come from",
        WAYS,
        required=True,
        label_visibility="collapsed",
        **kept("picture_source", "Files", WAYS),
    )
    if way == "Camera":
        return _camera()
    if way == "Samples":
        return _samples()
    # No `type`: a filter by extension would turn files away without saying why; the decoder says it in a sentence.
    uploads = st.file_uploader(
        "Drop pictures here" if way == "Files" else "Choose a folder of pictures",
        accept_multiple_files=True if way == "Files" else "directory",
        max_upload_size=MAX_MEGABYTES,
        key=_widget_key(way),
    )
    _paste(key="paste", height=1, on_pasted_change=_keep_pasted)
    st.caption(
        f"{SUPPORTED}, up to {MAX_PICTURES} at a time, or pasted. "
        "They stay in this machine's memory, are written nowhere, and forgotten when you leave."
    )
    brought: list[tuple[str, BytesIO]] = [(upload.name, upload) for upload in uploads]
    brought += [(name, BytesIO(data)) for name, data in st.session_state.get("pasted", ())]
    if is_first:
        st.markdown("**Or try one of these**")
        brought += _samples()
    return brought


def _keep_pasted() -> None:
    """Keep what the browser took from the clipboard until it is predicted."""
    pasted = st.session_state["paste"].get("pasted") or {}
    try:
        data = data_url_content(pasted.get("url"))
    except ImageError:
        return
    number = st.session_state["pastes"] = st.session_state.get("pastes", 0) + 1
    # Browsers call every pasted picture image.png.
    st.session_state.setdefault("pasted", []).append((f"pasted-{number}.png", data))


def _camera() -> Sequence[tuple[str, BytesIO]]:
    snapshot = st.camera_input("Take a snapshot", key=_widget_key("Camera"), width=480)
    number = st.session_state.get("snapshots", 0) + 1
    if snapshot is None:
        return []
    st.session_state["snapshots"] = number
    return [(f"snapshot-{number}.jpg", snapshot)]


def _samples() -> Sequence[tuple[str, BytesIO]]:
    cards = st.grid(len(SAMPLES), min_column_width=100, gap="small")
    for title in SAMPLES:
        with cards.container():
            st.image(_thumbnail(title), alt="", width="stretch")
            st.button(title, key=f"sample_{title}", on_click=_want_sample, args=(title,), width="stretch")
    # Kept until they are read: a click elsewhere, on another sample too, starts the page over meanwhile.
    pictures = [sample_picture(title) for title in st.session_state.get("wanted_samples", ())]
    return [(name, BytesIO(data)) for name, data in pictures]


@cache
def _thumbnail(title: str) -> bytes:
    """Return the upper part of a sample as a small JPEG."""
    picture = decode_image(sample_picture(title)[1])
    width, height = _THUMBNAIL
    rows = round(picture.shape[1] * height / width)
    small = cv2.resize(picture[:rows], _THUMBNAIL, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()


def _want_sample(title: str) -> None:
    wanted = st.session_state.setdefault("wanted_samples", [])
    if title not in wanted:
        wanted.append(title)


def _widget_key(way: str) -> str:
    return f"upload_{way}_{st.session_state.get('uploads', 0)}"


def empty() -> None:
    """Empty the uploaders, so that the server drops the files themselves."""
    st.session_state.pop("wanted_samples", None)
    st.session_state.pop("pasted", None)
    st.session_state["uploads"] = st.session_state.get("uploads", 0) + 1


def already_cropped() -> bool:
    """Ask whether pictures are face crops already, which no detector then searches."""
    with st.sidebar:
        content = st.radio(
            "Each picture",
            (SCENES, CROPPED),
            help="A picture that one face fills is recognised and classified as it is; below each picture one can "
            "switch. Choose the second where that goes wrong for many.",
            **kept("content", SCENES, (SCENES, CROPPED)),
        )
    return content == CROPPED


def show_progress(names: Iterator[str], total: int) -> None:
    """Go through an analysis of pictures and show how far it is."""
    bar = st.empty()
    for done, name in enumerate(names):
        bar.progress(done / max(total, 1), f"Predicting {done + 1} of {total}: {name}")
    bar.empty()
