"""Where names stand beside the points of a chart, so that no legend is needed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Of a chart as wide as half of the page or a phone; pixels.
WIDTH, HEIGHT = 420, 320
CHARACTER, LINE, GAP = 7.0, 15.0, 9.0

# Plotly's words, with the label's place: its left edge and its top, relative to the point, in label sizes and gaps.
_PLACES = {
    "middle right": (0.0, -0.5, 1, 0),
    "middle left": (-1.0, -0.5, -1, 0),
    "top center": (-0.5, -1.0, 0, -1),
    "bottom center": (-0.5, 0.0, 0, 1),
    "top right": (0.0, -1.0, 0.5, -0.5),
    "bottom right": (0.0, 0.0, 0.5, 0.5),
    "top left": (-1.0, -1.0, -0.5, -0.5),
    "bottom left": (-1.0, 0.0, -0.5, 0.5),
}


def label_places(x: np.ndarray, y: np.ndarray, names: Sequence[str]) -> list[str]:
    """Choose for each point where its name stands, so that names cover neither each other nor points.

    Args:
        x: Of the points, shape (N,), each 0..1 of the chart's width.
        y: The same upwards, of its height.
        names: Of the points.

    Returns:
        Plotly's ``textposition`` of each; the first that is free, else the one that covers least.
    """
    points = np.stack([x * WIDTH, (1 - y) * HEIGHT], axis=1)
    taken = [(px - GAP, py - GAP, px + GAP, py + GAP) for px, py in points]
    chosen = []
    for (px, py), name in zip(points, names, strict=True):
        width = CHARACTER * len(name)
        boxes = {}
        for place, (left, top, gap_x, gap_y) in _PLACES.items():
            x0, y0 = px + left * width + gap_x * GAP, py + top * LINE + gap_y * GAP
            boxes[place] = (x0, y0, x0 + width, y0 + LINE)
        costs = {
            place: _outside(box) + 3 * sum(_overlap(box, other) for other in taken) for place, box in boxes.items()
        }
        best = min(costs, key=costs.__getitem__)
        chosen.append(best)
        taken.append(boxes[best])
    return chosen


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0) * max(height, 0)


def _outside(box: tuple[float, ...]) -> float:
    return LINE * (max(-box[0], 0) + max(box[2] - WIDTH, 0)) + 100 * (max(-box[1], 0) + max(box[3] - HEIGHT, 0))
