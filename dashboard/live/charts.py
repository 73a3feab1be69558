"""Charts beside the live video, as plain HTML.

They are drawn anew every second while the browser decodes and shows video. A drawing library costs it so much of a core
that fewer frames are shown; some boxes with a coloured ground cost next to nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import numpy as np

from emoscope.dashboard.charts.theme import GRID, OUTLINE, class_colors
from emoscope.dashboard.live.statistics import TIMELINE_SECONDS, Moment

BIN_SECONDS = 1.0
MAX_FACES = 3
ROW_HEIGHT = 110
_QUIET = "font-size:.78rem;opacity:.7"


def binned(moments: Sequence[Moment], now: float) -> tuple[np.ndarray, np.ndarray]:
    """Average one face's probabilities over each second of the last minute.

    Args:
        moments: Of one face and one network, oldest first.
        now: The time to count back from.

    Returns:
        Seconds before now at the middle of each bin, -60..0, shape (B,), and probabilities, shape (B, C): ``nan`` where
        the face was away or could not be classified.
    """
    count = round(TIMELINE_SECONDS / BIN_SECONDS)
    centers = (np.arange(count) + 0.5) * BIN_SECONDS - TIMELINE_SECONDS
    classes = len(moments[0].class_names) if moments else 0
    sums, counts = np.zeros((count, classes)), np.zeros(count)
    for moment in moments:
        place = int((moment.at - now + TIMELINE_SECONDS) // BIN_SECONDS)
        if 0 <= place < count and not moment.warning:
            sums[place] += moment.probabilities
            counts[place] += 1
    with np.errstate(invalid="ignore", divide="ignore"):
        return centers, sums / counts[:, None]


def timeline(moments: Sequence[Moment], now: float) -> str:
    """Stack the probabilities of the last minute, one row per face, of the faces seen last.

    Args:
        moments: Of all faces, oldest first.
        now: The time at the right end.

    Returns:
        HTML; empty without moments.
    """
    if not moments:
        return ""
    names = moments[-1].class_names
    own = [m for m in moments if m.class_names == names]
    faces = sorted(list(dict.fromkeys(m.track_id for m in reversed(own)))[:MAX_FACES])
    end = math.ceil(now / BIN_SECONDS) * BIN_SECONDS  # on a grid, or each redraw would average other moments
    rows = "".join(_row(face, [m for m in own if m.track_id == face], end) for face in faces)
    ticks = "".join(f"<span>{text}</span>" for text in ("−60 s", "−45 s", "−30 s", "−15 s", "now"))
    axis = f'<div style="display:flex;justify-content:space-between;{_QUIET};padding-left:3.6rem">{ticks}</div>'
    return f'<div data-testid="live-timeline">{_legend(names)}{rows}{axis}</div>'


def _legend(names: Sequence[str]) -> str:
    colors = class_colors(names)
    entries = "".join(
        f'<span style="display:inline-flex;align-items:center;gap:.35rem">'
        f'<span style="width:.75rem;height:.75rem;border-radius:.2rem;background:{colors[name]};'
        f'box-shadow:inset 0 0 0 1px {OUTLINE}"></span><span style="opacity:.7">{escape(name)}</span></span>'
        for name in names
    )
    look = "display:flex;flex-wrap:wrap;gap:.2rem .9rem;font-size:.78rem;margin-bottom:.5rem"
    return f'<div style="{look}">{entries}</div>'


def _row(face: int, moments: Sequence[Moment], end: float) -> str:
    names = moments[-1].class_names
    seconds, shares = binned(moments, end)
    columns = "".join(_column(-second, share, names) for second, share in zip(seconds, shares, strict=True))
    return (
        f'<div style="display:flex;align-items:center;margin-bottom:.4rem">'
        f'<span style="width:3.6rem;{_QUIET}">Face {face}</span>'
        f'<div style="flex:1;display:flex;gap:1px;height:{ROW_HEIGHT}px;border-bottom:1px solid {GRID}">{columns}'
        "</div></div>"
    )


def _column(ago: float, share: np.ndarray, names: Sequence[str]) -> str:
    """Return one second as a box whose ground shows the shares, with the likeliest in words."""
    if np.isnan(share).any():
        return '<div style="flex:1"></div>'
    colors = class_colors(names)
    edges = np.round(100 * np.cumsum(share) / share.sum(), 1)
    stops = ",".join(
        f"{colors[name]} {low:g}% {high:g}%" for name, low, high in zip(names, [0.0, *edges[:-1]], edges, strict=True)
    )
    likeliest = ", ".join(f"{names[i]} {share[i]:.0%}" for i in np.argsort(-share)[:3])
    return (
        f'<div style="flex:1;background:linear-gradient(to top,{stops})" '
        f'title="{ago:.0f} s ago: {escape(likeliest)}"></div>'
    )
