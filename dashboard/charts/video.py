"""Charts of a video's predictions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from emoscope.dashboard.charts.theme import class_colors, style
from emoscope.model.video.predictions import VideoPredictions
from emoscope.model.video.reader import clock
from emoscope.model.video.summary import binned

MAX_BINS = 240
ROW_HEIGHT = 96
_TICK_STEPS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
_MOST_TICKS = 9


def timeline(predictions: VideoPredictions, numbers: Sequence[int], seconds: float) -> go.Figure:
    """Stack the probabilities of each person over time, one row per person; gaps are times without a readable face.

    Args:
        predictions: Of the whole video.
        numbers: Track ids of the people to show.
        seconds: Length of the video.
    """
    bins = int(np.clip(seconds / max(predictions.step, 0.04), 1, MAX_BINS))
    rows = max(1, len(numbers))
    fig = make_subplots(rows=rows, cols=1, shared_xaxes=True, vertical_spacing=0.1 / rows)
    colors = class_colors(predictions.class_names)
    for row, number in enumerate(numbers, start=1):
        middles, shares = binned(predictions, number, bins, seconds)
        for i, name in enumerate(predictions.class_names):
            fig.add_trace(
                go.Bar(
                    x=middles,
                    y=shares[:, i],
                    width=seconds / bins,
                    name=name,
                    legendgroup=name,
                    showlegend=row == 1,
                    marker_color=colors[name],
                    hovertemplate="%{y:.0%}<extra>" + name + "</extra>",
                ),
                row=row,
                col=1,
            )
        fig.update_yaxes(title_text=f"Person {number}", row=row, col=1)
    style(fig, height=80 + ROW_HEIGHT * rows)
    fig.update_layout(barmode="stack", bargap=0, hovermode="x unified", dragmode=False, legend={"traceorder": "normal"})
    fig.update_traces(marker_line_width=0, selector={"type": "bar"})
    ticks = tick_places(seconds)
    fig.update_xaxes(range=[0, seconds], fixedrange=True, hoverformat=".1f")
    fig.update_xaxes(tickvals=ticks, ticktext=[tick_text(at) for at in ticks])
    fig.update_yaxes(range=[0, 1], fixedrange=True, tickformat=".0%", tickvals=[0, 0.5, 1], showgrid=False)
    return fig


def tick_places(seconds: float) -> list[float]:
    """Return round times to write below a time line."""
    step = next((s for s in _TICK_STEPS if seconds / s <= _MOST_TICKS), _TICK_STEPS[-1])
    return [float(t) for t in np.arange(0, seconds + step / 100, step)]


def tick_text(at: float) -> str:
    """Write a time as a clock shows it, with tenths where they matter."""
    return clock(at) if at == round(at) else f"{clock(int(at))}.{round(at % 1 * 10)}"
