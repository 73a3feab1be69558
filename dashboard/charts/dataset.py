"""What a data set holds: classes, brightness and contrast, and the opinions of its annotators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from emoscope.dashboard.charts.palettes import BLUE, GRAY, ORANGE, RUN_PALETTE
from emoscope.dashboard.charts.theme import class_colors, style


def class_balance(counts: Mapping[str, np.ndarray], class_names: Sequence[str], shares: bool = True) -> go.Figure:
    """Draw how the samples of each split are spread over the classes.

    Args:
        counts: Samples per class, shape (C,), by split.
        class_names: The C names.
        shares: Draw shares of the split, so that splits of different size compare; else counts.
    """
    figure = go.Figure()
    for (split, count), color, pattern in zip(counts.items(), RUN_PALETTE, ("", "/", ".", "x"), strict=False):
        values = count / max(count.sum(), 1) if shares else count
        figure.add_bar(
            x=list(class_names), y=values, name=f"{split} ({count.sum():,})", customdata=count,
            marker={"color": color, "pattern": {"shape": pattern, "fillmode": "overlay", "size": 6}},
            hovertemplate=f"{split}, %{{x}}<br>%{{customdata:,}} images<extra></extra>",
        )  # fmt: skip
    figure.update_yaxes(title="Share of the split" if shares else "Images", tickformat=".0%" if shares else ",")
    return style(figure, height=400)


def value_histogram(values: Mapping[str, np.ndarray], title: str, limits: tuple[float, float] = (0, 255)) -> go.Figure:
    """Draw how a value of the images is spread, one line per group, each scaled to its own size.

    Args:
        values: float, shape (N,), by group (a class, a split).
        title: Of the value.
        limits: Range of the x axis.
    """
    edges = np.linspace(*limits, 52)
    centers = (edges[:-1] + edges[1:]) / 2
    colors = class_colors(list(values))
    figure = go.Figure()
    for name, group in values.items():
        share = np.histogram(group, edges)[0] / max(len(group), 1)
        figure.add_scatter(
            x=centers, y=share, mode="lines", name=name, line={"color": colors[name], "width": 2, "shape": "spline"},
            hovertemplate=f"{name}: %{{y:.1%}} near %{{x:.0f}}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title=title)
    figure.update_yaxes(title="Share of the images", tickformat=".0%", rangemode="tozero")
    return style(figure, height=380)


def votes_beside_probabilities(
    votes: Mapping[str, float], probabilities: Mapping[str, float], label: str, run_name: str
) -> go.Figure:
    """Draw the votes on one image beside the network's probabilities.

    Args:
        votes: Share of the votes by name; empty where there are none.
        probabilities: The network's, by class name in the words of the votes where they have one.
        label: The data set's label in the same words; its bars are framed.
        run_name: For the legend.
    """
    names = list(dict.fromkeys([*votes, *probabilities]))[::-1]
    figure = go.Figure()
    if probabilities:
        figure.add_bar(
            y=names, x=[probabilities.get(n) for n in names], orientation="h", name=run_name, marker={"color": BLUE},
            hovertemplate="%{y}: probability %{x:.1%}<extra></extra>",
        )  # fmt: skip
    if votes:
        figure.add_bar(
            y=names, x=[votes.get(n) for n in names], orientation="h", name="FER+ annotators",
            marker={"color": ORANGE, "pattern": {"shape": "/", "fillmode": "overlay", "size": 6}},
            hovertemplate="%{y}: %{x:.0%} of the votes<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(range=[0, 1.02], tickformat=".0%")
    figure.update_yaxes(
        tickvals=names, ticktext=[f"<b>{n} (label)</b>" if n == label else n for n in names], type="category"
    )
    figure.update_layout(barmode="group")
    style(figure, height=90 + 40 * len(names))
    return figure.update_layout(legend_traceorder="reversed")


def accuracy_without(names: Sequence[str], before: np.ndarray, after: np.ndarray) -> go.Figure:
    """Draw each run's accuracy on all images and on those left after an audit.

    Args:
        names: Of the runs.
        before: Accuracy on all images, shape (R,).
        after: Accuracy on the images that are left, shape (R,).
    """
    figure = go.Figure()
    for i, name in enumerate(names):
        figure.add_scatter(
            x=[before[i], after[i]],
            y=[name, name],
            mode="lines",
            line={"color": GRAY},
            showlegend=False,
            hoverinfo="skip",
        )
    for values, label, color, symbol in (
        (before, "all images", ORANGE, "circle"),
        (after, "after removal", BLUE, "diamond"),
    ):
        figure.add_scatter(
            x=values, y=list(names), mode="markers", name=label, marker={"size": 12, "color": color, "symbol": symbol},
            hovertemplate=f"%{{y}}, {label}: %{{x:.2%}}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title="Accuracy", tickformat=".1%")
    return style(figure, height=max(200, 120 + 30 * len(names)))
