"""Many runs on one scale, and two runs class by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from emoscope.dashboard.charts.labels import label_places
from emoscope.dashboard.charts.palettes import BLUE, GRAY, ORANGE, faint, run_colors, run_symbols
from emoscope.dashboard.charts.theme import style


def pareto_front(cost: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return the indices of the points that no other beats at once in cost (lower) and score (higher), by cost.

    Points with a cost or score that is no number are never on the front.
    """
    best, front = -np.inf, []
    for i in np.lexsort((-score, cost)):
        if np.isfinite(cost[i]) and score[i] > best:
            front.append(i)
            best = score[i]
    return np.array(front, int)


def accuracy_against_cost(
    names: Sequence[str],
    cost: np.ndarray,
    score: np.ndarray,
    intervals: np.ndarray,
    *,
    cost_title: str,
    score_title: str,
    direction: int = 1,
    percent: bool = True,
    most_named: int | None = None,
) -> go.Figure:
    """Draw each run's score against what it costs, and the Pareto front; names stand beside the points.

    Args:
        names: Of the runs.
        cost: E.g. milliseconds per face, shape (R,); runs without one are left out.
        score: 0..1, shape (R,).
        intervals: Low and high end of the score, shape (R, 2).
        cost_title: Title of the x axis.
        score_title: Title of the y axis.
        direction: 1 where a higher score is better, -1 where a lower one is.
        percent: Whether the score is a share.
        most_named: With more runs, only those on the front have a colour and a name; None for no limit.
    """
    front = pareto_front(cost, direction * score)
    crowded = most_named is not None and len(names) > most_named
    named = [names[i] for i in front[-(most_named or 0) :]] if crowded else list(names)
    colors, symbols = run_colors(named), run_symbols(named)
    figure = go.Figure()
    if crowded:
        _add_others(figure, names, cost, score, [i for i, name in enumerate(names) if name not in named])
    figure.add_scatter(
        x=cost[front], y=score[front], mode="lines", line={"dash": "dot", "color": GRAY, "shape": "hv"},
        name="Pareto front", hoverinfo="skip",
    )  # fmt: skip
    known = cost[np.isfinite(cost) & (cost > 0)]
    wide = bool(known.size > 1 and known.max() / known.min() > 20)
    shown = [i for i, name in enumerate(names) if np.isfinite(cost[i]) and np.isfinite(score[i]) and name in colors]
    along = _share(np.log(np.maximum(cost[shown], 1e-12))) if wide else _share(cost[shown], 0.0)
    places = label_places(along, _share(score[shown]), [names[i] for i in shown])
    for i, place in zip(shown, places, strict=True):
        name = names[i]
        figure.add_scatter(
            x=[cost[i]], y=[score[i]], mode="markers+text", name=name,
            text=[name], textposition=place, cliponaxis=False,
            marker={"size": 13, "color": colors[name], "symbol": symbols[name]},
            error_y={
                "type": "data", "symmetric": False, "color": GRAY, "thickness": 1.2,
                "array": [intervals[i, 1] - score[i]], "arrayminus": [score[i] - intervals[i, 0]],
            },
            hovertemplate=f"{name}<br>{score_title} %{{y:.3f}}<br>{cost_title} %{{x:.4g}}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title=cost_title, type="log" if wide else "linear", rangemode="tozero")
    figure.update_yaxes(title=score_title, tickformat=".1%" if percent else None)
    return style(figure.update_layout(showlegend=False), height=440)


def _share(values: np.ndarray, first: float | None = None) -> np.ndarray:
    """Return where values lie, 0..1, on an axis that begins at the smallest one or at ``first``."""
    if not values.size:
        return values
    first = values.min() if first is None else first
    span = values.max() - first
    return (values - first) / span if span > 0 else np.full(len(values), 0.5)


def _add_others(
    figure: go.Figure, names: Sequence[str], cost: np.ndarray, score: np.ndarray, places: list[int]
) -> None:
    figure.add_scatter(
        x=cost[places], y=score[places], mode="markers", name=f"{len(places)} others",
        text=[names[i] for i in places], marker={"size": 7, "color": faint(GRAY, 0.55)},
        hovertemplate="%{text}<br>%{y:.3f}<br>%{x:.4g}<extra></extra>",
    )  # fmt: skip


def class_differences(
    class_names: Sequence[str], difference: np.ndarray, intervals: np.ndarray, names: tuple[str, str], title: str
) -> go.Figure:
    """Draw A less B for each class with its interval; an interval clear of zero is filled.

    Args:
        class_names: The C names.
        difference: Shape (C,), as shares.
        intervals: Low and high end, shape (C, 2).
        names: Names of A and B.
        title: What differs ("Recall").
    """
    clear = (intervals[:, 0] > 0) | (intervals[:, 1] < 0)
    figure = go.Figure()
    groups = (
        (clear & (difference > 0), BLUE, "diamond", f"{names[0]} better"),
        (clear & (difference < 0), ORANGE, "square", f"{names[1]} better"),
        (~clear, GRAY, "circle-open", "not distinguishable"),
    )
    for mask, color, symbol, label in groups:
        if not mask.any():
            continue
        figure.add_scatter(
            x=100 * difference[mask], y=[n for n, kept in zip(class_names, mask, strict=True) if kept], mode="markers",
            name=label, marker={"size": 12, "color": color, "symbol": symbol, "line": {"width": 2, "color": color}},
            error_x={
                "type": "data", "symmetric": False, "color": color, "thickness": 2,
                "array": 100 * (intervals[mask, 1] - difference[mask]),
                "arrayminus": 100 * (difference[mask] - intervals[mask, 0]),
            },
            hovertemplate="%{y}: %{x:+.1f} points<extra></extra>",
        )  # fmt: skip
    figure.add_vline(x=0, line={"color": GRAY, "width": 1})
    figure.update_xaxes(title=f"{title}: {names[0]} − {names[1]} (percentage points)", zeroline=False)
    figure.update_yaxes(categoryorder="array", categoryarray=list(class_names)[::-1])
    return style(figure, height=max(300, 120 + 36 * len(class_names)))


def scores_with_intervals(
    scores: Mapping[str, tuple[float, float, float]], title: str, percent: bool = True, lower: bool = False
) -> go.Figure:
    """Draw one figure of every run as a dot with its interval, best at the top.

    Args:
        scores: Value, low and high end by run.
        title: Of the figure.
        percent: Whether the figure is a share.
        lower: Whether less is better.
    """
    names = sorted(scores, key=lambda n: scores[n][0], reverse=lower)
    values, low, high = np.array([scores[n] for n in names]).T if names else np.zeros((3, 0))
    figure = go.Figure()
    figure.add_scatter(
        x=values, y=names, mode="markers", marker={"size": 11, "color": BLUE}, showlegend=False,
        error_x={"type": "data", "symmetric": False, "array": high - values, "arrayminus": values - low, "color": BLUE},
        customdata=np.stack([low, high], 1) if names else None,
        hovertemplate="%{y}: %{x:.3f}<br>95 %% interval %{customdata[0]:.3f} to %{customdata[1]:.3f}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(title=title, tickformat=".0%" if percent else None)
    return style(figure, height=max(300, 110 + 28 * len(names)))
