"""ROC and precision-recall curves, and the figures of each class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from dashboard.charts.theme import style
from model.curves import ROC, PrecisionRecall

_POINTS = 400  # a curve of 100,000 samples looks the same drawn through 400 of its points


def roc_curves(curves: Mapping[str, ROC], colors: Mapping[str, str]) -> go.Figure:
    """Draw one class against the rest, a curve a class.

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
        fpr, tpr, area = curve.false_positive_rate, curve.true_positive_rate, curve.area
        keep = _thin(len(fpr))
        figure.add_scatter(
            x=fpr[keep], y=tpr[keep], mode="lines", name=f"{name} · {area:.3f}",
            line={"color": colors[name], "width": 2},
            hovertemplate=f"{name}<br>true-positive rate %{{y:.1%}}<br>false-positive rate %{{x:.1%}}<extra></extra>",
        )  # fmt: skip
    return _square(figure, "False-positive rate", "True-positive rate", "Class · area")


def precision_recall_curves(curves: Mapping[str, PrecisionRecall], colors: Mapping[str, str]) -> go.Figure:
    """Draw precision against recall, a curve a class.

    Args:
        curves: By class.
        colors: Colour by class.
    """
    figure = go.Figure()
    for name, curve in curves.items():
        recall, precision, area = curve.recall, curve.precision, curve.average_precision
        keep = _thin(len(recall))
        figure.add_scatter(
            x=recall[keep], y=precision[keep], mode="lines", name=f"{name} · {area:.3f}",
            line={"color": colors[name], "width": 2},
            hovertemplate=f"{name}<br>precision %{{y:.1%}}<br>recall %{{x:.1%}}<extra></extra>",
        )  # fmt: skip
    return _square(figure, "Recall", "Precision", "Class · average precision")


def class_scores(
    names: Sequence[str], scores: Mapping[str, np.ndarray], intervals: np.ndarray | None, colors: Mapping[str, str]
) -> go.Figure:
    """Draw F1 by class with its interval, and precision and recall as marks beside it.

    Args:
        names: The C class names.
        scores: ``precision``, ``recall`` and ``f1``, each float, shape (C,).
        intervals: Low and high end of F1, shape (C, 2), or None.
        colors: Colour by class.
    """
    order = np.argsort(np.nan_to_num(scores["f1"]))
    y = [names[i] for i in order]
    error = None
    if intervals is not None:
        error = {
            "type": "data", "symmetric": False, "thickness": 1.5, "color": "gray",
            "array": (intervals[:, 1] - scores["f1"])[order], "arrayminus": (scores["f1"] - intervals[:, 0])[order],
        }  # fmt: skip
    figure = go.Figure()
    figure.add_bar(
        x=scores["f1"][order], y=y, orientation="h", name="F1", error_x=error,
        marker={"color": [colors[n] for n in y], "opacity": 0.75}, hovertemplate="%{y} F1 %{x:.1%}<extra></extra>",
    )  # fmt: skip
    for kind, symbol in (("precision", "diamond"), ("recall", "circle-open")):
        figure.add_scatter(
            x=scores[kind][order], y=y, mode="markers", name=kind.capitalize(),
            marker={"symbol": symbol, "size": 10, "color": "gray", "line": {"width": 2}},
            hovertemplate=f"%{{y}} {kind} %{{x:.1%}}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(range=[0, 1.02], tickformat=".0%")
    return style(figure, height=max(300, 90 + 34 * len(names)))


def _thin(points: int) -> np.ndarray:
    return np.unique(np.linspace(0, points - 1, min(points, _POINTS)).round().astype(int))


def _square(figure: go.Figure, x_title: str, y_title: str, legend: str) -> go.Figure:
    figure.update_xaxes(title=x_title, range=[-0.01, 1.01], tickformat=".0%")
    figure.update_yaxes(title=y_title, range=[0, 1.02], tickformat=".0%")
    style(figure, height=500)
    return figure.update_layout(legend_title_text=legend)
