"""Frames of the film over the timeline: pointing at a moment shows it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from emoscope.model.images import data_url
from emoscope.model.video.stills import Still

MOST_STILLS = 100

_CSS = """
.still {position: fixed; z-index: 1000; pointer-events: none; display: none; padding: 4px; border-radius: 8px;
  background: var(--st-background-color); border: 1px solid var(--st-border-color);
  box-shadow: 0 4px 16px rgba(0, 0, 0, .25)}
.still img {display: block; width: 208px; border-radius: 5px}
.still span {display: block; text-align: center; font: 600 13px var(--st-font); color: var(--st-text-color);
  padding-top: 3px; font-variant-numeric: tabular-nums}
"""
_HTML = '<div class="still" data-testid="video-still"><img alt=""><span></span></div>'
# Plotly tells its own events to whoever asks the chart's element, which a new run of the page may replace.
_JS = Path(__file__).with_name("hover.js").read_text(encoding="utf-8")

_component = st.components.v2.component("video_hover", html=_HTML, css=_CSS, js=_JS)


def show_stills_over(chart: str, stills: Sequence[Still]) -> None:
    """Show frames where one points at a timeline.

    Args:
        chart: Key of the container that holds the chart; its x axis is in seconds.
        stills: The frames to choose from.
    """
    some = stills[:: -(-len(stills) // MOST_STILLS) or 1]
    pictures = [{"at": round(still.at, 2), "url": data_url(still.jpeg, "image/jpeg")} for still in some]
    if pictures:
        _component(data={"chart": chart, "stills": pictures}, key=f"{chart}_stills")
