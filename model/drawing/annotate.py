"""Drawing on frames: box, emotion, confidence, small bars and heat maps.

Sizes follow the frame, so that a drawing is legible on 320 pixels as on 1080 lines. Text is rendered once and kept as a
mask, so that a face costs little to draw.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from emoscope.model.drawing.palette import class_colors, hex_to_bgr, ink_on
from emoscope.model.entities import Prediction
from emoscope.model.explain import heat_map
from emoscope.model.faces.quality import DOUBTFUL

Box = tuple[int, int, int, int]
"""Left, upper, right and lower side in pixels."""

WARNING_COLOR = "#5B626C"
_PANEL_GRAY, _PANEL_OPACITY = 20, 0.74
_TRACK_BGR = (78, 72, 66)
_PANEL_INK_BGR = (244, 240, 236)
_HALO_BGR = (16, 16, 16)
_HEAT_OPACITY = 0.6


def annotate(
    frame_bgr: np.ndarray,
    predictions: Sequence[Prediction],
    *,
    bars: bool = True,
    heat_maps: bool = False,
    label_indices: Sequence[int] | None = None,
    others: Sequence[Prediction | None] = (),
    labels: bool = True,
    text_size: int | None = None,
) -> np.ndarray:
    """Draw the prediction of each face.

    A prediction with warnings gets a gray box with the reason not to trust it, in place of an emotion; it is dashed
    where the detector is unsure whether there is a face.

    Args:
        frame_bgr: uint8, shape (H, W, 3); left as it is.
        predictions: One per face, boxes in pixels of the frame.
        bars: Whether to show every class's probability beside the box, where there is room for it.
        heat_maps: Whether to lay the evidence for the label over the face; needs activation maps.
        label_indices: The class to show per face; the most probable one by default.
        others: A second network's predictions of the same faces, shown below the box.
        labels: Whether to name the emotion at the box.
        text_size: Height of a line in pixels; by default it follows the frame.

    Returns:
        A new frame, uint8, shape (H, W, 3).
    """
    canvas = np.ascontiguousarray(frame_bgr).copy()
    text_size = text_size or _text_size(canvas)
    shown = [p.label_index for p in predictions] if label_indices is None else list(label_indices)
    if heat_maps:
        for prediction, index in zip(predictions, shown, strict=True):
            if (
                prediction.activation_map is not None
                and prediction.crop_to_frame is not None
                and not prediction.warnings
            ):
                blend_heat(canvas, heat_map(prediction, index), prediction.crop_to_frame)
    for i, (prediction, index) in enumerate(zip(predictions, shown, strict=True)):
        box = box_within(canvas, prediction)
        if box[2] - box[0] < 2 or box[3] - box[1] < 2:
            continue
        is_dashed = DOUBTFUL in prediction.warnings
        _rounded_box(canvas, box, hex_to_bgr(label_color(prediction, index)), max(2, round(text_size / 8)), is_dashed)
        if bars and not prediction.warnings:
            _bar_panel(canvas, box, prediction, text_size)
        if labels:
            other = others[i] if i < len(others) else None
            _draw_labels(canvas, prediction, index, box, other, text_size)
    return canvas


def short_warning(warning: str) -> str:
    """Turn ``The face is too small.`` into ``too small``, for a label."""
    return warning.removeprefix("The face is ").removeprefix("The detector is unsure: ").removesuffix(".")


def label_text(prediction: Prediction, index: int) -> str:
    """Return the text of a face's label: its class with the probability, or why it is not classified."""
    if prediction.warnings:
        return short_warning(prediction.warnings[0])
    return f"{prediction.class_names[index]} {prediction.probabilities[index]:.0%}"


def label_color(prediction: Prediction, index: int) -> str:
    """Return the colour of a face's box and label, ``#RRGGBB``."""
    return WARNING_COLOR if prediction.warnings else class_colors(prediction.class_names)[prediction.class_names[index]]


