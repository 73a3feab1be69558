"""Films for Chromium's fake camera, in the uncompressed y4m format that it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
from skimage import data

WIDTH, HEIGHT, FPS = 640, 480, 30
SECONDS = 3.0  # Chromium repeats the film, so every scene ends as it begins


def moving_face(seconds: float = SECONDS) -> Iterable[np.ndarray]:
    """Yield frames (uint8 BGR) of a smiling face that sways from side to side."""
    return _film(lambda t: _scene(np.sin(2 * np.pi * t) * 60), seconds)


def no_face(seconds: float = SECONDS) -> Iterable[np.ndarray]:
    """Yield frames of a cup of coffee."""
    cup = cv2.resize(data.coffee()[:, :, ::-1], (WIDTH + 80, HEIGHT))
    return _film(lambda t: cup[:, int(40 + 40 * np.sin(2 * np.pi * t)) :][:, :WIDTH], seconds)


def covered(seconds: float = SECONDS) -> Iterable[np.ndarray]:
    """Yield frames of a camera behind its shutter: black with the noise of its sensor."""
    noise = np.random.default_rng(0)
    return _film(lambda _: noise.integers(0, 9, (HEIGHT, WIDTH, 3), np.uint8), seconds)


def coming_and_going(seconds: float = 8.0) -> Iterable[np.ndarray]:
    """Yield frames of a face that comes in from the left, stays, and leaves to the left."""
    return _film(lambda t: _scene(float(np.clip(1500 * (0.5 - abs(t - 0.5)) - 700, -700, 0))), seconds)


def camera_arguments(film: Path) -> list[str]:
    """Return the arguments that make Chromium take its camera from a film, without asking."""
    return [
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-sync",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    ]


def write_y4m(path: Path, frames: Iterable[np.ndarray], fps: int = FPS) -> Path:
    """Write frames, uint8 BGR of even size, as planar YUV 4:2:0.

    Source: https://wiki.multimedia.cx/index.php/YUV4MPEG2
    """
    with path.open("wb") as stream:
        for i, frame in enumerate(frames):
            if i == 0:
                height, width = frame.shape[:2]
                stream.write(f"YUV4MPEG2 W{width} H{height} F{fps}:1 Ip A1:1 C420jpeg\n".encode())
            stream.write(b"FRAME\n" + cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_BGR2YUV_I420).tobytes())
    return path


def _film(frame_at: Callable[[float], np.ndarray], seconds: float) -> Iterable[np.ndarray]:
    count = round(seconds * FPS)
    return (np.ascontiguousarray(frame_at(i / count)) for i in range(count))


def _scene(shift: float) -> np.ndarray:
    """Return the astronaut, shifted sideways, before a plain wall."""
    face = np.ascontiguousarray(data.astronaut()[:400, 60:430, ::-1])
    matrix = np.array([[1.2, 0, 100 + shift], [0, 1.2, 0]])
    wall = np.full((HEIGHT, WIDTH, 3), (150, 160, 165), np.uint8)
    return cv2.warpAffine(face, matrix, (WIDTH, HEIGHT), dst=wall, borderMode=cv2.BORDER_TRANSPARENT)
