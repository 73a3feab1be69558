"""Five designs as facial-emotion projects publish them, for 48×48 gray faces.

Their authors describe layers, not every width; the widths here are of the published order and small enough to be
trained on a processor. All use 3×3 convolutions and max pooling by two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from emoscope.model.errors import ConfigError
from emoscope.model.networks.architectures.heads import map_heads

if TYPE_CHECKING:
    import keras

Shape = tuple[int | None, int | None, int]


def gap_cnn(
    input_shape: Shape,
    heads: Mapping[str, int],
    *,
    widths: Sequence[int] = (24, 40, 80, 128, 128),
    dropout: float = 0.2,
) -> keras.Model:
    """Build five convolutions with batch normalisation, and global average pooling before the softmax.

    A dense layer after global average pooling is the same function as a 1×1 convolution before it, so the dense layer
    stands there: its output is the class activation map.

    Args:
        input_shape: Height, width, channels; None for sizes that may vary.
        heads: Number of classes by head name.
        widths: Channels of each convolution; max pooling follows the first three.
        dropout: Fraction of feature channels dropped before the heads while training, half of it after each pooling.

    Returns:
        A model with outputs ``{head: logits (N, classes)}``.

    Source: Lin et al., "Network in Network", 2013; Zhou et al., "Learning Deep Features for Discriminative
    Localization", 2015.
    """
    import keras
    from keras import layers

    inputs = keras.Input(input_shape, name="face")
    x = inputs
    for position, channels in enumerate(widths):
        x = _convolve(x, channels)  # (N, h, w, channels)
        if position < 3:
            x = layers.MaxPooling2D()(x)
            x = layers.SpatialDropout2D(dropout / 2)(x)
    x = layers.SpatialDropout2D(dropout)(x)  # drops whole channels, as dropout after the pooling would
    return keras.Model(inputs, map_heads(x, heads), name="gap_cnn")


def flatten_cnn(
    input_shape: Shape,
    heads: Mapping[str, int],
    *,
    widths: Sequence[int] = (24, 48, 96),
    dense: Sequence[int] = (256, 128),
    dropout: float = 0.2,
) -> keras.Model:
    """Build stacks of convolution, batch normalisation, max pooling and dropout, then dense layers.

    Args:
        input_shape: Height, width, channels, all fixed.
        heads: Number of classes by head name.
        widths: Channels of each stack.
        dense: Units of each dense layer before the heads.
        dropout: Fraction dropped while training after each stack, twice as much after each dense layer.

    Returns:
        A model with outputs ``{head: logits (N, classes)}``.

    Raises:
        ConfigError: The input size may vary.
    """
    import keras
    from keras import layers

    inputs = keras.Input(_fixed(input_shape, "flatten_cnn"), name="face")
    x = inputs
    for channels in widths:
        x = layers.MaxPooling2D()(_convolve(x, channels))
        x = layers.Dropout(dropout)(x)
    x = _fully_connected(x, dense, 2 * dropout)
    return keras.Model(inputs, _dense_heads(x, heads), name="flatten_cnn")


def vgg_cnn(
    input_shape: Shape,
    heads: Mapping[str, int],
    *,
    widths: Sequence[int] = (12, 24, 48, 96),
    convolutions: int = 2,
    dense: Sequence[int] = (256,),
    dropout: float = 0.15,
) -> keras.Model:
    """Build blocks of several convolutions before each max pooling, then fully connected layers.

    Args:
        input_shape: Height, width, channels, all fixed.
        heads: Number of classes by head name.
        widths: Channels of each block.
        convolutions: Convolutions in a block, each with batch normalisation.
        dense: Units of each fully connected layer before the heads.
        dropout: Fraction dropped while training after each block, twice as much after each fully connected layer.

    Returns:
        A model with outputs ``{head: logits (N, classes)}``.

    Raises:
        ConfigError: The input size may vary.

    Source: Simonyan & Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", 2014.
    """
    import keras
    from keras import layers

    inputs = keras.Input(_fixed(input_shape, "vgg_cnn"), name="face")
    x = inputs
    for channels in widths:
        for _ in range(convolutions):
            x = _convolve(x, channels)
        x = layers.MaxPooling2D()(x)
        x = layers.Dropout(dropout)(x)
    x = _fully_connected(x, dense, 2 * dropout)
    return keras.Model(inputs, _dense_heads(x, heads), name="vgg_cnn")


def classic_cnn(
    input_shape: Shape,
    heads: Mapping[str, int],
    *,
    widths: Sequence[int] = (32, 48, 96),
    dense: int = 256,
    dropout: float = 0.5,
) -> keras.Model:
    """Build convolutions with ReLU and max pooling, dropout, and fully connected layers, without normalisation.

    Args:
        input_shape: Height, width, channels, all fixed.
        heads: Number of classes by head name.
        widths: Channels of each convolution.
        dense: Units of the fully connected layer before the heads.
        dropout: Fraction dropped while training before and after the fully connected layer.

    Returns:
        A model with outputs ``{head: logits (N, classes)}``.

    Raises:
        ConfigError: The input size may vary.

    Source: LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998; Krizhevsky et al.,
    "ImageNet Classification with Deep Convolutional Neural Networks", 2012 (ReLU, dropout).
    """
    import keras
    from keras import layers

    inputs = keras.Input(_fixed(input_shape, "classic_cnn"), name="face")
    x = inputs
    for channels in widths:
        x = layers.Conv2D(channels, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Dropout(dropout / 2)(layers.Flatten()(x))
    x = layers.Dropout(dropout)(layers.Dense(dense, activation="relu")(x))
    return keras.Model(inputs, _dense_heads(x, heads), name="classic_cnn")


def lite_cnn(input_shape: Shape, heads: Mapping[str, int]) -> keras.Model:
    """Build the smallest of the five, for real time on a processor: two convolutions and one dense layer.

    Args:
        input_shape: Height, width, channels, all fixed.
        heads: Number of classes by head name.

    Returns:
        A model with outputs ``{head: logits (N, classes)}``.

    Raises:
        ConfigError: The input size may vary.
    """
    import keras
    from keras import layers

    inputs = keras.Input(_fixed(input_shape, "lite_cnn"), name="face")
    x = layers.Conv2D(32, 3, activation="relu")(inputs)  # (N, 46, 46, 32)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(64, 3, activation="relu")(x)  # (N, 21, 21, 64)
    x = layers.MaxPooling2D()(x)
    x = layers.Dense(128, activation="relu")(layers.Flatten()(x))
    x = layers.Dropout(0.3)(x)
    return keras.Model(inputs, _dense_heads(x, heads), name="lite_cnn")


def _convolve(x: Any, channels: int) -> Any:
    from keras import layers

    return _batch_normalized(layers.Conv2D(channels, 3, padding="same", use_bias=False)(x))


def _batch_normalized(x: Any) -> Any:
    from keras import layers

    return layers.ReLU()(layers.BatchNormalization(momentum=0.97)(x))


def _fully_connected(x: Any, dense: Sequence[int], dropout: float) -> Any:
    from keras import layers

    x = layers.Flatten()(x)
    for units in dense:
        x = _batch_normalized(layers.Dense(units, use_bias=False)(x))
        x = layers.Dropout(dropout)(x)
    return x


def _dense_heads(x: Any, heads: Mapping[str, int]) -> dict[str, Any]:
    from keras import layers

    return {head: layers.Dense(classes, name=head)(x) for head, classes in heads.items()}


def _fixed(input_shape: Shape, name: str) -> Shape:
    if None in input_shape:
        raise ConfigError(
            f"{name} ends in dense layers and takes one input size only.",
            "Remove `resolutions`, or take gap_cnn or residual.",
        )
    return input_shape
