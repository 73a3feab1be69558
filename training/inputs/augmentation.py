"""Augmentation as Keras layers: they act while training and pass images through otherwise.

All take and give float32 pixels 0..255, shape (N, H, W, C). Randomness comes from Keras seed generators, so that a
resumed training draws what an uninterrupted one would have drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from emoscope.training.config.augmentation import Augmentation


class _RandomLayer(keras.layers.Layer):
    """A layer that draws one random number per image and is the identity outside training."""

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(seed)

    def uniform(self, images: Any, low: float, high: float) -> Any:
        """Draw from low..high, shape (N, 1, 1, 1)."""
        return keras.random.uniform((ops.shape(images)[0], 1, 1, 1), low, high, seed=self.seed_generator)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def call(self, images: Any, training: bool = False) -> Any:
        return self.change(images) if training else images

    def change(self, images: Any) -> Any:
        """Return the changed images."""
        raise NotImplementedError


class RandomAffine(_RandomLayer):
    """Flip, rotate, zoom, shift and shear with one bilinear resampling; the border is replicated.

    One resampling keeps sharpness that a chain of Keras's own layers loses, and costs a fifth of their time.
    """

    def __init__(
        self,
        flip: bool = True,
        rotation: float = 0.0,
        zoom: float = 0.0,
        shift: float = 0.0,
        shear: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.flip, self.rotation, self.zoom, self.shift, self.shear = flip, rotation, zoom, shift, shear

    def change(self, images: Any) -> Any:
        """Draw one affine map per image and resample."""
        angle = self.uniform(images, -1.0, 1.0) * (self.rotation * math.pi / 180)
        scale = 1.0 / (1.0 + self.uniform(images, -1.0, 1.0) * self.zoom)
        shear = ops.tan(self.uniform(images, -1.0, 1.0) * (self.shear * math.pi / 180))
        mirror = 1.0 - 2.0 * ops.cast(self.uniform(images, 0.0, 1.0) < 0.5, "float32") if self.flip else 1.0
        shift_x = self.uniform(images, -1.0, 1.0) * self.shift
        shift_y = self.uniform(images, -1.0, 1.0) * self.shift
        cos, sin = ops.cos(angle) * scale, ops.sin(angle) * scale
        return resample(
            images,
            xx=mirror * cos,
            xy=mirror * (shear * cos - sin),
            yx=sin,
            yy=shear * sin + cos,
            shift_x=shift_x,
            shift_y=shift_y,
        )


def places(images: Any) -> tuple[Any, Any]:
    """Return where each row and column lies from the centre, in -0.5..0.5, shapes (1, H, 1, 1) and (1, 1, W, 1)."""
    _, height, width, _ = ops.shape(images)
    y = (ops.arange(height, dtype="float32") + 0.5) / ops.cast(height, "float32") - 0.5
    x = (ops.arange(width, dtype="float32") + 0.5) / ops.cast(width, "float32") - 0.5
    return ops.reshape(y, (1, -1, 1, 1)), ops.reshape(x, (1, 1, -1, 1))


def resample(images: Any, *, xx: Any, xy: Any, yx: Any, yy: Any, shift_x: Any, shift_y: Any) -> Any:
    """Resample images bilinearly through one affine map each.

    The output pixel at ``(x, y)`` from the centre shows the input at ``xx·x + xy·y + shift_x·W`` and
    ``yx·x + yy·y + shift_y·H`` from the centre; places outside show the nearest border pixel.

    Args:
        images: float32, shape (N, H, W, C).
        xx: Coefficients, shape (N, 1, 1, 1) or scalar; likewise ``xy``, ``yx`` and ``yy``.
        xy: See ``xx``.
        yx: See ``xx``.
        yy: See ``xx``.
        shift_x: Fractions of the width; likewise ``shift_y`` of the height.
        shift_y: See ``shift_x``.
    """
    count, height, width, channels = ops.shape(images)
    rows, columns = ops.cast(height, "float32"), ops.cast(width, "float32")  # sizes may be known only at run time
    y, x = places(images)
    x, y = x * columns, y * rows
    source_x = ops.clip(xx * x + xy * y + shift_x * columns + (columns - 1) / 2, 0.0, columns - 1)  # (N, H, W, 1)
    source_y = ops.clip(yx * x + yy * y + shift_y * rows + (rows - 1) / 2, 0.0, rows - 1)
    left, top = ops.floor(source_x), ops.floor(source_y)
    weight_x, weight_y = source_x - left, source_y - top
    x0, y0 = ops.cast(left, "int32"), ops.cast(top, "int32")
    x1, y1 = ops.minimum(x0 + 1, width - 1), ops.minimum(y0 + 1, height - 1)
    flat = ops.reshape(images, (-1, channels))
    base = ops.reshape(ops.arange(count, dtype="int32") * (height * width), (-1, 1, 1, 1))

    def pick(row: Any, column: Any) -> Any:
        place = ops.reshape(base + row * width + column, (-1,))
        return ops.reshape(ops.take(flat, place, axis=0), (-1, height, width, channels))

    upper = pick(y0, x0) * (1 - weight_x) + pick(y0, x1) * weight_x
    lower = pick(y1, x0) * (1 - weight_x) + pick(y1, x1) * weight_x
    return upper * (1 - weight_y) + lower * weight_y


class RandomLight(_RandomLayer):
    """Change brightness, contrast, gamma and the direction of light."""

    def __init__(
        self,
        brightness: float = 0.0,
        contrast: float = 0.0,
        gamma: float = 0.0,
        side_light: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.brightness, self.contrast, self.gamma, self.side_light = brightness, contrast, gamma, side_light

    def change(self, images: Any) -> Any:
        """Draw one light per image and clip to 0..255."""
        if self.gamma:
            exponent = ops.exp(self.uniform(images, -1.0, 1.0) * math.log(1 + self.gamma))
            images = 255.0 * ops.power(ops.clip(images, 0.0, 255.0) / 255.0 + 1e-6, exponent)
        if self.contrast:
            mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
            images = mean + (images - mean) * (1 + self.uniform(images, -1.0, 1.0) * self.contrast)
        if self.side_light:
            y, x = places(images)
            slope_x, slope_y = self.uniform(images, -1.0, 1.0), self.uniform(images, -1.0, 1.0)
            images = images + 255.0 * 2 * self.side_light * (slope_x * x + slope_y * y)
        if self.brightness:
            images = images + 255.0 * self.uniform(images, -self.brightness, self.brightness)
        return ops.clip(images, 0.0, 255.0)


class RandomBlur(_RandomLayer):
    """Blur half of the images with a Gaussian whose width each draws for itself.

    Args:
        blur: Largest standard deviation as a fraction of the side.
    """

    # Taps to each side; at a side of 48 and a blur of 0.025 they hold all but 1 % of the Gaussian.
    REACH = 3

    def __init__(self, blur: float = 0.0, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.blur = blur

    def change(self, images: Any) -> Any:
        """Draw one width per image; the border is replicated."""
        _, height, width, _ = ops.shape(images)
        sigma = ops.maximum(self.uniform(images, -1.0, 1.0) * self.blur * ops.cast(width, "float32"), 0.01)
        weights = [ops.exp(-0.5 * (tap / sigma) ** 2) for tap in range(self.REACH + 1)]
        total = weights[0] + 2 * sum(weights[1:])
        for axis, side in ((1, height), (2, width)):
            positions = ops.arange(side, dtype="int32")
            blurred = weights[0] * images
            for tap in range(1, self.REACH + 1):
                for by in (-tap, tap):
                    neighbours = ops.take(images, ops.clip(positions + by, 0, side - 1), axis=axis)
                    blurred = blurred + weights[tap] * neighbours
            images = blurred / total
        return images


class RandomErasing(_RandomLayer):
    """Replace a rectangle by the image's mean gray.

    Source: Zhong et al., "Random Erasing Data Augmentation", 2017; sides are 10 to 40 % of the image's.
    """

    def __init__(self, probability: float = 0.25, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.probability = probability

    def change(self, images: Any) -> Any:
        """Draw one rectangle per image."""
        y, x = places(images)
        half_x, half_y = self.uniform(images, 0.05, 0.2), self.uniform(images, 0.05, 0.2)
        inside = ops.logical_and(
            ops.abs(x - self.uniform(images, -0.5, 0.5)) < half_x,
            ops.abs(y - self.uniform(images, -0.5, 0.5)) < half_y,
        )
        erased = ops.logical_and(inside, self.uniform(images, 0.0, 1.0) < self.probability)
        return ops.where(erased, ops.mean(images, axis=(1, 2, 3), keepdims=True), images)


class RandomNoise(_RandomLayer):
    """Add Gaussian noise of a strength that each image draws for itself."""

    def __init__(self, noise: float = 0.0, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.noise = noise

    def change(self, images: Any) -> Any:
        """Draw one field of noise per image and clip to 0..255."""
        field = keras.random.normal(ops.shape(images), seed=self.seed_generator)
        return ops.clip(images + 255.0 * self.uniform(images, 0.0, self.noise) * field, 0.0, 255.0)


def augmentation_layers(config: Augmentation, seed: int) -> list[keras.layers.Layer]:
    """Return the layers that a configuration asks for, in the order they apply."""
    layers: list[keras.layers.Layer] = []
    if config.flip or config.rotation or config.zoom or config.shift or config.shear:
        layers.append(
            RandomAffine(
                config.flip, config.rotation, config.zoom, config.shift, config.shear, seed=seed, name="affine"
            )
        )
    if config.brightness or config.contrast or config.gamma or config.side_light:
        layers.append(
            RandomLight(
                config.brightness, config.contrast, config.gamma, config.side_light, seed=seed + 1, name="light"
            )
        )
    if config.blur:
        layers.append(RandomBlur(config.blur, seed=seed + 4, name="blur"))
    if config.erasing:
        layers.append(RandomErasing(config.erasing, seed=seed + 2, name="erasing"))
    if config.noise:
        layers.append(RandomNoise(config.noise, seed=seed + 3, name="noise"))
    return layers


def set_epoch(layers: Sequence[keras.layers.Layer], seed: int, epoch: int) -> None:
    """Let layers draw what they draw in an epoch (0-based), whatever they drew before."""
    for i, layer in enumerate(layers):
        layer.seed_generator.state.assign(np.array([seed * 1000 + i, epoch], "uint32"))
