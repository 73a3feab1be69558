"""The input and output shapes in a network's file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emoscope.model.errors import RunError


@dataclass(frozen=True)
class Shape:
    """The shapes in a network's file.

    Attributes:
        input_size: Height and width in pixels.
        channels: 1 or 3.
        outputs: Number of classes.
        parameters: Their number; 0 where the format does not tell.
        multiply_adds: Per face, counted as two operations each; 0 where the format does not tell.
    """

    input_size: tuple[int, int]
    channels: int
    outputs: int
    parameters: int = 0
    multiply_adds: int = 0


def is_channels_first(shape: Sequence[Any]) -> bool:
    """Tell whether an image's shape, batch left out, is (channels, height, width), as PyTorch's converters write it."""
    return len(shape) == 3 and shape[0] in (1, 3) and shape[2] not in (1, 3)


def image_shape(
    shape: tuple[int | None, ...], input_size: tuple[int, int] | None, file: Path
) -> tuple[tuple[int, int], int]:
    """Read height and width, and channels, whichever come first; sides that are open are taken from ``input_size``."""
    if is_channels_first(shape):
        shape = (*shape[1:], shape[0])
    if len(shape) != 3 or shape[2] not in (1, 3):
        raise RunError(
            f"{file.name} takes input of shape {shape}, where height, width and 1 or 3 channels are expected.",
            "Give a network that takes images.",
        )
    sides = [side if side and side > 0 else None for side in shape[:2]]
    if None in sides:
        if input_size is None:
            raise RunError(f"{file.name} takes images of any size.", "Name the size with --input-size, e.g. 48x48.")
        sides = list(input_size)
    return (int(sides[0] or 0), int(sides[1] or 0)), int(shape[2])


def class_count(shapes: list[tuple[Any, ...]], file: Path) -> int:
    """Return the number of classes: the width of the only output of rank two."""
    wide = [shape[1] for shape in shapes if len(shape) == 2 and shape[1] and shape[1] > 1]
    if len(wide) != 1:
        raise RunError(
            f"{file.name} gives outputs of shape {', '.join(map(str, shapes))}, where one score per class is expected.",
            "Give a classifier of at least two classes.",
        )
    return int(wide[0])
