"""Made-up scenes whose faces are known: FER-2013 images set into photos without a face.

A face is magnified, surrounded by its own blurred border, turned, and blended into a gray photo along a soft edge, so
that no frame around it gives it away. Where it lies is known to a fraction of a pixel. Many of FER-2013's faces are in
profile, half covered or drawn: the figures compare detectors rather than promise a rate in photos.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from skimage import data

from emoscope.model.entities import Detection
from emoscope.model.faces.cropping import CropGeometry, frame_square

BACKGROUNDS = ("brick", "cat", "clock", "coffee", "grass", "gravel", "hubble_deep_field", "moon", "rocket")
FACE_FREE = (*BACKGROUNDS, "cell", "page", "text", "coins", "colorwheel", "retina")
SIZES = (12, 16, 24, 32, 48, 64, 96, 160, 256, 400)
ROLLS = (0, 10, 20, 30, 45, 60, 90, 135, 180)
USUAL_SIDE = 96
FRAME = (800, 600)
_CONTEXT = 2.0  # side of what is blended in, in sides of the image


@dataclass(frozen=True, eq=False)
class Scene:
    """A frame, uint8 BGR, and its faces: FER-2013's square of each as a 3×3 matrix from the unit square."""

    frame: np.ndarray
    squares: tuple[np.ndarray, ...] = ()

    def hit(self, number: int, found: Sequence[Detection]) -> Detection | None:
        """Return the detection of a face: centred within 0.3 of its side and half to twice as large; else None."""
        square = self.squares[number]
        center, side = square[:2] @ (0.5, 0.5, 1.0), math.hypot(square[0, 0], square[1, 0])
        near = [
            (float(np.hypot(*(d.xyxy.reshape(2, 2).mean(0) - center))), d)
            for d in found
            if 0.5 < math.sqrt(math.prod(d.size)) / side < 2
        ]
        best = min(near, key=lambda pair: pair[0], default=None)
        return best[1] if best is not None and best[0] < 0.3 * side else None


def crop_error(square: np.ndarray, detection: Detection, geometry: CropGeometry) -> tuple[float, float, float]:
    """Return how far a crop is from FER-2013's: centre in sides, logarithm of the side, roll in degrees."""
    crop = frame_square(detection, geometry)
    side, turn = math.hypot(square[0, 0], square[1, 0]), math.atan2(square[1, 0], square[0, 0])
    away = float(np.hypot(*((crop - square)[:2] @ (0.5, 0.5, 1.0)))) / side
    roll = math.degrees(math.atan2(crop[1, 0], crop[0, 0]) - turn)
    return away, math.log(math.hypot(crop[0, 0], crop[1, 0]) / side), (roll + 180) % 360 - 180


@cache
def background(name: str) -> np.ndarray:
    """Return a photo of scikit-image in gray, uint8, shape (H, W)."""
    image = getattr(data, name)()
    return image if image.ndim == 2 else cv2.cvtColor(np.ascontiguousarray(image[..., :3]), cv2.COLOR_RGB2GRAY)


def ground(rng: np.random.Generator, size: tuple[int, int] = FRAME) -> np.ndarray:
    """Return a random part of a photo, gray, enlarged to a frame of (width, height)."""
    photo = background(str(rng.choice(BACKGROUNDS)))
    height, width = photo.shape
    share = rng.uniform(0.6, 1.0)
    w = min(width, round(height * size[0] / size[1])) * share
    h = w * size[1] / size[0]
    x, y = rng.uniform(0, width - w), rng.uniform(0, height - min(h, height))
    part = photo[int(y) : int(y + h), int(x) : int(x + w)]
    return cv2.resize(part, size, interpolation=cv2.INTER_LINEAR)


