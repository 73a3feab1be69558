"""What the images of a split look like as a whole: mean faces, brightness, contrast."""

from __future__ import annotations

import numpy as np

from emoscope.model.dataset.samples import Split

_CHUNK = 4096


def mean_faces(split: Split, classes: int) -> np.ndarray:
    """Return the mean image of each class: uint8, shape (classes, H, W, C); black where a class has no samples."""
    sums = np.zeros((classes, *split.images.shape[1:]), np.float64)
    for start in range(0, len(split), _CHUNK):
        images, labels = split.images[start : start + _CHUNK], split.labels[start : start + _CHUNK]
        for label in np.unique(labels):
            sums[label] += images[labels == label].sum(0, dtype=np.float64)
    counts = np.maximum(split.class_counts(classes), 1)
    return (sums / counts[:, None, None, None]).round().astype(np.uint8)


def brightness_and_contrast(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each image's mean and standard deviation of its gray levels.

    Args:
        images: uint8, shape (N, H, W, C).

    Returns:
        Both in 0..255, float32, shape (N,).
    """
    mean, deviation = np.zeros((2, len(images)), np.float32)
    for start in range(0, len(images), _CHUNK):
        pixels = images[start : start + _CHUNK].astype(np.float32)
        mean[start : start + _CHUNK] = pixels.mean((1, 2, 3))
        deviation[start : start + _CHUNK] = pixels.std((1, 2, 3))
    return mean, deviation