def blend_heat(canvas_bgr: np.ndarray, heat: np.ndarray, crop_to_frame: np.ndarray) -> None:
    """Lay a heat map over its face, in place: cold stays clear, hot glows.

    Args:
        canvas_bgr: uint8, shape (H, W, 3), changed.
        heat: float32, 0..1, shape (h, w) of the crop.
        crop_to_frame: 2×3 matrix from the crop's pixels to the frame's.
    """
    height, width = heat.shape
    corners = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]], np.float32)
    places = corners @ np.asarray(crop_to_frame, np.float32).T
    x1, y1 = np.maximum(np.floor(places.min(0)).astype(int), 0)
    x2, y2 = np.minimum(np.ceil(places.max(0)).astype(int), (canvas_bgr.shape[1], canvas_bgr.shape[0]))
    if x2 <= x1 or y2 <= y1:
        return
    shifted = np.array(crop_to_frame, np.float32)
    shifted[:, 2] -= (x1, y1)
    edge = np.zeros((height, width), np.float32)  # fades out, so that no square edge cuts through the face
    cv2.circle(edge, (width // 2, height // 2), int(min(height, width) * 0.42), 1.0, -1)
    soft = cv2.GaussianBlur(edge, (0, 0), max(height, width) * 0.06)
    warped = cv2.warpAffine(heat * soft, shifted, (int(x2 - x1), int(y2 - y1)), flags=cv2.INTER_LINEAR)
    colors = cv2.applyColorMap((warped * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    alpha = (np.sqrt(warped) * _HEAT_OPACITY)[:, :, None]
    region = canvas_bgr[y1:y2, x1:x2]
    region[:] = (region * (1 - alpha) + colors * alpha).astype(np.uint8)


def _text_size(frame: np.ndarray) -> int:
    """Return the height of a label's text in pixels: about a 26th of the frame, never too small to be legible."""
    height, width = frame.shape[:2]
    return int(np.clip(min(height * 1.25, width) / 28, 12, 64))


def box_within(canvas: np.ndarray, prediction: Prediction) -> Box:
    """Return the part of a face's box that lies in the frame."""
    height, width = canvas.shape[:2]
    limits = (width - 1, height - 1, width - 1, height - 1)
    x1, y1, x2, y2 = (round(float(v)) for v in np.clip(prediction.detection.xyxy, 0, limits))
    return x1, y1, x2, y2


def _draw_labels(
    canvas: np.ndarray, prediction: Prediction, index: int, box: Box, other: Prediction | None, text_size: int
) -> None:
    """Draw the label above the box and the second network's below it, or within it where the frame ends there."""
    x1, y1, x2, y2 = box
    gap, inset = max(2, text_size // 6), max(3, text_size // 5)
    text, color = label_text(prediction, index), label_color(prediction, index)
    _, label_height = chip_size(text, text_size)
    top = y1 - label_height - gap
    draw_chip(canvas, x1, y1 + inset if top < 0 else top, text, color, text_size)
    if other is not None and not prediction.warnings:
        below = y2 + gap
        if below + label_height > canvas.shape[0]:
            below = y2 - label_height - inset
        text = f"B  {label_text(other, other.label_index)}"
        left = min(x1, x2 - chip_size(text, text_size)[0])  # a label wider than its box reaches to the left
        draw_chip(canvas, left, below, text, label_color(other, other.label_index), text_size)


def _rounded_box(canvas: np.ndarray, box: Box, color: tuple[int, int, int], line: int, is_dashed: bool) -> None:
    """Draw a frame with rounded corners; a dark edge under it keeps it visible on any ground."""
    if is_dashed:
        _dashed_box(canvas, box, color, line)
        return
    x1, y1, x2, y2 = box
    radius = max(3, min(x2 - x1, y2 - y1) // 10)
    corners = ((x1, y1, 1, 1, 180), (x2, y1, -1, 1, 270), (x2, y2, -1, -1, 0), (x1, y2, 1, -1, 90))
    for paint, thickness in ((_HALO_BGR, line + 2), (color, line)):
        cv2.line(canvas, (x1 + radius, y1), (x2 - radius, y1), paint, thickness, cv2.LINE_AA)
        cv2.line(canvas, (x1 + radius, y2), (x2 - radius, y2), paint, thickness, cv2.LINE_AA)
        cv2.line(canvas, (x1, y1 + radius), (x1, y2 - radius), paint, thickness, cv2.LINE_AA)
        cv2.line(canvas, (x2, y1 + radius), (x2, y2 - radius), paint, thickness, cv2.LINE_AA)
        for x, y, to_x, to_y, angle in corners:
            center = (x + to_x * radius, y + to_y * radius)
            cv2.ellipse(canvas, center, (radius, radius), angle, 0, 90, paint, thickness, cv2.LINE_AA)


def _dashed_box(canvas: np.ndarray, box: Box, color: tuple[int, int, int], line: int) -> None:
    """Draw a frame of dashes, four to a side at least, one around each corner."""
    x1, y1, x2, y2 = box
    for paint, thickness in ((_HALO_BGR, line + 2), (color, line)):
        for start, end in (((x1, y1), (x2, y1)), ((x2, y1), (x2, y2)), ((x2, y2), (x1, y2)), ((x1, y2), (x1, y1))):
            length = math.hypot(end[0] - start[0], end[1] - start[1])
            dashes = max(4, round(length / (9 * line)))
            places = np.linspace(start, end, 4 * dashes + 1).round().astype(int).tolist()
            for first in range(0, 4 * dashes, 4):  # half a dash, a gap of two quarters, half a dash
                cv2.line(canvas, places[first], places[first + 1], paint, thickness, cv2.LINE_AA)
                cv2.line(canvas, places[first + 3], places[first + 4], paint, thickness, cv2.LINE_AA)


def chip_size(text: str, text_size: int) -> tuple[int, int]:
    """Return width and height in pixels of what :func:`draw_chip` draws."""
    return _text_mask(text, text_size).shape[1] + 2 * max(4, round(text_size * 0.45)), round(text_size * 1.5)


def draw_chip(canvas: np.ndarray, x: int, y: int, text: str, color: str, text_size: int) -> None:
    """Draw text on a rounded ground of its colour, in place, moved inside the frame where it would leave it.

    Args:
        canvas: uint8, shape (H, W, 3), changed.
        x: Left side in pixels.
        y: Upper side in pixels.
        text: One line.
        color: Of the ground, ``#RRGGBB``; the text takes the ink that is legible on it.
        text_size: Height of the line in pixels.
    """
    mask = _text_mask(text, text_size)
    width, height = chip_size(text, text_size)
    x = max(0, min(x, canvas.shape[1] - width))
    y = max(0, min(y, canvas.shape[0] - height))
    _blend(canvas, x, y, _rounded_mask(width, height, max(3, height // 4)), hex_to_bgr(color))
    left, top = x + (width - mask.shape[1]) // 2, y + (height - mask.shape[0]) // 2
    _blend(canvas, left, top, mask, hex_to_bgr(ink_on(color)))


def _bar_panel(canvas: np.ndarray, box: Box, prediction: Prediction, text_size: int) -> None:
    """Draw one bar per class on a dark panel beside the box: right, else left; none where it cannot fit."""
    frame_height, frame_width = canvas.shape[:2]
    x1, y1, x2, _ = box
    small = max(11, round(text_size * 0.72))
    row = round(small * 1.32)
    pad = max(4, small // 2)
    names = prediction.class_names
    labels = _names_mask(names, small, row)
    bar_width = max(24, round(small * 3.2))
    width, height = labels.shape[1] + bar_width + 3 * pad, labels.shape[0] + 2 * pad
    gap = max(4, small // 2)
    left = x2 + gap if x2 + gap + width <= frame_width else x1 - gap - width
    if left < 0 or height > frame_height:
        return
    top = max(0, min(y1, frame_height - height))
    region = canvas[top : top + height, left : left + width]
    ground = cv2.convertScaleAbs(region, alpha=1 - _PANEL_OPACITY, beta=_PANEL_GRAY * _PANEL_OPACITY)
    cv2.copyTo(ground, _panel_mask(width, height, max(4, small // 2)), region)
    _blend(canvas, left + pad, top + pad, labels, _PANEL_INK_BGR)
    colors = class_colors(names)
    bar_left, thickness = left + 2 * pad + labels.shape[1], max(4, round(small * 0.5))
    for i, name in enumerate(names):
        bar_top = top + pad + i * row + (row - thickness) // 2
        length = round(float(np.clip(prediction.probabilities[i], 0, 1)) * bar_width)
        bar = canvas[bar_top : bar_top + thickness, bar_left : bar_left + bar_width]
        bar[:] = _TRACK_BGR
        bar[:, :length] = _on_dark(hex_to_bgr(colors[name]))


def _on_dark(color: tuple[int, int, int]) -> tuple[int, int, int]:
    """Lighten the palette's dark colours a little, for the dark panel."""
    if max(color) > 200:
        return color
    b, g, r = (min(255, c + 45) for c in color)
    return b, g, r


def _blend(canvas: np.ndarray, x: int, y: int, mask: np.ndarray, color: tuple[int, int, int]) -> None:
    """Paint a colour through a mask (float32, 0..1) in place; what lies outside of the frame is cut off."""
    left, top = max(0, x), max(0, y)
    right, bottom = min(canvas.shape[1], x + mask.shape[1]), min(canvas.shape[0], y + mask.shape[0])
    if right <= left or bottom <= top:
        return
    alpha = mask[top - y : bottom - y, left - x : right - x, None]
    region = canvas[top:bottom, left:right]
    region[:] = (region + (np.array(color, np.float32) - region) * alpha + 0.5).astype(np.uint8)


@lru_cache(maxsize=64)
def _rounded_mask(width: int, height: int, radius: int) -> np.ndarray:
    scale = 4
    image = Image.new("L", (width * scale, height * scale))
    ImageDraw.Draw(image).rounded_rectangle((0, 0, width * scale - 1, height * scale - 1), radius * scale, fill=255)
    return np.asarray(image.resize((width, height), Image.Resampling.BOX), np.float32) / 255


@lru_cache(maxsize=16)
def _panel_mask(width: int, height: int, radius: int) -> np.ndarray:
    return (_rounded_mask(width, height, radius) > 0.5).astype(np.uint8) * 255


@lru_cache(maxsize=16)
def _names_mask(names: tuple[str, ...], size: int, row: int) -> np.ndarray:
    """Render class names below each other, one per row of the given height, float32 0..1."""
    masks = [_text_mask(name, size) for name in names]
    column = np.zeros((row * len(names), max(mask.shape[1] for mask in masks)), np.float32)
    for i, mask in enumerate(masks):
        top = i * row + max(0, (row - mask.shape[0]) // 2)
        part = mask[: column.shape[0] - top]
        column[top : top + part.shape[0], : part.shape[1]] = np.maximum(
            column[top : top + part.shape[0], : part.shape[1]], part
        )
    return column


@lru_cache(maxsize=2048)
def _text_mask(text: str, size: int) -> np.ndarray:
    """Render text, float32 0..1; all texts of a size have one height, so that their base lines meet."""
    font = _font(size)
    left, _, right, _ = font.getbbox(text)
    ascent, descent = font.getmetrics()
    image = Image.new("L", (int(right - left) + 2, int(ascent + descent)))
    # Pillow's own typeface has one weight; half a stroke makes it hold on moving pictures.
    ImageDraw.Draw(image).text((1 - left, 0), text, fill=255, font=font, stroke_width=size / 40, stroke_fill=255)
    return np.asarray(image, np.float32) / 255


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("Drawing text needs a Pillow with FreeType. Install Pillow from its wheel.")
    return font
