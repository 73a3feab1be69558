"""Charts beside the live video."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.charts.theme import class_colors, style
from dashboard.live_statistics import TIMELINE_SECONDS, Moment

BIN_SECONDS = 0.5
MAX_FACES = 3
ROW_HEIGHT = 150
TICKS = {-60: "−60 s", -45: "−45 s", -30: "−30 s", -15: "−15 s", 0: "now"}


def binned(moments: Sequence[Moment], now: float) -> tuple[np.ndarray, np.ndarray]:
    """Average one face's probabilities over half seconds of the last minute.

    Args:
        moments: Of one face and one network, oldest first.
        now: The time to count back from.

    Returns:
        Seconds before now at the middle of each bin, -60..0, shape (B,), and probabilities, shape (B, C): ``nan`` where
        the face was away or could not be read.
    """
    count = round(TIMELINE_SECONDS / BIN_SECONDS)
    centers = (np.arange(count) + 0.5) * BIN_SECONDS - TIMELINE_SECONDS
    classes = len(moments[0].class_names) if moments else 0
    sums, counts = np.zeros((count, classes)), np.zeros(count)
    for moment in moments:
        place = int((moment.at - now + TIMELINE_SECONDS) // BIN_SECONDS)
        if 0 <= place < count and not moment.warning:
            sums[place] += moment.probabilities
            counts[place] += 1
    with np.errstate(invalid="ignore", divide="ignore"):
        return centers, sums / counts[:, None]


def timeline(moments: Sequence[Moment], now: float) -> go.Figure:
    """Stack the probabilities of the last minute, one row a face, the faces seen last at the top.

    Args:
        moments: Of all faces, oldest first.
        now: The time at the right end.
    """
    names = moments[-1].class_names if moments else ()
    own = [m for m in moments if m.class_names == names]
    faces = list(dict.fromkeys(m.track_id for m in reversed(own)))[:MAX_FACES]
    faces.sort()
    fig = make_subplots(rows=max(1, len(faces)), cols=1, shared_xaxes=True, vertical_spacing=0.08 / max(1, len(faces)))
    colors = class_colors(names)
    for row, face in enumerate(faces, start=1):
        seconds, shares = binned([m for m in own if m.track_id == face], now)
        for i, name in enumerate(names):
            fig.add_trace(
                go.Bar(
                    x=seconds,
                    y=shares[:, i],
                    width=BIN_SECONDS,
                    name=name,
                    legendgroup=name,
                    showlegend=row == 1,
                    marker_color=colors[name],
                    hovertemplate="%{y:.0%}<extra>" + name + "</extra>",
                ),
                row=row,
                col=1,
            )
        fig.update_yaxes(title_text=f"Face {face}", row=row, col=1)
    style(fig, height=70 + ROW_HEIGHT * max(1, len(faces)))
    fig.update_layout(barmode="stack", bargap=0, hovermode="x", uirevision="live", legend={"traceorder": "normal"})
    fig.update_traces(marker_line_width=0, selector={"type": "bar"})
    fig.update_xaxes(range=[-TIMELINE_SECONDS, 0], fixedrange=True, tickvals=list(TICKS), ticktext=list(TICKS.values()))
    fig.update_yaxes(range=[0, 1], fixedrange=True, tickformat=".0%", tickvals=[0, 0.5, 1], showgrid=False)
    return fig


def distribution(
    probabilities: np.ndarray, class_names: Sequence[str], reference: np.ndarray | None = None, reference_name: str = ""
) -> go.Figure:
    """Draw a face's current probabilities as bars, with another reading of it as marks.

    Args:
        probabilities: Shape (C,).
        class_names: The C names.
        reference: The same face uncorrected or read by a second network, shape (C,); None for none.
        reference_name: What the marks are, for the legend.
    """
    colors = class_colors(class_names)
    fig = go.Figure(
        go.Bar(
            x=np.asarray(probabilities, float),
            y=list(class_names),
            orientation="h",
            marker_color=[colors[name] for name in class_names],
            text=[f"{p:.0%}" for p in probabilities],
            textposition="outside",
            cliponaxis=False,
            showlegend=False,
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
        )
    )
    if reference is not None:
        fig.add_trace(
            go.Scatter(
                x=np.asarray(reference, float),
                y=list(class_names),
                mode="markers",
                name=reference_name,
                marker={"symbol": "line-ns-open", "size": 13, "line": {"width": 3}, "color": "rgb(128, 134, 150)"},
                hovertemplate="%{y}: %{x:.1%}<extra>" + reference_name + "</extra>",
            )
        )
    style(fig, height=24 * len(class_names) + (36 if reference is not None else 8))
    fig.update_layout(margin={"l": 4, "r": 44, "t": 4, "b": 4}, uirevision="live")
    fig.update_xaxes(range=[0, 1], visible=False, fixedrange=True)
    fig.update_yaxes(autorange="reversed", showgrid=False, ticks="", fixedrange=True)
    return fig
