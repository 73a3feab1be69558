"""Named network designs.

Every design is a function ``(input_shape, heads, **options) -> keras.Model`` whose outputs are a dict of logits, one
entry per head. A head that ends in a 1×1 convolution and global average pooling names the convolution ``<head>_map``:
those are its class activation maps, and they leave the deployed network beside the probabilities at no cost.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from emoscope.model.errors import ConfigError
from emoscope.model.networks.architectures.pretrained import backbone
from emoscope.model.networks.architectures.published import classic_cnn, flatten_cnn, gap_cnn, lite_cnn, vgg_cnn
from emoscope.model.networks.architectures.residual import residual

if TYPE_CHECKING:
    import keras

ARCHITECTURES: dict[str, Callable[..., keras.Model]] = {
    "residual": residual,
    "gap_cnn": gap_cnn,
    "flatten_cnn": flatten_cnn,
    "vgg_cnn": vgg_cnn,
    "classic_cnn": classic_cnn,
    "lite_cnn": lite_cnn,
    "backbone": backbone,
}


def build_network(
    name: str, input_shape: tuple[int | None, int | None, int], heads: Mapping[str, int], **options: Any
) -> keras.Model:
    """Build a named design with fresh weights.

    Args:
        name: A key of :data:`ARCHITECTURES`.
        input_shape: Height, width and channels; None for sizes that may vary.
        heads: Number of classes by head name, e.g. ``{"fer": 7, "ferplus": 8}``.
        **options: The design's own options.

    Raises:
        ConfigError: The name or an option is not known.
    """
    if name not in ARCHITECTURES:
        raise ConfigError(f"There is no architecture {name!r}.", f"Known: {', '.join(sorted(ARCHITECTURES))}.")
    try:
        return ARCHITECTURES[name](input_shape, heads, **options)
    except TypeError as error:
        raise ConfigError(f"Architecture {name!r} does not take these options ({error}).") from error


def deploy(network: keras.Model, head: str) -> keras.Model:
    """Turn a trained network into the one that is saved: one head, probabilities and activation map.

    Args:
        network: As built by :func:`build_network`, with a fixed input size.
        head: The head to keep.

    Returns:
        A model that maps normalised pixels, float32 (N, H, W, C), to ``{"probabilities": (N, classes)}`` and, where the
        head has one, ``"activation_map": (N, h, w, classes)`` in logits.
    """
    import keras

    logits = network.get_layer(head).output
    outputs = {"probabilities": keras.layers.Softmax(name="probabilities")(logits)}
    if f"{head}_map" in {layer.name for layer in network.layers}:
        activation_map = network.get_layer(f"{head}_map").output
        outputs["activation_map"] = keras.layers.Identity(name="activation_map")(activation_map)
    return keras.Model(network.input, outputs, name=network.name)


def multiply_adds(network: keras.Model) -> int:
    """Count the multiply-add operations per face, each as two, over convolutions and dense layers.

    Args:
        network: A functional model with a fixed input size.
    """
    return sum(2 * math.prod(kernel.shape) * math.prod(layer.output.shape[1:-1]) for layer, kernel in kernels(network))


def kernels(network: keras.Model) -> Iterator[tuple[keras.layers.Layer, keras.Variable]]:
    """Yield the convolution and dense layers of a network with their kernels, in order."""
    for layer in every_layer(network):
        for name in ("kernel", "depthwise_kernel", "pointwise_kernel"):
            kernel = getattr(layer, name, None)
            if kernel is not None:
                yield layer, kernel


def every_layer(network: keras.Model) -> Iterator[keras.layers.Layer]:
    """Yield the layers of a network and of the networks within it, in order."""
    for layer in network.layers:
        if hasattr(layer, "layers"):
            yield from every_layer(layer)
        else:
            yield layer
