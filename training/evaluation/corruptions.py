"""Pictures damaged on purpose, in nine ways at five severities.

Strengths are given for a 48-pixel face and grow with its side, so that networks of different input size meet the same
damage. Where a corruption has a direction (brighter or darker, left or right), it is drawn per sample and kept over the
severities, so that a curve over severity follows the same pictures getting steadily worse.

Source: after Hendrycks and Dietterich, Benchmarking Neural Network Robustness to Common Corruptions and Perturbations,
ICLR 2019 (arXiv 1903.12261), with those that matter for cropped faces.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np

from emoscope.model.evaluation.robustness import CORRUPTION_NAMES

Corruption = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]

# What each severity 1..5 means, in the unit that the function's docstring names.
STRENGTHS: Mapping[str, tuple[float, ...]] = {
    "brightness": (25, 50, 75, 100, 130),
    "contrast": (0.7, 0.5, 0.35, 0.2, 0.1),
    "blur": (0.5, 0.9, 1.4, 2.0, 3.0),
    "noise": (8, 16, 26, 40, 60),
    "jpeg": (50, 30, 20, 12, 6),
    "rotation": (8, 15, 23, 32, 45),
    "crop_margin": (1.08, 1.16, 1.26, 1.38, 1.55),
    "low_resolution": (32, 24, 18, 13, 9),
    "occlusion": (0.05, 0.12, 0.2, 0.3, 0.42),
}


def corrupt(image: np.ndarray, corruption: str, severity: int, sample: int = 0, seed: int = 0) -> np.ndarray:
    """Return a damaged copy.

    Args:
        image: uint8, shape (H, W, C).
        corruption: One of :data:`emoscope.model.evaluation.robustness.CORRUPTION_NAMES`.
        severity: 1 to 5.
        sample: Position of the sample, so that each gets its own random draw.
        seed: Of all draws.

    Returns:
        uint8, same shape.
    """
    rng = np.random.default_rng([seed, CORRUPTION_NAMES.index(corruption), sample])
    damaged = _CORRUPTIONS[corruption](image, STRENGTHS[corruption][severity - 1], rng)
    return np.clip(np.rint(damaged), 0, 255).astype(np.uint8).reshape(image.shape)


def _brightness(image: np.ndarray, gray_levels: float, rng: np.random.Generator) -> np.ndarray:
    """Add or take away so many gray levels."""
    return image + gray_levels * rng.choice((-1.0, 1.0))


def _contrast(image: np.ndarray, factor: float, rng: np.random.Generator) -> np.ndarray:
    """Pull towards the image's mean by a factor."""
    mean = image.mean()
    return mean + (image - mean) * factor


def _blur(image: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Blur with a Gaussian of so many pixels."""
    return cv2.GaussianBlur(image, (0, 0), sigma * _unit(image), borderType=cv2.BORDER_REPLICATE)


def _noise(image: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Add Gaussian noise of so many gray levels to each pixel and channel."""
    return image + sigma * rng.standard_normal(image.shape)


def _jpeg(image: np.ndarray, quality: float, rng: np.random.Generator) -> np.ndarray:
    """Compress at a JPEG quality."""
    bgr = (
        image[:, :, ::-1] if image.shape[2] == 3 else image
    )  # JPEG halves the colour planes: they must be the real ones
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR if image.shape[2] == 3 else cv2.IMREAD_GRAYSCALE)
    assert decoded is not None  # it was encoded a line ago
    return decoded[:, :, ::-1] if image.shape[2] == 3 else decoded


def _rotation(image: np.ndarray, degrees: float, rng: np.random.Generator) -> np.ndarray:
    """Rotate by so many degrees to either side."""
    return _warp(image, rng.choice((-1.0, 1.0)) * degrees, 1.0)


def _crop_margin(image: np.ndarray, factor: float, rng: np.random.Generator) -> np.ndarray:
    """Crop too tight or too wide by a factor, as another face detector would."""
    return _warp(image, 0.0, factor if rng.random() < 0.5 else 1 / factor)


def _low_resolution(image: np.ndarray, side: float, rng: np.random.Generator) -> np.ndarray:
    """Keep so many pixels a side of 48, as a small face in a large picture has."""
    height, width = image.shape[:2]
    small = cv2.resize(image, (round(width * side / 48), round(height * side / 48)), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def _occlusion(image: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Cover a square of that share of the area with mid gray."""
    height, width = image.shape[:2]
    side = np.sqrt(share)
    top, left = (rng.random(2) * (1 - side) * (height, width)).astype(int)
    covered = image.copy()
    covered[top : top + round(side * height), left : left + round(side * width)] = 127
    return covered


def _warp(image: np.ndarray, degrees: float, scale: float) -> np.ndarray:
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, scale)
    return cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _unit(image: np.ndarray) -> float:
    return min(image.shape[:2]) / 48


_CORRUPTIONS: Mapping[str, Corruption] = {
    "brightness": _brightness,
    "contrast": _contrast,
    "blur": _blur,
    "noise": _noise,
    "jpeg": _jpeg,
    "rotation": _rotation,
    "crop_margin": _crop_margin,
    "low_resolution": _low_resolution,
    "occlusion": _occlusion,
}
