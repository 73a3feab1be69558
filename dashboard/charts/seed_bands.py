"""Curves of runs that differ by seed alone, as one line with a band."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from emoscope.dashboard.charts.palettes import faint

Curve = tuple[np.ndarray, np.ndarray]
"""Positions, ascending, and values: float, both of shape (rows,)."""


def mean_and_spread(curves: Sequence[Curve]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean of curves and their standard deviation wherever one of them has a value.

    Between its values a curve is taken for straight; before its first and after its last it is left out.

    Returns:
        Positions, means, and sample standard deviations, 0 where there is one curve alone; float64, shape (positions,).
    """
    known = [(x[np.isfinite(x + y)], y[np.isfinite(x + y)]) for x, y in curves]
    known = [(x, y) for x, y in known if len(x)]
    if not known:
        return np.zeros(0), np.zeros(0), np.zeros(0)
    grid = np.unique(np.concatenate([x for x, _ in known]))
    values = np.array([np.interp(grid, x, y, left=np.nan, right=np.nan) for x, y in known])
    there = np.isfinite(values)
    count = there.sum(0)
    mean = np.where(there, values, 0).sum(0) / count
    squares = np.where(there, values - mean, 0) ** 2
    return grid, mean, np.sqrt(squares.sum(0) / np.maximum(count - 1, 1))


def add_band(figure: go.Figure, curves: Sequence[Curve], label: str, group: str, color: str, dash: str) -> None:
    """Draw the mean of curves with a band of one standard deviation to each side.

    Args:
        figure: Drawn on.
        curves: Of one quantity, one of each run.
        label: Of the line.
        group: Legend group, which hides line and band together.
        color: ``#rrggbb``.
        dash: Of the line.
    """
    x, mean, deviation = mean_and_spread(curves)
    seeds = f" · {len(curves)} seeds" if len(curves) > 1 else ""
    figure.add_scatter(
        x=np.concatenate([x, x[::-1]]), y=np.concatenate([mean + deviation, (mean - deviation)[::-1]]),
        mode="lines", line={"width": 0}, fill="toself", fillcolor=faint(color, 0.18), legendgroup=group,
        showlegend=False, hoverinfo="skip",
    )  # fmt: skip
    figure.add_scatter(
        x=x, y=mean, name=label + seeds, legendgroup=group, customdata=deviation,
        line={"color": color, "width": 2, "dash": dash}, mode="lines" if len(x) > 1 else "markers",
        hovertemplate=f"%{{y:.4g}} ± %{{customdata:.2g}} {label}<extra></extra>",
    )  # fmt: skip
