"""Training curves of any set of runs over one another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np
import plotly.graph_objects as go

from emoscope.dashboard.charts.palettes import faint, run_colors
from emoscope.dashboard.charts.seed_bands import Curve, add_band
from emoscope.dashboard.charts.theme import style

History = Mapping[str, np.ndarray]
Axis = Literal["epoch", "time"]

OF_LOSS = ("Loss", "Generalisation gap")
POSITIONS = ("epoch", "step")
"""Columns that say where a row stands."""
QUANTITIES = ("Loss", "Accuracy", "Generalisation gap", "Learning rate")
_COLUMNS = {
    "Loss": (("loss", "training"), ("val_loss", "validation")),
    "Accuracy": (("accuracy", "training"), ("val_accuracy", "validation")),
    "Learning rate": (("learning_rate", ""),),
}
WIDE = 10
"""From which ratio of the largest to the smallest learning rate they are drawn in logarithms."""
_Y_TITLES = {"Generalisation gap": "Validation loss − training loss"}


def smooth(values: np.ndarray, weight: float) -> np.ndarray:
    """Return the exponential moving average of a curve, started without bias towards zero.

    Args:
        values: float, shape (epochs,); values that are not numbers are skipped and stay as they are.
        weight: 0 (no smoothing) up to, but not, 1.

    Source: Kingma and Ba, Adam, 2015, section 3 (the bias correction).
    """
    smoothed = np.array(values, np.float64)
    average = seen = 0.0
    for place, value in enumerate(smoothed):
        if np.isfinite(value):
            average = weight * average + (1 - weight) * value
            seen = weight * seen + (1 - weight)
            smoothed[place] = average / seen
    return smoothed


def other_quantities(histories: Iterable[History]) -> list[str]:
    """Return what histories hold beside ``QUANTITIES``, each metric once whichever splits it was measured on."""
    drawn = {column for columns in _COLUMNS.values() for column, _ in columns} | {*POSITIONS, "seconds"}
    names = (name for history in histories for name in history if name not in drawn)
    return list(dict.fromkeys(name.removeprefix("val_") for name in names))


def has_quantity(history: History, quantity: str) -> bool:
    """Tell whether a history holds at least one curve of the quantity."""
    return bool(_curves(history, quantity))


def training_curves(
    histories: Mapping[str, History],
    quantity: str,
    *,
    axis: Axis = "epoch",
    smoothing: float = 0.0,
    log: bool = False,
    best_epochs: Mapping[str, int | None] | None = None,
    names: Sequence[str] | None = None,
    bands: Mapping[str, Sequence[str]] | None = None,
) -> go.Figure:
    """Draw one quantity of several runs over epochs or hours.

    Training is dashed, validation solid, and each run has one colour; a smoothed curve keeps its raw line faintly in
    view, and a star marks the epoch whose weights were kept. Runs that differ by seed alone can be drawn as the band of
    one standard deviation around their mean.

    Args:
        histories: Columns of ``history.csv`` by run; values that are not numbers leave their points out.
        quantity: One of ``QUANTITIES`` or of :func:`other_quantities`.
        axis: ``epoch`` counts finished ones, or steps where a run counts those only; ``time`` is the sum of the epochs'
            seconds in minutes.
        smoothing: Weight of the moving average, 0..1.
        log: Draw the y axis in logarithms.
        best_epochs: 1-based kept epoch by run.
        names: All runs and bands in the order that fixes the colours, where it is longer than what is drawn.
        bands: Runs in ``histories`` by the name of the band that they are drawn as.
    """
    bands = bands or {}
    banded = {run for keys in bands.values() for run in keys}
    colors = run_colors(names or [*bands, *(run for run in histories if run not in banded)])
    figure = go.Figure()
    for name, keys in bands.items():
        _add_bands(figure, [histories[run] for run in keys], quantity, axis, smoothing, name, colors[name])
    for run, history in histories.items():
        if run in banded:
            continue
        curves = _curves(history, quantity)
        x = _x_values(history, axis)
        for kind, values in curves.items():
            measured = np.isfinite(values)
            label = f"{run} · {kind}" if kind else run
            line = {"color": colors[run], "width": 2, "dash": "dash" if kind == "training" else "solid"}
            if smoothing:
                raw = {**line, "color": faint(colors[run]), "width": 1}
                figure.add_scatter(
                    x=x[measured],
                    y=values[measured],
                    line=raw,
                    mode="lines",
                    legendgroup=run,
                    showlegend=False,
                    hoverinfo="skip",
                )
            figure.add_scatter(
                x=x[measured], y=smooth(values[measured], smoothing), name=label, line=line, legendgroup=run,
                mode="lines" if measured.sum() > 1 else "markers",
                hovertemplate=f"%{{y:.4g}} {label}<extra></extra>",
            )  # fmt: skip
        _mark_best(figure, x, curves, smoothing, (best_epochs or {}).get(run), run, colors[run])
    log = log or (quantity == "Learning rate" and _spans_much(histories.values()))
    figure.update_xaxes(title=_x_title(histories.values(), axis), rangemode="tozero")
    figure.update_yaxes(title=_Y_TITLES.get(quantity, quantity), type="log" if log else "linear")
    if log:
        figure.update_yaxes(dtick=1, exponentformat="power")
    if quantity == "Accuracy" and not log:
        figure.update_yaxes(tickformat=".0%")
    style(figure, height=460)
    return figure.update_layout(hovermode="x unified", dragmode="zoom")


def _add_bands(
    figure: go.Figure,
    histories: Sequence[History],
    quantity: str,
    axis: Axis,
    smoothing: float,
    name: str,
    color: str,
) -> None:
    curves: dict[str, list[Curve]] = {}
    for history in histories:
        x = _x_values(history, axis)
        for kind, values in _curves(history, quantity).items():
            curves.setdefault(kind, []).append((x, smooth(values, smoothing)))
    for kind, found in curves.items():
        label = f"{name} · {kind}" if kind else name
        add_band(figure, found, label, name, color, "dash" if kind == "training" else "solid")


def _curves(history: History, quantity: str) -> dict[str, np.ndarray]:
    if quantity == "Generalisation gap":
        gap = history["val_loss"] - history["loss"] if {"loss", "val_loss"} <= set(history) else np.zeros(0)
        return {"": gap} if np.isfinite(gap).any() else {}
    columns = _COLUMNS.get(quantity, ((quantity, "training"), (f"val_{quantity}", "validation")))
    return {kind: history[name] for name, kind in columns if np.isfinite(history.get(name, [])).any()}


def _spans_much(histories: Iterable[History]) -> bool:
    """Tell whether the highest learning rates of runs differ so much that the lowest would lie on the axis."""
    highest = [float(np.nanmax(h["learning_rate"])) for h in histories if np.isfinite(h.get("learning_rate", [])).any()]
    highest = [rate for rate in highest if rate > 0]
    return len(highest) > 1 and max(highest) / min(highest) > WIDE


def _x_values(history: History, axis: Axis) -> np.ndarray:
    if axis == "time" and "seconds" in history:
        return np.nancumsum(history["seconds"]) / 60
    return _positions(history)


def _positions(history: History) -> np.ndarray:
    """Return the finished epochs at each row; steps where a run counts those only."""
    rows = len(next(iter(history.values()), ()))
    return next((history[name] for name in POSITIONS if name in history), np.arange(1, rows + 1))


def counts_steps(history: History) -> bool:
    """Tell whether a history counts steps and no epochs."""
    return "step" in history and "epoch" not in history


def _x_title(histories: Iterable[History], axis: Axis) -> str:
    if axis == "time":
        return "Training time (minutes)"
    kinds = {"Step" if counts_steps(history) else "Epoch" for history in histories}
    return " or ".join(sorted(kinds)) or "Epoch"


def _mark_best(
    figure: go.Figure,
    x: np.ndarray,
    curves: Mapping[str, np.ndarray],
    smoothing: float,
    best: int | None,
    run: str,
    color: str,
) -> None:
    if best is None or not 1 <= best <= len(x) or not curves:
        return
    values = smooth(list(curves.values())[-1], smoothing)  # validation where there is one
    figure.add_scatter(
        x=[x[best - 1]], y=[values[best - 1]], mode="markers", legendgroup=run, showlegend=False,
        marker={"symbol": "star", "size": 14, "color": color, "line": {"width": 1, "color": "white"}},
        hovertemplate=f"kept epoch {best} of {run}<extra></extra>",
    )  # fmt: skip