def set_in(
    frame_gray: np.ndarray, image: np.ndarray, side: float, center: tuple[float, float], roll: float = 0.0
) -> np.ndarray:
    """Blend a FER-2013 image into a frame, in place.

    Args:
        frame_gray: uint8, shape (H, W).
        image: uint8, shape (48, 48).
        side: Of the image in the frame, in pixels.
        center: Where its centre goes.
        roll: Degrees, clockwise.

    Returns:
        The matrix from the image's unit square to the frame, 3×3.
    """
    n = image.shape[0]
    pad = round(n * (_CONTEXT - 1) / 2)
    wide = cv2.copyMakeBorder(image, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    wide = cv2.GaussianBlur(wide, (0, 0), n / 12)
    wide[pad : pad + n, pad : pad + n] = image
    total = wide.shape[0]
    ys, xs = np.mgrid[:total, :total] + 0.5
    away = np.hypot((xs - total / 2) / (n / 2), (ys - total / 2) / (n / 2))
    alpha = np.clip((1.75 - away) / 0.6, 0, 1).astype(np.float32)
    turn = math.radians(roll)
    cosine, sine = side * math.cos(turn), side * math.sin(turn)
    square = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    square[:2, 2] = np.array(center) - square[:2, :2] @ (0.5, 0.5)
    # A small face is averaged, not skipped through.
    shrink = min(1.0, side / n)
    if shrink < 1:
        small = max(1, round(total * shrink))
        wide = cv2.resize(wide, (small, small), interpolation=cv2.INTER_AREA)
        alpha = cv2.resize(alpha, (small, small), interpolation=cv2.INTER_AREA)
    scale = _CONTEXT / wide.shape[0]
    to_unit = np.array([[scale, 0, 0.5 * scale - 0.5], [0, scale, 0.5 * scale - 0.5], [0, 0, 1]])
    matrix = (square @ to_unit)[:2]
    matrix[:, 2] -= 0.5
    size = frame_gray.shape[::-1]
    face = cv2.warpAffine(wide, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    weight = cv2.warpAffine(alpha, matrix, size, flags=cv2.INTER_LINEAR)
    frame_gray[:] = (frame_gray + (face.astype(np.float32) - frame_gray) * weight + 0.5).astype(np.uint8)
    return square


def single(
    image: np.ndarray, rng: np.random.Generator, side: float = USUAL_SIDE, roll: float = 0.0, outside: float = 0.0
) -> Scene:
    """Return a scene with one face at a random place.

    Args:
        image: The face, uint8, shape (48, 48).
        rng: Draws ground and place.
        side: In pixels.
        roll: Degrees.
        outside: Share of the face's square that a side of the frame cuts off.
    """
    size = FRAME if side <= 300 else (1000, 900)
    frame = ground(rng, size)
    reach = side * (0.5 if roll == 0 else 0.72)
    x, y = rng.uniform(reach, size[0] - reach), rng.uniform(reach, size[1] - reach)
    if outside:
        cut = side * (0.5 - outside)
        x, y = [(cut, y), (size[0] - cut, y), (x, size[1] - cut)][int(rng.integers(3))]
    square = set_in(frame, image, side, (x, y), roll)
    return Scene(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR), (square,))


def dark(frame: np.ndarray) -> np.ndarray:
    """Leave a frame a fifth of its light."""
    return cv2.convertScaleAbs(frame, alpha=0.2)


def side_lit(frame: np.ndarray) -> np.ndarray:
    """Let the light fall off from left to right, to a sixth."""
    ramp = np.linspace(1.0, 1 / 6, frame.shape[1], dtype=np.float32)[None, :, None]
    return (frame * ramp).astype(np.uint8)


def blurred(frame: np.ndarray) -> np.ndarray:
    """Blur by a deviation of 1/24 of the usual face."""
    return cv2.GaussianBlur(frame, (0, 0), USUAL_SIDE / 24)


def compressed(frame: np.ndarray) -> np.ndarray:
    """Save as JPEG of quality 15 and open again."""
    _, content = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 15])
    opened = cv2.imdecode(content, cv2.IMREAD_COLOR)
    assert opened is not None
    return opened


def noisy(frame: np.ndarray) -> np.ndarray:
    """Add noise of 16 gray levels."""
    noise = np.random.default_rng(0).normal(0, 16, frame.shape[:2])[:, :, None]
    return np.clip(frame + noise, 0, 255).astype(np.uint8)


CHANGES = {"dark": dark, "side-lit": side_lit, "blurred": blurred, "JPEG 15": compressed, "noisy": noisy}


def crowd(images: np.ndarray, rng: np.random.Generator, size: tuple[int, int] = (1920, 1280)) -> Scene:
    """Return a group of as many faces as images, 40 to 90 pixels each, in rows."""
    frame = ground(rng, size)
    columns = math.ceil(math.sqrt(len(images) * 1.5))
    rows = math.ceil(len(images) / columns)
    squares = []
    for i, image in enumerate(images):
        x = (i % columns + 0.5 + rng.uniform(-0.1, 0.1)) * size[0] / columns
        y = (i // columns + 0.5 + rng.uniform(-0.1, 0.1)) * size[1] / rows
        squares.append(set_in(frame, image, rng.uniform(40, 90), (x, y), rng.uniform(-15, 15)))
    return Scene(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR), tuple(squares))


def cases(images: np.ndarray, seed: int = 0) -> Iterator[tuple[str, Iterator[Scene]]]:
    """Yield each case with its scenes, one a face, all of the same faces.

    Args:
        images: Faces, uint8, shape (N, 48, 48).
        seed: Draws grounds and places, the same for every detector.
    """

    def scenes(change: Callable[[np.ndarray], np.ndarray] | None = None, **options: float) -> Iterator[Scene]:
        rng = np.random.default_rng(seed)
        for image in images:
            scene = single(image, rng, **options)
            yield Scene(change(scene.frame), scene.squares) if change else scene

    for side in SIZES:
        yield f"{side} px", scenes(side=side)
    for roll in ROLLS[1:]:
        yield f"{roll}°", scenes(roll=roll)
    for outside in (0.2, 0.35):
        yield f"{outside:.0%} cut off", scenes(outside=outside)
    for name, change in CHANGES.items():
        yield name, scenes(change)
    rng = np.random.default_rng(seed)
    groups = [images[start : start + 40] for start in range(0, len(images) - 39, 40)]
    yield "group of 40", (crowd(group, rng) for group in groups)


def without_a_face() -> Iterator[np.ndarray]:
    """Yield frames without a human face, uint8 BGR: photos of scikit-image, whole, turned and in four parts each."""
    for name in FACE_FREE:
        image = getattr(data, name)()
        rgb = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) if image.ndim == 2 else image[..., :3]
        frame = np.ascontiguousarray(rgb[..., ::-1])
        yield frame
        yield cv2.rotate(frame, cv2.ROTATE_90_CLOCKWISE)
        height, width = frame.shape[:2]
        for y in (0, height // 2):
            for x in (0, width // 2):
                yield np.ascontiguousarray(frame[y : y + height // 2, x : x + width // 2])
