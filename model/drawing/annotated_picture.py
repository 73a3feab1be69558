"""A still picture with its predictions: drawn at the size at which it is seen, no label over a face.

A frame of a video keeps its size, and :func:`~emoscope.model.drawing.annotate.annotate` puts labels where there is
room in it. A picture may be a face of 48 pixels or a collage of fifty people: it is scaled first, faces are numbered
where there are several, and the canvas grows where a label has no room beside its face.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from emoscope.model.drawing.annotate import (
    Box,
    annotate,
    box_within,
    chip_size,
    draw_chip,
    label_color,
    label_text,
    short_warning,
)
from emoscope.model.entities import Prediction

READABLE_SIZE = (960, 1440)
"""Width and height in pixels that a small picture is enlarged to, as far as it fits."""
TEXT_SIZE = 28
"""Height in pixels of a line of text on a picture of that size."""
_WHITE = (255, 255, 255)


def readable_scale(width: int, height: int) -> float:
    """Return by how much to scale a picture of so many pixels so that it just fits :data:`READABLE_SIZE`."""
    return min(READABLE_SIZE[0] / width, READABLE_SIZE[1] / height)


def annotated_picture(
    frame_bgr: np.ndarray,
    predictions: Sequence[Prediction],
    *,
    scale: float | None = None,
    bars: bool = True,
    heat_maps: bool = False,
    ground_bgr: tuple[int, int, int] = _WHITE,
) -> np.ndarray:
    """Draw the prediction of each face of a picture.

    Where all labels find room beside the faces they are written out; else they are shortened, for all faces alike, down
    to the number.

    Args:
        frame_bgr: uint8, shape (H, W, 3); left as it is.
        predictions: One per face, boxes in pixels of the frame.
        scale: By how much to enlarge or reduce the picture first; by default a small one is made readable and a large
            one keeps its size.
        bars: Whether to show every class's probability beside the box of a single face.
        heat_maps: Whether to lay the evidence for the label over the face; needs activation maps.
        ground_bgr: Colour of the canvas where it grows.

    Returns:
        The drawing, uint8, shape (H', W', 3).
    """
    height, width = frame_bgr.shape[:2]
    scale = max(1.0, readable_scale(width, height)) if scale is None else scale
    size = max(1, round(width * scale)), max(1, round(height * scale))
    canvas = cv2.resize(frame_bgr, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    text_size = max(TEXT_SIZE, round(min(size) / 36))
    texts, places = _labels(canvas, [p.moved(scale) for p in predictions], text_size)
    left, top = (max([0, *(-place[i] for place in places)]) for i in (0, 1))
    right, bottom = (max([0, *(place[i + 2] - size[i] for place in places)]) for i in (0, 1))
    canvas = cv2.copyMakeBorder(canvas, top, bottom, left, right, cv2.BORDER_CONSTANT, value=ground_bgr)
    here = [p.moved(scale, (left, top)) for p in predictions]
    bars = bars and len(here) == 1
    drawn = annotate(canvas, here, bars=bars, heat_maps=heat_maps, labels=False, text_size=text_size)
    for prediction, text, (x, y, _, _) in zip(here, texts, places, strict=True):
        draw_chip(drawn, x + left, y + top, text, label_color(prediction, prediction.label_index), text_size)
    return drawn


def _labels(canvas: np.ndarray, predictions: Sequence[Prediction], text_size: int) -> tuple[list[str], list[Box]]:
    """Return the labels of a scaled picture and their places, which may lie outside of it."""
    boxes = [box_within(canvas, prediction) for prediction in predictions]
    size, gap = (canvas.shape[1], canvas.shape[0]), max(2, text_size // 6)
    texts: list[str] = []
    places: list[Box] = []
    for texts in _wordings(predictions):
        places, hidden = _places([chip_size(text, text_size) for text in texts], boxes, size, gap)
        if not hidden:
            break
    return texts, places


def _wordings(predictions: Sequence[Prediction]) -> list[list[str]]:
    """Return the possible wordings of the labels, longest first; several faces are numbered."""
    full = [label_text(prediction, prediction.label_index) for prediction in predictions]
    if len(predictions) == 1:
        return [full]
    short = [short_warning(p.warnings[0]) if p.warnings else p.label for p in predictions]
    numbered = [[f"{number}  {text}" for number, text in enumerate(texts, 1)] for texts in (full, short)]
    return [*numbered, [str(number) for number in range(1, len(predictions) + 1)]]


def _places(
    labels: Sequence[tuple[int, int]], boxes: Sequence[Box], size: tuple[int, int], gap: int
) -> tuple[list[Box], int]:
    """Put each label above its face, or below it where that hides less of other faces or stays in the picture.

    Returns:
        The labels' places, and how many pixels of faces and of each other they hide.
    """
    places: list[Box] = []
    hidden = 0
    for (width, height), (x1, y1, x2, y2) in zip(labels, boxes, strict=True):
        costs = {}
        for is_below, y in enumerate((y1 - gap - height, y2 + gap)):
            for side in (x1, x2 - width):
                x = max(0, min(side, size[0] - width))
                place = (x, y, x + width, y + height)
                is_outside = y < 0 or y + height > size[1]
                costs[place] = _hidden(place, boxes), is_outside, is_below, _hidden(place, places)
        best = min(costs, key=costs.__getitem__)
        hidden += costs[best][0] + costs[best][3]
        places.append(best)
    return places, hidden


def _hidden(place: Box, others: Sequence[Box]) -> int:
    """Return how many pixels of other boxes a label hides."""
    x1, y1, x2, y2 = place
    return sum(max(0, min(x2, o[2]) - max(x1, o[0])) * max(0, min(y2, o[3]) - max(y1, o[1])) for o in others)
