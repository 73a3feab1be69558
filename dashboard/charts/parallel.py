"""Many runs and their settings in parallel coordinates: one line per run, one axis per setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from emoscope.dashboard.charts.palettes import GRAY
from emoscope.dashboard.charts.theme import style

WIDE = 30
"""From which ratio of its largest to its smallest value on an axis is drawn in logarithms."""
LONGEST_TICK = 18
_SCALE = "Viridis"


def parallel_coordinates(
    settings: Mapping[str, Sequence[str]], score: np.ndarray, title: str, *, percent: bool = True, lower: bool = False
) -> go.Figure:
    """Draw each run as a line through its settings to its score; dragging along an axis leaves the runs in that part.

    Args:
        settings: Values of the R runs by setting, as text; numbers among them are put on a scale.
        score: Shape (R,), finite.
        title: Of the score.
        percent: Whether the score is a share.
        lower: Whether less is better, which turns the colours around.
    """
    dimensions = [_axis(name, values) for name, values in settings.items()]
    dimensions.append({"label": title, "values": score, "tickformat": ".1%" if percent else ".3f"})
    figure = go.Figure(
        go.Parcoords(
            dimensions=dimensions,
            line={"color": score, "colorscale": _SCALE, "reversescale": lower},
            unselected={"line": {"color": GRAY, "opacity": 0.12}},
            labelangle=-12,
            labelside="top",
            labelfont={"size": 13},
            tickfont={"size": 12},
        )
    )
    style(figure, height=460)
    return figure.update_layout(margin={"l": 80, "r": 64, "t": 84, "b": 24})


def _axis(name: str, values: Sequence[str]) -> dict[str, Any]:
    """Return an axis: numbers at their place, by factors where they span many; words evenly, in order."""
    label = name.replace("_", " ")
    numbers = [_number(value) for value in values]
    if not all(map(np.isfinite, numbers)):
        words = sorted(set(values))
        indices = [words.index(value) for value in values]
        return {
            "label": label,
            "values": indices,
            "tickvals": list(range(len(words))),
            "ticktext": _shortened(words),
        }
    found = np.array(numbers)
    known = np.unique(found)
    wide = known[0] > 0 and known[-1] / known[0] > WIDE
    places = np.log10(found) if wide else found
    axis: dict[str, Any] = {"label": label, "values": places}
    if wide or len(known) <= 8:
        shown = known if len(known) <= 8 else np.geomspace(known[0], known[-1], 5)
        axis["tickvals"] = np.log10(shown) if wide else shown
        axis["ticktext"] = [f"{value:.3g}" for value in shown]
    return axis


def _shortened(words: list[str]) -> list[str]:
    """Leave out the middle of long words, such as lists, so that they stay clear of the next axis.

    Words come in alphabetical order. Those that then look alike are shown from where they differ: Plotly draws only the
    first of equal labels.
    """
    half = LONGEST_TICK // 2
    short = {word: word if len(word) <= LONGEST_TICK else f"{word[:half]}…{word[-half:]}" for word in words}
    for _ in words:  # each pass tells some of them apart
        for label in set(short.values()):
            alike = [word for word in words if short[word] == label]
            if len(alike) > 1:
                ends = enumerate(zip(alike[0], alike[-1], strict=False))  # in order, so these differ first
                start = next((i for i, (one, other) in ends if one != other), len(alike[0]))
                short |= {word: f"…{word[start : start + LONGEST_TICK - 4]}" for word in alike}
    return list(short.values())


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
