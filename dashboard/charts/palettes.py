"""Colours of the evaluation charts: readable with colour-blind eyes, on light ground and on dark.

Scales start transparent instead of white, so that "nothing" is the page's own background in either theme.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

# Okabe and Ito's palette without black and yellow, which vanish on dark and on light ground.
RUN_PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6BB1", "#7F7F7F")
RUN_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "pentagon", "hexagon")

BLUE = "#0B6FB8"
ORANGE = "#E07B00"
GRAY = "#8A8F98"
LIGHT_GROUND, DARK_GROUND = "#FFFFFF", "#12141C"

SEQUENTIAL = [[0.0, "rgba(11,111,184,0)"], [0.25, "rgba(11,111,184,0.28)"], [1.0, "rgba(11,111,184,1)"]]
DIVERGING = [
    [0.0, "rgba(224,123,0,1)"], [0.25, "rgba(224,123,0,0.5)"], [0.5, "rgba(128,128,128,0)"],
    [0.75, "rgba(11,111,184,0.5)"], [1.0, "rgba(11,111,184,1)"],
]  # fmt: skip


def run_colors(names: Sequence[str]) -> dict[str, str]:
    """Give each run a colour by its place in the list; beyond eight the colours repeat, the symbols tell apart."""
    return {name: RUN_PALETTE[i % len(RUN_PALETTE)] for i, name in enumerate(names)}


def run_symbols(names: Sequence[str]) -> dict[str, str]:
    """Give each run a marker symbol by its place in the list, so that colour never speaks alone."""
    shift = len(RUN_PALETTE)
    return {name: RUN_SYMBOLS[(i + i // shift) % len(RUN_SYMBOLS)] for i, name in enumerate(names)}


def faint(color: str, alpha: float = 0.3) -> str:
    """Return a ``#rrggbb`` colour as rgba with the given opacity."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"


def over(ground: str, scale: Sequence[Sequence[Any]], share: float) -> str:
    """Return the colour seen where a transparent colour scale lies on a ground.

    Args:
        ground: ``#rrggbb``.
        scale: Pairs of position 0..1 and ``rgba(r,g,b,a)``, as Plotly takes them.
        share: Position on the scale, 0..1.
    """
    stops = [(place, [float(v) for v in color[5:-1].split(",")]) for place, color in scale]
    (start, one), (end, other) = next(
        pair for pair in pairwise(stops) if share <= pair[1][0] or pair[1][0] == stops[-1][0]
    )
    weight = min(max((share - start) / (end - start), 0.0), 1.0)
    *rgb, alpha = (a + weight * (b - a) for a, b in zip(one, other, strict=True))
    below = [int(ground[i : i + 2], 16) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(alpha * a + (1 - alpha) * b):02X}" for a, b in zip(rgb, below, strict=True))
