"""From a face crop to network input; the same functions serve training and serving."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import cv2
import numpy as np

from emoscope.model.runs.run import Normalization, RunInfo


def normalize(pixels: Any, normalization: Normalization, xp: ModuleType = np) -> Any:
    """Turn pixels into network input.

    Args:
        pixels: float32, 0..255, shape (N, H, W, C); an array of whatever library ``xp`` is.
        normalization: From the run.
        xp: ``numpy``, or ``keras.ops`` inside a training step.

    Returns:
        An array of the same shape.
    """
    if normalization.kind == "rescale":
        return pixels * normalization.scale + normalization.offset
    mean = xp.mean(pixels, axis=(1, 2, 3), keepdims=True)
    centered = pixels - mean
    deviation = xp.sqrt(xp.mean(centered * centered, axis=(1, 2, 3), keepdims=True))
    return centered / xp.maximum(deviation, 1.0)


def resize_face(face: np.ndarray, input_size: tuple[int, int], channels: int) -> np.ndarray:
    """Bring one crop to the network's size and channel count.

    Args:
        face: uint8, shape (H, W), (H, W, 1) or (H, W, 3) RGB, any size.
        input_size: Height and width wanted.
        channels: 1 or 3.

    Returns:
        uint8, shape (height, width, channels).
    """
    if face.ndim == 3 and face.shape[2] == 1:
        face = face[:, :, 0]
    if channels == 1 and face.ndim == 3:
        face = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    elif channels == 3 and face.ndim == 2:
        face = cv2.cvtColor(face, cv2.COLOR_GRAY2RGB)
    height, width = input_size
    if face.shape[:2] != (height, width):
        shrinks = face.shape[0] >= height and face.shape[1] >= width
        face = cv2.resize(face, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return face.reshape(height, width, channels)


def prepare_faces(faces: Sequence[np.ndarray], info: RunInfo, normalization: Normalization | None = None) -> np.ndarray:
    """Turn crops into one batch of network input.

    Args:
        faces: N crops as for :func:`resize_face`.
        info: Gives size, channels and normalisation.
        normalization: Instead of the run's, for a file that holds the run's normalisation itself.

    Returns:
        float32, shape (N, H, W, C).
    """
    shape = (0, *info.input_size, info.channels)
    if not len(faces):
        return np.zeros(shape, np.float32)
    batch = np.stack([resize_face(face, info.input_size, info.channels) for face in faces])
    return np.asarray(normalize(batch.astype(np.float32), normalization or info.normalization), np.float32)
