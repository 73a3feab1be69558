"""Networks that say the same of an image and of its mirror image, because their weights are symmetric.

Channels are pairs, one of each half: what the first sees in an image, the second sees in the mirrored one. Kernels are
mirror images of each other where halves change places, so mirroring an image mirrors all maps and changes halves, and
the heads, which weigh both halves alike, name the same place. Half as many weights are free at the same cost.

Source: Cohen and Welling, "Group Equivariant Convolutional Networks", 2016, for the group of one reflection.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from model.errors import ConfigError
from training.devices import forward

TOLERANCE = 1e-3


class Symmetry(NamedTuple):
    """Brings values to the nearest symmetric ones; an optimizer calls it as a constraint.

    Attributes:
        flips: Axes that a mirror reverses.
        swaps: Axes whose halves it exchanges.
    """

    flips: tuple[int, ...]
    swaps: tuple[int, ...]

    def __call__(self, values: Any) -> Any:
        """Return the mean of the values and their mirror image."""
        mirrored = ops.flip(values, self.flips) if self.flips else values
        for axis in self.swaps:
            mirrored = ops.roll(mirrored, values.shape[axis] // 2, axis)
        return (values + mirrored) / 2


def hold_symmetric(network: keras.Model) -> list[Symmetry | None]:
    """Make a network's random weights symmetric, and let no optimizer change that.

    Args:
        network: As built by :func:`model.architectures.build_network`.

    Returns:
        What each of ``network.weights`` is held to; None where a mirror changes nothing.
    """
    held: dict[int, Symmetry] = {}
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D):
            paired_in, paired_out = layer.input is not network.inputs[0], not layer.name.endswith("_map")
            held[id(layer.kernel)] = Symmetry((1,), (2,) * paired_in + (3,) * paired_out)
            if layer.use_bias and paired_out:
                held[id(layer.bias)] = Symmetry((), (0,))
        elif isinstance(layer, keras.layers.BatchNormalization):
            held |= {id(weight): Symmetry((), (0,)) for weight in layer.weights}
    symmetries = [held.get(id(weight)) for weight in network.weights]
    for weight, symmetry in zip(network.weights, symmetries, strict=True):
        if symmetry is not None:
            # The mean of two random kernels has half of their variance.
            weight.assign(symmetry(weight.value) * (np.sqrt(2.0) if symmetry.flips else 1.0))
            weight.constraint = symmetry
    return symmetries


def check_design(network: keras.Model, sides: Iterable[int]) -> None:
    """Check that a network answers mirror images alike now that its weights are held.

    Args:
        network: Computing with 32 bits; roundings to 16 differ between an image and its mirror image.
        sides: Height and width of the images that it will see.

    Raises:
        ConfigError: It does not.
    """
    for side in sides:
        shape = (2, side, side, network.inputs[0].shape[-1])
        images = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        plain, mirrored = forward(network, images), forward(network, np.ascontiguousarray(images[:, :, ::-1]))
        if not all(np.allclose(plain[head], mirrored[head], rtol=TOLERANCE, atol=TOLERANCE) for head in plain):
            raise ConfigError(
                f"The network cannot be held symmetric at {side} pixels.",
                "mirror_symmetric needs architecture: residual, even channels, options: {stride_kernel: 4} and sides "
                "that halve evenly, such as 24, 32, 40 and 48.",
            )


def check_initial(weights: list[np.ndarray], symmetries: list[Symmetry | None]) -> None:
    """Check that weights that other runs gave are symmetric, for holding them would spoil them.

    Raises:
        ConfigError: They are not.
    """
    for weight, wanted in zip(weights, symmetric(weights, symmetries), strict=True):
        if np.abs(wanted - weight).max() > TOLERANCE:
            raise ConfigError(
                "The runs named as initial are not symmetric, so mirror_symmetric would spoil what they learned.",
                "Name runs that were trained with it, or none.",
            )


def symmetric(weights: list[np.ndarray], symmetries: list[Symmetry | None]) -> list[np.ndarray]:
    """Return weights as their symmetries want them; a step leaves moving statistics a little off."""
    return [
        weight if symmetry is None else ops.convert_to_numpy(symmetry(ops.convert_to_tensor(weight)))
        for weight, symmetry in zip(weights, symmetries, strict=True)
    ]
