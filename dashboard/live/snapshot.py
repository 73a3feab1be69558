"""A snapshot at the camera's full size.

What arrives as video is as small as the connection and the browser's processor allow. So the browser takes the picture
from the camera itself, and it is analysed and drawn upon here like a frame of the video.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import streamlit as st

from emoscope.dashboard.live.processor import LiveProcessor
from emoscope.dashboard.ui.notices import show_error
from emoscope.model.errors import EmoscopeError, ImageError
from emoscope.model.images import data_url_content, decode_image, encode_png

_PICTURE = "live_snapshot_picture"
_PROBLEM = "live_snapshot_problem"
_WANTED = "live_snapshot_wanted"

# The streaming frame does not tell which camera was chosen in it, so its way to the camera is watched.
_JS = Path(__file__).with_name("snapshot.js").read_text(encoding="utf-8")
_camera = st.components.v2.component("emoscope_snapshot", js=_JS)


def show_snapshot_button(processor: LiveProcessor) -> None:
    """Show the button that has the browser take a picture."""
    st.button(
        "Snapshot",
        icon=":material/photo_camera:",
        disabled=not processor.has_camera,
        key="live_snapshot",
        help="A picture at the camera's full size, read and drawn.",
        on_click=_ask,
    )


def snapshot_state() -> tuple[Any, ...]:
    """Return what decides what is shown of a snapshot."""
    return tuple(st.session_state.get(name) for name in (_WANTED, _PICTURE, _PROBLEM))


def _ask() -> None:
    """Ask for another picture, by a name of its own: a page that is drawn anew at once asks for the same one again."""
    st.session_state[_WANTED] = uuid4().hex


def _keep(processor: LiveProcessor) -> None:
    """Analyse what the browser has taken, and keep the drawing until another is taken."""
    state = st.session_state
    try:
        drawn = processor.analyze_still(decode_image(_content(state["live_snapshot_camera"]["taken"])))
    except EmoscopeError as error:
        state[_PROBLEM] = error
        return
    state[_PICTURE] = encode_png(drawn)
    state[_PROBLEM] = None


def _content(taken: Mapping[str, Any] | None) -> bytes:
    """Return the file that the browser sends as a ``data:`` address."""
    taken = taken or {}
    if "url" not in taken:
        reason = str(taken.get("error") or "no picture came")[:200]
        raise ImageError(f"The browser took no picture ({reason}).", "Close what else uses the camera and try again.")
    return data_url_content(taken["url"])


def show_snapshot(processor: LiveProcessor) -> None:
    """Show the newest snapshot with the ways to save and to drop it, or why there is none."""
    wanted = st.session_state.get(_WANTED)
    _camera(key="live_snapshot_camera", data={"wanted": wanted}, height=1, on_taken_change=lambda: _keep(processor))
    if problem := st.session_state.get(_PROBLEM):
        show_error(problem)
    picture: bytes | None = st.session_state.get(_PICTURE)
    if picture is None:
        return
    st.image(picture, alt="The snapshot", width="stretch")
    with st.container(horizontal=True):
        st.download_button(
            "Save snapshot",
            picture,
            "emoscope-snapshot.png",
            "image/png",
            icon=":material/download:",
            on_click="ignore",
            key="live_snapshot_save",
        )
        st.button(
            "Drop snapshot",
            icon=":material/delete:",
            on_click=st.session_state.pop,
            args=(_PICTURE, None),
            key="live_snapshot_drop",
        )
