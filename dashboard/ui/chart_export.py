"""A chart on a page, and the ways to take it along."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from emoscope.dashboard.charts.palettes import BLUE, DARK_GROUND, GRAY, LIGHT_GROUND

FORMATS = ("PNG", "SVG")


def show_chart(
    figure: go.Figure,
    name: str,
    alt: str,
    *,
    on_select: Callable[..., None] | None = None,
    arguments: tuple[Any, ...] = (),
) -> None:
    """Show a chart with a menu that saves it as PNG, SVG or a web page.

    Pictures are drawn by the reader's browser (the camera in the chart's corner), so that nothing has to be installed.

    Args:
        figure: The chart.
        name: Key of the chart in the page and file name of what is saved, e.g. ``confusion-matrix``.
        alt: What the chart shows, for people who do not see it.
        on_select: Called when a point is chosen; the choice is in ``st.session_state[name]``.
        arguments: What it is called with.
    """
    figure.update_layout(
        margin_t=max(figure.layout.margin.t or 0, 34),  # room for the camera and its neighbours
        legend={"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": GRAY, "activecolor": BLUE},
    )
    if figure.layout.dragmode is None:
        figure.update_layout(dragmode=False)  # a finger that drags over a chart scrolls the page
    ground = page_ground()
    file_format = st.session_state.get(f"{name}-format") or FORMATS[0]
    st.plotly_chart(
        figure,
        key=name,
        alt=alt,
        config=chart_config(name, file_format),
        on_select=partial(on_select, *arguments) if on_select else "ignore",
        selection_mode="points",
    )
    with st.popover("Save chart", icon=":material/download:", type="tertiary"):
        st.segmented_control("Picture format", FORMATS, default=FORMATS[0], key=f"{name}-format")
        st.caption(":material/photo_camera: The camera in the chart’s corner saves the picture in this format.")
        st.download_button(
            "Interactive web page (HTML)",
            data=lambda: standalone_html(figure, ground),
            file_name=f"{name}.html",
            mime="text/html",
            on_click="ignore",
            key=f"{name}-html",
        )


def chart_config(name: str, file_format: str = "PNG") -> dict[str, Any]:
    """Return Plotly's settings: a camera that saves in the given format, no logo, no tools that a reader won't need."""
    return {
        "displaylogo": False,
        "displayModeBar": True,
        "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
        "toImageButtonOptions": {"format": file_format.lower(), "filename": name, "scale": 2},
    }


def page_ground() -> str:
    """Return the colour that the page's charts lie on, ``#rrggbb``."""
    return DARK_GROUND if st.context.theme.type == "dark" else LIGHT_GROUND


def standalone_html(figure: go.Figure, ground: str = LIGHT_GROUND) -> bytes:
    """Return the chart as one file that opens without a network, on the ground that it was seen on."""
    template = "plotly_dark" if ground == DARK_GROUND else "plotly_white"
    page = go.Figure(figure).update_layout(template=template, paper_bgcolor=ground, plot_bgcolor=ground)
    return page.to_html(include_plotlyjs=True, config=chart_config("chart")).encode()
