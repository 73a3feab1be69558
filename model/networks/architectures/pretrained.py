"""Transfer learning: a network of ``keras.applications``, or one trained on faces, below the heads of this project.

Sources: Simonyan & Zisserman, 2014 (VGG); He et al., 2015 (ResNet); Huang et al., 2016 (DenseNet); Sandler et al., 2018
(MobileNetV2); Tan & Le, 2019 and 2021 (EfficientNet); Zhou et al., 2015 (the heads).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from emoscope.model.errors import ConfigError, reason_of
from emoscope.model.networks.architectures.faceres import faceres, measure_statistics, read_weights
from emoscope.model.networks.architectures.heads import map_heads

if TYPE_CHECKING:
    import keras
    import numpy as np

LAYER = "backbone"
"""Name of the layer that holds the pretrained network."""


class Preprocessing(NamedTuple):
    """What a backbone was trained on, given RGB pixels of 0..255: ``pixel * scale + offset``, perhaps as BGR."""

    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    bgr: bool = False


# As `keras.applications.imagenet_utils.preprocess_input` has them.
_CAFFE = Preprocessing(offset=(-103.939, -116.779, -123.68), bgr=True)
_TF = Preprocessing((1 / 127.5,) * 3, (-1.0,) * 3)
_TORCH = Preprocessing(
    (1 / (255 * 0.229), 1 / (255 * 0.224), 1 / (255 * 0.225)), (-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225)
)
_BUILT_IN = Preprocessing()

BACKBONES: Mapping[str, tuple[str, Preprocessing]] = {
    "vgg16": ("VGG16", _CAFFE),
    "vgg19": ("VGG19", _CAFFE),
    "resnet50": ("ResNet50", _CAFFE),
    "densenet121": ("DenseNet121", _TORCH),
    "mobilenetv2": ("MobileNetV2", _TF),
    "efficientnetb0": ("EfficientNetB0", _BUILT_IN),
    "efficientnetv2b0": ("EfficientNetV2B0", _BUILT_IN),
    "faceres": ("", _CAFFE),
}
"""Name in ``keras.applications`` and preprocessing; ``faceres`` is not in there, and was trained on faces."""

MEASURED = 512
"""Number of images whose statistics a backbone takes over."""


def backbone(
    input_shape: tuple[int | None, int | None, int],
    heads: Mapping[str, int],
    *,
    backbone: str = "efficientnetb0",
    weights: str = "imagenet",
    side: int = 0,
    dropout: float = 0.2,
    frozen: int = 0,
) -> keras.Model:
    """Build a pretrained network with heads that end in class activation maps.

    It takes pixels of 0..255 as they are: repeating gray to three channels, resizing and the backbone's own
    preprocessing are layers of it.

    Args:
        input_shape: Height, width, channels; None for sizes that may vary.
        heads: Number of classes by head name.
        backbone: A key of :data:`BACKBONES`.
        weights: ``imagenet`` (downloaded once by Keras), a file that holds the backbone's weights without its top
            (``.h5``, ``.weights.h5``; for ``faceres`` the ``.json`` of its TensorFlow.js model), or ``none`` for random
            ones.
        side: Height and width that faces are resized to inside the network; 0 keeps the input's.
        dropout: Fraction of feature channels dropped before the heads while training.
        frozen: Number of first convolutions that keep their weights for good: what they find is the same on all
            pictures, and training without them is faster.

    Returns:
        A model with outputs ``{head: logits (N, classes)}`` and a layer ``backbone``.

    Raises:
        ConfigError: The backbone is not known, takes no images of this size, or its weights cannot be had.
    """
    import keras
    from keras import layers

    if backbone not in BACKBONES:
        raise ConfigError(f"There is no backbone {backbone!r}.", f"Known: {', '.join(BACKBONES)}.")
    preprocessing = BACKBONES[backbone][1]
    size = (side, side) if side else input_shape[:2]
    inner = _pretrained(backbone, (*size, 3), str(weights))
    _freeze_first(inner, frozen)

    inputs = keras.Input(input_shape, name="face")
    x = inputs
    if side:
        x = layers.Resizing(side, side)(x)
    if input_shape[2] == 1:
        x = layers.Concatenate(name="gray_to_rgb")([x, x, x])
    elif preprocessing.bgr:
        x = keras.ops.flip(x, axis=-1)
    if preprocessing != _BUILT_IN:
        x = layers.Rescaling(list(preprocessing.scale), list(preprocessing.offset), name="preprocessing")(x)
    # Pretrained batch statistics stay: those of small batches of faces would spoil what the weights were learned with.
    # Weights of faceres come without any.
    keeps_statistics = weights != "none" and backbone != "faceres"
    x = inner(x, training=False) if keeps_statistics else inner(x)  # (N, h, w, features)
    if dropout:
        x = layers.SpatialDropout2D(dropout)(x)
    return keras.Model(inputs, map_heads(x, heads), name=backbone)


def freeze_backbone(network: keras.Model, frozen: bool, first: int = 0) -> None:
    """Keep the pretrained weights from being trained, or let them be, but for those of the first convolutions.

    Raises:
        ConfigError: The network has no backbone.
    """
    if LAYER not in {layer.name for layer in network.layers}:
        raise ConfigError(
            f"freeze_epochs needs a pretrained backbone, and {network.name!r} has none.",
            "Set architecture: backbone, or freeze_epochs: 0.",
        )
    inner = network.get_layer(LAYER)
    inner.trainable = not frozen
    _freeze_first(inner, first)


def _freeze_first(network: keras.Model, convolutions: int) -> None:
    """Freeze all layers before the first convolution that may be trained."""
    left = convolutions
    for layer in network.layers if convolutions else ():
        left -= hasattr(layer, "kernel") or hasattr(layer, "depthwise_kernel")
        if left < 0:
            return
        layer.trainable = False


def begin_on_faces(network: keras.Model, faces: np.ndarray) -> None:
    """Measure the batch statistics that the weights of ``faceres`` lack; nothing is done to other networks.

    Args:
        network: As built by :func:`backbone`.
        faces: uint8 or float32 (N, H, W, C), pixels 0..255; the first few hundred are taken.
    """
    import keras

    inner = next((layer for layer in network.layers if layer.name == LAYER), None)
    if inner is None or network.name != "faceres":
        return
    before = keras.Model(network.input, network.get_layer("preprocessing").output)
    measure_statistics(inner, before.predict(faces[:MEASURED].astype("float32"), batch_size=64, verbose=0))


def _pretrained(name: str, shape: tuple[int | None, int | None, int], weights: str) -> Any:
    import keras

    file = Path(weights).expanduser()
    if weights not in ("imagenet", "none") and not file.is_file():
        raise ConfigError(
            f"There is no file {weights} with weights of {name}.",
            "Give weights as none, or as faceres-deep.json."
            if name == "faceres"
            else "Give weights as imagenet, none, or a file (.h5) without the top.",
        )
    if name == "faceres":
        if weights == "imagenet":
            raise ConfigError(
                "faceres has no ImageNet weights.", "Give options.weights: none, or the file faceres-deep.json."
            )
        network = faceres(shape, None if weights == "none" else read_weights(file))
        network.name = LAYER
        return network
    build = getattr(keras.applications, BACKBONES[name][0])
    try:
        network = build(include_top=False, weights=None, input_shape=shape)
    except ValueError as error:
        raise ConfigError(
            f"{name} takes no images of {shape[0]} × {shape[1]} pixels ({reason_of(error)}).",
            "Set options.side, e.g. 96, or a larger input_size.",
        ) from error
    if weights == "imagenet":
        try:
            # By the very function that gives the architecture, so that Keras knows which file belongs to it.
            network = build(include_top=False, weights="imagenet", input_shape=shape)
        except Exception as error:  # Keras raises a plain Exception where a download fails
            raise ConfigError(
                f"The ImageNet weights of {name} could not be loaded ({reason_of(error)}).",
                "Connect to the network once (Keras keeps them), give a file as options.weights, or set it to none.",
            ) from error
    elif weights != "none":
        try:
            network.load_weights(file)
        except Exception as error:  # nearly anything on a file that is foreign or broken
            raise ConfigError(
                f"{file.name} holds no weights of {name} ({reason_of(error)}).",
                "Give the backbone's own file without the top, as .h5 or .weights.h5.",
            ) from error
    network.name = LAYER  # only now: some of Keras's builders look their own name up
    return network
