"""Confusion matrices: of one run, and the difference of two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from emoscope.dashboard.charts.palettes import DIVERGING, LIGHT_GROUND, ORANGE, SEQUENTIAL, over
from emoscope.dashboard.charts.theme import style
from emoscope.model.drawing.palette import relative_luminance
from emoscope.model.evaluation.class_order import most_confused

Normalize = Literal["counts", "row", "column"]


MOST_SHOWN = 100
"""Classes of one matrix; of more, those with the most errors are shown."""
MOST_WRITTEN, MOST_NAMED = 20, 60
"""Up to so many classes cells hold their figure, and axes their names; beyond that pointing at a cell tells both."""
HIGHEST = 660
"""Pixels."""
FULL_DIFFERENCE = 25.0
"""Points from which a difference of two runs has the full colour: the same in every chart, so that shades compare."""


def normalized(matrix: np.ndarray, normalize: Normalize) -> np.ndarray:
    """Return counts, or shares of the row (recall) or of the column (precision); empty rows and columns are NaN."""
    if normalize == "counts":
        return matrix.astype(np.float64)
    totals = matrix.sum(1 if normalize == "row" else 0, keepdims=True)
    return np.divide(matrix, totals, out=np.full(matrix.shape, np.nan), where=totals > 0)


def confusion_matrix(
    matrix: np.ndarray,
    class_names: Sequence[str],
    normalize: Normalize = "counts",
    chosen: tuple[int, int] | None = None,
    ground: str = LIGHT_GROUND,
    shown: np.ndarray | None = None,
) -> go.Figure:
    """Draw a confusion matrix whose cells can be chosen.

    A heat map reports no clicks to Streamlit, so a square marker, invisible, lies over each cell: its x is the place of
    the predicted class among those shown, its y that of the true class.

    Args:
        matrix: Counts, shape (C, C), true class by row.
        class_names: The C names.
        normalize: What a cell shows.
        chosen: True and predicted index of the cell to frame.
        ground: Colour of the page, ``#rrggbb``, which decides the colour of the figures.
        shown: Indices of the classes to show, in their order; shares are of all classes. By default all, of more than
            ``MOST_SHOWN`` those with the most errors.

    Source: streamlit/streamlit#8760 (selections of heat maps).
    """
    shown = most_confused(matrix, MOST_SHOWN) if shown is None else shown
    part = np.ix_(shown, shown)
    values, rows, columns = (normalized(matrix, kind)[part] for kind in (normalize, "row", "column"))
    top = (values.max(initial=0) or 1) if normalize == "counts" else 1
    if normalize == "counts" and len(shown) > MOST_WRITTEN:  # or the diagonal alone would have a colour
        top = max(values[~np.eye(len(shown), dtype=bool)].max(initial=0), 1)
    matrix, class_names = matrix[part], [class_names[i] for i in shown]
    figure = _matrix_figure(
        values, class_names, "{:.0f}" if normalize == "counts" else "{:.0%}", (0, top), SEQUENTIAL, ground
    )
    true, predicted = (places.ravel() for places in np.indices(matrix.shape))
    figure.add_scatter(
        x=predicted, y=true, mode="markers", showlegend=False,
        marker={"symbol": "square", "size": _cell_size(len(shown)), "opacity": 0, "color": "rgba(0,0,0,0)"},
        selected={"marker": {"opacity": 0}}, unselected={"marker": {"opacity": 0}},
        text=[
            f"{class_names[t]} predicted as {class_names[p]}<br>{matrix[t, p]:,} images<br>"
            f"{rows[t, p]:.1%} of all {class_names[t]}<br>{columns[t, p]:.1%} of all predicted as {class_names[p]}"
            for t, p in zip(true.tolist(), predicted.tolist(), strict=True)
        ],
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
    places = {int(index): place for place, index in enumerate(shown)}
    if chosen and chosen[0] in places and chosen[1] in places:
        row, column = places[chosen[0]], places[chosen[1]]
        figure.add_shape(
            type="rect", x0=column - 0.5, x1=column + 0.5, y0=row - 0.5, y1=row + 0.5,
            line={"width": 3, "color": ORANGE},
        )  # fmt: skip
    return figure


def confusion_difference(
    a: np.ndarray,
    b: np.ndarray,
    class_names: Sequence[str],
    names: tuple[str, str],
    ground: str = LIGHT_GROUND,
    shown: np.ndarray | None = None,
) -> go.Figure:
    """Draw where two runs confuse differently: A's share of each true class less B's, in percentage points.

    Args:
        a: Counts of run A, shape (C, C), true class by row.
        b: Counts of run B on the same samples.
        class_names: The C names.
        names: Names of A and B.
        ground: Colour of the page, ``#rrggbb``.
        shown: Indices of the classes to show; as :func:`confusion_matrix`.
    """
    shown = most_confused(a + b, MOST_SHOWN) if shown is None else shown
    part = np.ix_(shown, shown)
    difference = 100 * (normalized(a, "row") - normalized(b, "row"))[part]
    a, b, class_names = a[part], b[part], [class_names[i] for i in shown]
    figure = _matrix_figure(difference, class_names, "{:+.1f}", (-FULL_DIFFERENCE, FULL_DIFFERENCE), DIVERGING, ground)
    true, predicted = (places.ravel() for places in np.indices(a.shape))
    figure.add_scatter(
        x=predicted, y=true, mode="markers", showlegend=False, marker={"size": 1, "opacity": 0},
        text=[
            f"{class_names[t]} predicted as {class_names[p]}<br>{names[0]}: {a[t, p]:,}<br>{names[1]}: {b[t, p]:,}"
            for t, p in zip(true.tolist(), predicted.tolist(), strict=True)
        ],
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
    return figure


def disagreement_matrix(
    matrix: np.ndarray, row_names: Sequence[str], column_names: Sequence[str], ground: str = LIGHT_GROUND
) -> go.Figure:
    """Draw how two sets of labels agree, as shares of each row.

    Args:
        matrix: Counts, shape (rows, columns).
        row_names: Names of the one set of labels.
        column_names: Names of the other.
        ground: Colour of the page, ``#rrggbb``.
    """
    shown = normalized(matrix, "row")
    figure = _matrix_figure(shown, row_names, "{:.0%}", (0, 1), SEQUENTIAL, ground, column_names)
    figure.data[0].update(customdata=matrix, hoverinfo=None, hovertemplate="%{customdata:,} images<extra></extra>")
    return figure


def _matrix_figure(
    shown: np.ndarray,
    row_names: Sequence[str],
    pattern: str,
    limits: tuple[float, float],
    scale: list[Any],
    ground: str,
    column_names: Sequence[str] | None = None,
) -> go.Figure:
    column_names = column_names or row_names
    gap = int(len(row_names) <= MOST_NAMED)
    figure = go.Figure(
        go.Heatmap(
            z=shown, zmin=limits[0], zmax=limits[1], colorscale=scale, showscale=False, xgap=gap, ygap=gap,
            hoverinfo="skip",
        )
    )  # fmt: skip
    if len(row_names) <= MOST_WRITTEN:
        _write_cells(figure, shown, pattern, limits, scale, ground)
    figure.update_xaxes(
        title="Predicted", tickvals=list(range(len(column_names))), ticktext=list(column_names),
        range=[-0.5, len(column_names) - 0.5], fixedrange=True, constrain="domain",
        showgrid=False, zeroline=False, tickangle=-40,
    )  # fmt: skip
    figure.update_yaxes(
        title="True", tickvals=list(range(len(row_names))), ticktext=list(row_names),
        showgrid=False, zeroline=False, fixedrange=True, range=[len(row_names) - 0.5, -0.5], constrain="domain",
    )  # fmt: skip
    if len(row_names) > MOST_WRITTEN:
        figure.update_xaxes(tickfont_size=9, tickangle=-90)
        figure.update_yaxes(tickfont_size=9)
    if len(row_names) > MOST_NAMED:
        figure.update_xaxes(showticklabels=False)
        figure.update_yaxes(showticklabels=False)
    return style(figure, height=min(max(420, 120 + 26 * len(row_names)), HIGHEST))


def _write_cells(
    figure: go.Figure,
    shown: np.ndarray,
    pattern: str,
    limits: tuple[float, float],
    scale: list[Any],
    ground: str,
) -> None:
    rows, columns = np.indices(shown.shape)
    inks = [
        _ink(over(ground, scale, share))
        for share in np.clip(np.nan_to_num((shown - limits[0]) / np.ptp(limits)), 0, 1).ravel()
    ]
    figure.add_scatter(
        x=columns.ravel(), y=rows.ravel(), text=_cell_texts(shown, pattern).ravel(), mode="text", hoverinfo="skip",
        showlegend=False, textfont={"size": 13 if len(shown) <= 10 else 9, "color": inks},
    )  # fmt: skip


def _ink(cell: str) -> str:
    """Return black or white, whichever stands out more: at least 4.5 to 1 on any colour (WCAG 2.2, level AA)."""
    return "#000000" if relative_luminance(cell) > 0.179 else "#FFFFFF"


def _cell_texts(values: np.ndarray, pattern: str) -> np.ndarray:
    return np.array([[pattern.format(v) if np.isfinite(v) else "–" for v in row] for row in values])


def _cell_size(classes: int) -> int:
    return max(4, min(44, round(330 / classes)))
