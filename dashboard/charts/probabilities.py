"""Charts of what the network reads in faces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from emoscope.dashboard.charts.theme import class_colors, ink_on, style


def probability_bars(probabilities: np.ndarray, class_names: Sequence[str]) -> go.Figure:
    """Draw one face's probabilities as horizontal bars.

    The classes keep the network's order, so that the bars of two faces compare line by line.

    Args:
        probabilities: float, shape (C,), summing to 1.
        class_names: The C names in the same order.
    """
    colors = class_colors(class_names)
    top = int(np.argmax(probabilities))
    labels = [f"<b>{name}</b>" if i == top else name for i, name in enumerate(class_names)]
    fig = go.Figure(
        go.Bar(
            x=np.asarray(probabilities, float),
            y=labels,
            orientation="h",
            marker_color=[colors[name] for name in class_names],
            text=[f"{p:.0%}" for p in probabilities],
            textposition="outside",
            cliponaxis=False,
            customdata=list(class_names),
            hovertemplate="%{customdata}: %{x:.1%}<extra></extra>",
        )
    )
    style(fig, height=20 * len(class_names) + 8)
    fig.update_layout(margin={"l": 4, "r": 40, "t": 4, "b": 4}, showlegend=False, dragmode=False)
    fig.update_xaxes(range=[0, 1], visible=False, fixedrange=True)
    fig.update_yaxes(autorange="reversed", showgrid=False, ticks="", fixedrange=True)
    return fig


def emotion_counts(labels: Sequence[str], class_names: Sequence[str]) -> go.Figure:
    """Draw how many faces were read as each class, as one stacked bar.

    Args:
        labels: The most probable class of each face.
        class_names: Names in the order to stack.
    """
    counts = Counter(labels)
    colors = class_colors(class_names)
    fig = go.Figure(
        [
            go.Bar(
                x=[counts[name]],
                y=[""],
                orientation="h",
                name=name,
                marker_color=colors[name],
                text=f"{name} {counts[name]}",
                textposition="inside",
                insidetextanchor="middle",
                textangle=0,
                textfont_color=ink_on(colors[name]),
                hovertemplate=f"{name}: {counts[name]} of {len(labels)}<extra></extra>",
            )
            for name in class_names
            if counts[name]
        ]
    )
    style(fig, height=36)
    fig.update_layout(barmode="stack", bargap=0, showlegend=False, dragmode=False, uniformtext=_FITTING_TEXT)
    fig.update_layout(margin={"l": 0, "r": 0, "t": 2, "b": 2})
    fig.update_xaxes(visible=False, fixedrange=True, range=[0, len(labels)])
    fig.update_yaxes(visible=False, fixedrange=True)
    return fig


_FITTING_TEXT = {"minsize": 11, "mode": "hide"}
