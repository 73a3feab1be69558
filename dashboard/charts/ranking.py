"""ROC and precision-recall curves, and the figures of each class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from emoscope.dashboard.charts.palettes import GRAY
from emoscope.dashboard.charts.theme import style
from emoscope.model.evaluation.curves import ROC, PrecisionRecall

_PIXELS = 500  # a chart is about so many wide; a curve of 100,000 points shows no more
_TICKS = [0, 0.2, 0.4, 0.6, 0.8, 1]


def roc_curves(curves: Mapping[str, ROC], colors: Mapping[str, str]) -> go.Figure:
    """Draw one class against the rest, one curve per class.

    Args:
        curves: By class.
        colors: Colour by class.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"dash": "dot", "color": "gray", "width": 1},
        name="chance", hoverinfo="skip",
    )  # fmt: skip
    for name, curve in curves.items():
        hover = f"{name}<br>true-positive rate %{{y:.1%}}<br>false-positive rate %{{x:.1%}}<extra></extra>"
        title = f"{name} · {curve.area:.3f}"
        _add_curve(figure, curve.false_positive_rate, curve.true_positive_rate, title, colors[name], hover)
    return _square(figure, "False-positive rate", "True-positive rate", "Class · area")


def precision_recall_curves(curves: Mapping[str, PrecisionRecall], colors: Mapping[str, str]) -> go.Figure:
    """Draw precision against recall, one curve per class.

    Args:
        curves: By class.
        colors: Colour by class.
    """
    figure = go.Figure()
    for name, curve in curves.items():
        hover = f"{name}<br>precision %{{y:.1%}}<br>recall %{{x:.1%}}<extra></extra>"
        title = f"{name} · {curve.average_precision:.3f}"
        _add_curve(figure, curve.recall, curve.precision, title, colors[name], hover)
    return _square(figure, "Recall", "Precision", "Class · average precision")


def class_scores(
    names: Sequence[str], scores: Mapping[str, np.ndarray], intervals: np.ndarray | None, colors: Mapping[str, str]
) -> go.Figure:
    """Draw F1 by class with its interval, between precision and recall.

    Args:
        names: The C class names.
        scores: ``precision``, ``recall`` and ``f1``, each float, shape (C,).
        intervals: Low and high end of F1, shape (C, 2), or None.
        colors: Colour by class.
    """
    order = np.argsort(np.nan_to_num(scores["f1"]))
    y = [names[i] for i in order]
    figure = go.Figure()
    error = None
    if intervals is not None:
        error = {
            "type": "data", "symmetric": False, "thickness": 1.5, "color": GRAY,
            "array": (intervals[:, 1] - scores["f1"])[order], "arrayminus": (scores["f1"] - intervals[:, 0])[order],
        }  # fmt: skip
    for kind, symbol in (("precision", "triangle-right-open"), ("recall", "triangle-left-open")):
        figure.add_scatter(
            x=scores[kind][order], y=y, mode="markers", name=kind.capitalize(),
            marker={"symbol": symbol, "size": 11, "color": GRAY, "line": {"width": 2}},
            hovertemplate=f"%{{y}} {kind} %{{x:.1%}}<extra></extra>",
        )  # fmt: skip
    figure.add_scatter(
        x=scores["f1"][order], y=y, mode="markers", name="F1 and its interval", error_x=error,
        marker={"color": [colors[n] for n in y], "size": 15, "line": {"width": 1, "color": GRAY}},
        hovertemplate="%{y} F1 %{x:.1%}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(range=[0, 1.02], tickformat=".0%", tickvals=_TICKS)
    return style(figure, height=max(300, 110 + 34 * len(names)))


def _add_curve(figure: go.Figure, x: np.ndarray, y: np.ndarray, title: str, color: str, hover: str) -> None:
    keep = _thin(x, y)
    line = {"color": color, "width": 2}
    figure.add_scatter(x=x[keep], y=y[keep], mode="lines", name=title, line=line, hovertemplate=hover)


def _thin(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Leave out points that would be drawn on the pixel of the one before."""
    cells = (np.stack([x, y]) * _PIXELS).round()
    return np.flatnonzero(np.append(True, (np.diff(cells) != 0).any(0)))


def _square(figure: go.Figure, x_title: str, y_title: str, legend: str) -> go.Figure:
    figure.update_xaxes(title=x_title, range=[-0.01, 1.02], tickformat=".0%", tickvals=_TICKS)
    figure.update_yaxes(title=y_title, range=[0, 1.02], tickformat=".0%", tickvals=_TICKS)
    style(figure, height=500)
    return figure.update_layout(legend_title_text=legend)
