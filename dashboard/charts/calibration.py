"""Reliability diagrams, coverage, and accuracy by how far people agree."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from emoscope.dashboard.charts.palettes import BLUE, GRAY, ORANGE, faint
from emoscope.dashboard.charts.theme import style
from emoscope.model.evaluation.calibration import Reliability
from emoscope.model.evaluation.curves import Coverage
from emoscope.model.evaluation.label_errors import AgreementCurve
from emoscope.model.evaluation.statistics import wilson_interval

FEW_IMAGES = 20
"""A bin of fewer images says little."""


def vote_reliability(diagram: Reliability) -> go.Figure:
    """Draw the share of people who agree with the network against its confidence."""
    figure = reliability_diagram({"share of people": diagram})
    figure.update_yaxes(title="People who agree", row=1)
    return figure


def reliability_diagram(diagrams: Mapping[str, Reliability]) -> go.Figure:
    """Draw accuracy against confidence, one or two calibrations over one another, and how many samples each bin holds.

    Bars are 95 % score intervals; bins of fewer than :data:`FEW_IMAGES` images are drawn small and faint.

    Args:
        diagrams: Reliability by name, in the order to draw ("as trained", "temperature 1.31").
    """
    figure = make_subplots(rows=2, shared_xaxes=True, row_heights=[0.75, 0.25], vertical_spacing=0.05)
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        name="perfect",
        line={"dash": "dot", "color": GRAY},
        hoverinfo="skip",
        row=1,
        col=1,
    )
    for (name, diagram), color, symbol in zip(diagrams.items(), (ORANGE, BLUE), ("circle", "diamond"), strict=False):
        filled = diagram.count > 0
        accuracy, count = diagram.accuracy[filled], diagram.count[filled]
        low, high = wilson_interval(accuracy, count)
        few = count < FEW_IMAGES
        figure.add_scatter(
            x=diagram.confidence[filled], y=accuracy, customdata=np.stack([count, low, high], 1),
            mode="lines+markers", name=f"{name} · ECE {diagram.ece:.3f}", line={"color": color},
            marker={"size": np.where(few, 5, 9), "opacity": np.where(few, 0.45, 1.0), "symbol": symbol},
            error_y={
                "type": "data", "symmetric": False, "array": high - accuracy, "arrayminus": accuracy - low,
                "color": faint(color, 0.55), "thickness": 1.2, "width": 3,
            },
            hovertemplate="confidence %{x:.1%}<br>accuracy %{y:.1%} (%{customdata[1]:.0%} to %{customdata[2]:.0%})"
            "<br>%{customdata[0]:,} images<extra></extra>",
            row=1, col=1,
        )  # fmt: skip
        centers = (diagram.edges[:-1] + diagram.edges[1:]) / 2
        figure.add_bar(
            x=centers, y=diagram.count, marker={"color": faint(color, 0.7)}, showlegend=False,
            hovertemplate="%{y:,} images<extra></extra>", row=2, col=1,
        )  # fmt: skip
    style(figure, height=500)
    figure.update_yaxes(title="Accuracy", range=[0, 1.02], tickformat=".0%", row=1)
    figure.update_yaxes(title="Images", row=2)
    figure.update_xaxes(range=[0, 1.01], tickformat=".0%", tickvals=[0, 0.2, 0.4, 0.6, 0.8, 1])
    figure.update_xaxes(title="Confidence of the predicted class", row=2)
    return figure


def coverage_curve(curve: Coverage, threshold: float) -> go.Figure:
    """Draw accuracy against coverage, and where a confidence threshold stands on it."""
    keep = np.unique(np.linspace(0, len(curve.coverage) - 1, min(len(curve.coverage), 400)).astype(int))
    figure = go.Figure()
    figure.add_scatter(
        x=curve.coverage[keep], y=curve.accuracy[keep], customdata=curve.threshold[keep], mode="lines",
        line={"color": BLUE, "width": 2}, showlegend=False,
        hovertemplate="from confidence %{customdata:.0%} on<br>coverage %{x:.1%}<br>accuracy %{y:.1%}<extra></extra>",
    )  # fmt: skip
    coverage, accuracy = curve.at_threshold(threshold)
    if coverage:
        figure.add_scatter(
            x=[coverage], y=[accuracy], mode="markers", showlegend=False,
            marker={"size": 14, "symbol": "diamond", "color": ORANGE, "line": {"width": 1, "color": "white"}},
            hovertemplate="chosen: answers %{x:.1%}<br>right %{y:.1%}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(
        title="Coverage: share of images predicted",
        range=[0, 1.01],
        tickformat=".0%",
        tickvals=[0, 0.2, 0.4, 0.6, 0.8, 1],
    )
    figure.update_yaxes(title="Accuracy on those", tickformat=".0%")
    return style(figure, height=380)


def agreement_bars(curve: AgreementCurve) -> go.Figure:
    """Draw accuracy by how far the annotators agreed; groups without images are left out."""
    kept = curve.n > 0
    groups = [f"{low:.0%} – {high:.0%}" for low, high in zip(curve.low[kept], curve.high[kept], strict=True)]
    accuracy, count = curve.accuracy[kept], curve.n[kept]
    figure = go.Figure()
    figure.add_bar(
        x=groups, y=accuracy, marker={"color": BLUE, "opacity": 0.85}, customdata=count,
        text=[f"n = {c:,}" for c in count], textposition="inside", insidetextanchor="start", textangle=0,
        insidetextfont={"color": "white"},
        error_y={
            "type": "data", "symmetric": False, "color": GRAY, "thickness": 1.5,
            "array": curve.accuracy_high[kept] - accuracy, "arrayminus": accuracy - curve.accuracy_low[kept],
        },
        hovertemplate="agreement %{x}<br>accuracy %{y:.1%}<br>%{customdata:,} images<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(title="Share of annotators behind the most-voted emotion", type="category")
    figure.update_yaxes(title="Accuracy", range=[0, 1.02], tickformat=".0%")
    return style(figure, height=380)
