"""The ways in which pictures come to the predict page."""

from __future__ import annotations

from collections.abc import Iterator

import streamlit as st

from dashboard.album import Album
from dashboard.samples import SAMPLES, sample_picture
from dashboard.state import kept

MAX_MEGABYTES = 60
SCENES, CROPPED = "Find the faces", "Already cropped faces"
_WAYS = {
    "Files": ":material/upload: Files",
    "Folder": ":material/folder_open: Folder",
    "Camera": ":material/photo_camera: Camera",
    "Samples": ":material/photo_library: Samples",
}


def pictures() -> list[tuple[str, bytes]]:
    """Show the chosen way to bring pictures and return name and content of those just brought."""
    way = st.segmented_control(
        "Where the pictures come from",
        list(_WAYS),
        format_func=_WAYS.__getitem__,
        required=True,
        label_visibility="collapsed",
        **kept("picture_source", "Files", list(_WAYS)),
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
    return [(upload.name, upload.getvalue()) for upload in uploads]


def _camera() -> list[tuple[str, bytes]]:
    snapshot = st.camera_input("Take a snapshot", key=_widget_key("Camera"), width=480)
    number = st.session_state.get("snapshots", 0) + 1
    if snapshot is None:
        return []
    st.session_state["snapshots"] = number
    return [(f"snapshot-{number}.jpg", snapshot.getvalue())]


def _samples() -> list[tuple[str, bytes]]:
    with st.container(horizontal=True):
        for title in SAMPLES:
            if st.button(title, key=f"sample_{title}", icon=":material/image:"):
                return [sample_picture(title)]
    return []


def _widget_key(way: str) -> str:
    return f"upload_{way}_{st.session_state.get('uploads', 0)}"


def empty() -> None:
    """Empty the uploaders, so that the server drops the files themselves."""
    st.session_state["uploads"] = st.session_state.get("uploads", 0) + 1


def options(album: Album) -> tuple[bool, bool]:
    """Show how to read and show pictures.

    Returns:
        Whether the pictures are cropped faces already, and whether heat maps are wanted.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        content = st.segmented_control(
            "What the pictures show",
            [SCENES, CROPPED],
            required=True,
            label_visibility="collapsed",
            **kept("content", SCENES, [SCENES, CROPPED]),
        )
        heat_maps = st.toggle(
            "Heat maps",
            help="Show where in the face the evidence for its emotion lies.",
            **kept("heat_maps", False),
        )
        st.button(
            "Clear",
            icon=":material/delete:",
            help="Forget all pictures and results.",
            on_click=lambda: st.session_state.pop("album", None),
            disabled=not (album.pictures or album.problems),
        )
    return content == CROPPED, heat_maps


def show_progress(names: Iterator[str], total: int) -> None:
    """Go through a reading of pictures and show how far it is."""
    bar = st.empty()
    for done, name in enumerate(names):
        bar.progress(done / max(total, 1), f"Reading {done + 1} of {total}: {name}")
    bar.empty()
