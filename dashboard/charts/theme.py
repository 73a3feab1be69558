"""One look for every chart, on light and dark ground alike; the colours are those of ``model/drawing/palette.py``."""

from __future__ import annotations

import plotly.graph_objects as go

from emoscope.model.drawing.palette import EMOTION_COLORS, class_colors, ink_on
from emoscope.model.emotions import emotion_key

__all__ = ["EMOTION_COLORS", "GRID", "OUTLINE", "class_colors", "emotion_key", "ink_on", "style"]

GRID = "rgba(128, 134, 150, 0.22)"
OUTLINE = "rgba(128, 134, 150, 0.75)"
"""Line around filled shapes: keeps the palest and the darkest emotion apart from either ground."""


def style(fig: go.Figure, height: int | None = None) -> go.Figure:
    """Give a figure the look of the app and return it.

    Text colours are left to the page, which knows whether it is light or dark; everything else reads on both.

    Args:
        fig: The figure, changed in place.
        height: Height in pixels; None keeps the figure's own.
    """
    fig.update_layout(
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 8, "r": 8, "t": 40 if fig.layout.title.text else 8, "b": 8},
        title={"x": 0, "xanchor": "left", "font": {"size": 15}},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "title": {"text": ""}},
        hoverlabel={"font": {"size": 13}},
        bargap=0.25,
    )
    if height is not None:
        fig.update_layout(height=height)
    fig.update_xaxes(gridcolor=GRID, zerolinecolor=GRID, automargin=True, title_standoff=8)
    fig.update_yaxes(gridcolor=GRID, zerolinecolor=GRID, automargin=True, title_standoff=8)
    fig.update_traces(marker_line={"color": OUTLINE, "width": 1}, selector={"type": "bar"})
    return fig
