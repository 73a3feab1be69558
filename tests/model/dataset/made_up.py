"""Small data sets in each form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

PIXELS = 48 * 48
HEADER = "emotion,pixels,Usage"


def make_images(count: int, seed: int = 0, side: int = 48) -> np.ndarray:
    """Return smooth random images, uint8, shape (count, side, side)."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 6, 6), np.uint8)
    return np.stack([cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC) for image in coarse])


def table_row(image: np.ndarray, emotion: object = 3, usage: str = "Training") -> str:
    return f"{emotion},{' '.join(map(str, image.ravel()))},{usage}"


def make_table(images: np.ndarray, emotions: Sequence[int], usages: Sequence[str]) -> str:
    rows = [table_row(*row) for row in zip(images, emotions, usages, strict=True)]
    return "\n".join([HEADER, *rows]) + "\n"


def three_splits(count: int = 6, seed: int = 0) -> tuple[np.ndarray, list[int], list[str]]:
    """Return images, emotions and usages of a small FER-2013."""
    usages = ["Training", "PublicTest", "PrivateTest"]
    return make_images(count, seed), [k % 7 for k in range(count)], [usages[k * 3 // count] for k in range(count)]


def write_image(file: Path, image: np.ndarray) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(file), image)


def write_folders(root: Path, images: Mapping[str, np.ndarray]) -> Path:
    """Write images (gray or BGR) by relative path; return the root."""
    for path, image in images.items():
        write_image(root / path, image)
    return root
