"""A face's probabilities as bars of plain HTML: no drawing library has to be fetched for seven of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape

import numpy as np

from emoscope.dashboard.charts.theme import GRID, OUTLINE, class_colors, ink_on

_GRID_LOOK = "display:grid;grid-template-columns:auto 1fr 2.6rem;gap:.35rem .6rem;align-items:center;font-size:.85rem"
_EDGE = f"box-shadow:inset 0 0 0 1px {OUTLINE}"


def probability_bars(
    probabilities: np.ndarray, class_names: Sequence[str], reference: np.ndarray | None = None, reference_name: str = ""
) -> str:
    """Draw one face's probabilities as bars, with another prediction of it as marks.

    The classes keep the network's order, so that the bars of two faces compare line by line.

    Args:
        probabilities: float, shape (C,), summing to 1.
        class_names: The C names in the same order.
        reference: The same face uncorrected or classified by a second network, shape (C,); None for none.
        reference_name: What the marks are, for the legend.

    Returns:
        HTML for light and dark ground.
    """
    colors = class_colors(class_names)
    top = int(np.argmax(probabilities))
    rows = []
    for i, name in enumerate(class_names):
        mark = "" if reference is None else _mark(reference[i], reference_name)
        weight = ";font-weight:650" if i == top else ""
        rows.append(
            f'<span aria-hidden="true" style="text-align:right{weight}">{escape(name)}</span>'
            f"{_bar(name, probabilities[i], colors[name], mark)}"
            f'<span aria-hidden="true" style="font-variant-numeric:tabular-nums;opacity:.75{weight}">'
            f"{probabilities[i]:.0%}</span>"
        )
    note = "" if reference is None else f'<div style="font-size:.78rem;opacity:.7">▏{escape(reference_name)}</div>'
    return f'<div data-testid="probabilities" style="{_GRID_LOOK}">{"".join(rows)}</div>{note}'


def _bar(name: str, probability: float, color: str, mark: str) -> str:
    value = 100 * float(probability)
    return (
        f'<div role="meter" aria-label="{escape(name)}" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{value:.0f}" aria-valuetext="{value:.0f}%" title="{escape(name)}: {value:.1f}%" '
        f'style="position:relative;height:.85rem;border-radius:.2rem;background:{GRID}">'
        f'<div style="width:{value:.1f}%;height:100%;border-radius:.2rem;background:{color};{_EDGE}"></div>{mark}</div>'
    )


def _mark(probability: float, name: str) -> str:
    return (
        f'<div style="position:absolute;left:calc({100 * probability:.1f}% - 1px);top:-.15rem;bottom:-.15rem;'
        f'width:3px;background:{OUTLINE}" title="{escape(name)}: {probability:.1%}"></div>'
    )


def emotion_counts(labels: Sequence[str], class_names: Sequence[str]) -> str:
    """Draw how many faces were predicted as each class, as one stacked bar.

    Args:
        labels: The most probable class of each face.
        class_names: Names in the order to stack.

    Returns:
        HTML.
    """
    counts = Counter(labels)
    colors = class_colors(class_names)
    shown = [name for name in class_names if counts[name]]
    parts = "".join(
        f'<div title="{escape(name)}: {counts[name]} of {len(labels)}" style="flex:{counts[name]} 1 0;min-width:0;'
        f"overflow:hidden;white-space:nowrap;text-overflow:ellipsis;text-align:center;padding:.3rem .2rem;"
        f'background:{colors[name]};color:{ink_on(colors[name])};{_EDGE}">{escape(name)} {counts[name]}</div>'
        for name in shown
    )
    words = escape(", ".join(f"{counts[name]} {name}" for name in shown))
    look = "display:flex;border-radius:.4rem;overflow:hidden;font-size:.8rem"
    return f'<div role="img" aria-label="{words}" data-testid="emotion-counts" style="{look}">{parts}</div>'
