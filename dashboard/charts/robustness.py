"""How much accuracy is left on damaged pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from emoscope.dashboard.charts.palettes import run_colors, run_symbols
from emoscope.dashboard.charts.theme import style
from emoscope.model.evaluation.robustness import CLEAN, RobustnessRow, RobustnessSummary

_COLUMNS = 3


def accuracy_by_severity(rows: Mapping[str, Sequence[RobustnessRow]], columns: int = _COLUMNS) -> go.Figure:
    """Draw accuracy against severity, one small chart per corruption, the runs over one another.

    Severity 0 is the untouched image.

    Args:
        rows: Measurements by run, each with its clean row.
        columns: Small charts side by side.
    """
    corruptions = list(
        dict.fromkeys(row.corruption for found in rows.values() for row in found if row.corruption != CLEAN)
    )
    if not corruptions:
        return style(go.Figure(), height=200)
    columns = min(columns, len(corruptions))
    lines = ceil(len(corruptions) / columns)
    figure = make_subplots(
        lines, columns, shared_yaxes=True, shared_xaxes=True,
        vertical_spacing=0.22 / max(lines, 2), horizontal_spacing=0.03,
        subplot_titles=[name.replace("_", " ").capitalize() for name in corruptions],
    )  # fmt: skip
    colors, symbols = run_colors(list(rows)), run_symbols(list(rows))
    for run, found in rows.items():
        clean = next(row.accuracy for row in found if row.corruption == CLEAN)
        for place, corruption in enumerate(corruptions):
            points = sorted((row.severity, row.accuracy) for row in found if row.corruption == corruption)
            if not points:
                continue
            x, y = zip((0, clean), *points, strict=True)
            figure.add_scatter(
                x=x, y=y, mode="lines+markers", name=run, legendgroup=run, showlegend=place == 0,
                line={"color": colors[run]}, marker={"symbol": symbols[run], "size": 7},
                hovertemplate=f"{run}<br>severity %{{x}}: %{{y:.1%}}<extra></extra>",
                row=place // columns + 1, col=place % columns + 1,
            )  # fmt: skip
    style(figure, height=70 + 190 * lines)
    figure.update_layout(margin_t=64)
    top = max(row.accuracy for found in rows.values() for row in found)
    figure.update_yaxes(tickformat=".0%", range=[0, min(1.02, 1.1 * top)])
    figure.update_xaxes(tickvals=[0, 1, 2, 3, 4, 5], range=[-0.2, 5.2])
    figure.update_xaxes(title="Severity", row=lines)
    return figure


def retained_accuracy(summaries: Mapping[str, RobustnessSummary]) -> go.Figure:
    """Draw the share of its clean accuracy that each run keeps, by corruption and in the mean.

    Args:
        summaries: By run.
    """
    corruptions = list(dict.fromkeys(name for summary in summaries.values() for name in summary.retained))
    labels = [*(name.replace("_", " ") for name in corruptions), "<b>mean</b>"]
    colors, symbols = run_colors(list(summaries)), run_symbols(list(summaries))
    figure = go.Figure()
    for run, summary in summaries.items():
        values = [*(summary.retained.get(name) for name in corruptions), summary.mean_retained]
        figure.add_scatter(
            x=values, y=labels, mode="markers", name=run,
            marker={"size": 12, "color": colors[run], "symbol": symbols[run]},
            hovertemplate=f"{run}, %{{y}}: keeps %{{x:.1%}}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title="Share of the clean accuracy that is kept", tickformat=".0%")
    figure.update_yaxes(autorange="reversed")
    return style(figure, height=120 + 32 * len(labels))
