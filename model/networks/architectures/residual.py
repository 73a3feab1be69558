"""The default design: a compact residual network that ends in class activation maps.

Source: He et al., "Deep Residual Learning for Image Recognition", 2015 (residual blocks); Hu et al.,
"Squeeze-and-Excitation Networks", 2017; He et al., "Bag of Tricks for Image Classification", 2018 (average pooling on
the shortcut); Zhou et al., "Learning Deep Features for Discriminative Localization", 2015 (the head).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from emoscope.model.networks.architectures.heads import map_heads

if TYPE_CHECKING:
    import keras


def residual(
    input_shape: tuple[int | None, int | None, int],
    heads: Mapping[str, int],
    *,
    stem: Sequence[int] = (24, 32),
    widths: Sequence[int] = (32, 64, 128),
    blocks: Sequence[int] = (1, 2, 2),
    squeeze: int = 4,
    dropout: float = 0.2,
) -> keras.Model:
    """Build the compact residual network.

    Args:
        input_shape: Height, width, channels; None for sizes that may vary.
        heads: Number of classes by head name.
        stem: Channels of the two stem convolutions; the second halves the resolution.
        widths: Channels of each stage; every stage after the first halves the resolution.
        blocks: Residual blocks of each stage.
        squeeze: Reduction of squeeze-and-excitation; 0 leaves it out.
        dropout: Fraction of feature channels dropped before the heads while training.

    Returns:
        A model with outputs ``{head: logits (N, classes)}``. A block passes its input on as it is where the scale of
        its normalization ``<block>_last_norm`` is zero.
    """
    import keras
    from keras import layers

    def convolve(x: Any, channels: int, name: str, size: int = 3, strides: int = 1) -> Any:
        x = layers.Conv2D(
            channels, size, strides, "same", use_bias=False, kernel_initializer="he_normal", name=f"{name}_conv"
        )(x)
        return layers.BatchNormalization(momentum=0.97, epsilon=1e-5, name=f"{name}_norm")(x)

    def excite(x: Any, channels: int, name: str) -> Any:
        gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
        gate = layers.Conv2D(max(channels // squeeze, 8), 1, activation="relu", name=f"{name}_squeeze")(gate)
        return layers.Multiply()([x, layers.Conv2D(channels, 1, activation="sigmoid", name=f"{name}_excite")(gate)])

    def block(x: Any, channels: int, strides: int, name: str) -> Any:
        shortcut = x
        x = layers.ReLU()(convolve(x, channels, f"{name}_first", strides=strides))
        x = convolve(x, channels, f"{name}_last")
        if squeeze:
            x = excite(x, channels, name)
        if strides > 1:
            shortcut = layers.AveragePooling2D(strides, padding="same")(shortcut)
        if shortcut.shape[-1] != channels:
            shortcut = convolve(shortcut, channels, f"{name}_shortcut", size=1)
        return layers.ReLU()(layers.Add()([x, shortcut]))

    inputs = keras.Input(input_shape, name="face")

    # Stem
    x = layers.ReLU()(convolve(inputs, stem[0], "stem_first"))  # (N, H, W, stem[0])
    x = layers.ReLU()(convolve(x, stem[1], "stem_last", strides=2))  # (N, H/2, W/2, stem[1])

    # Stages
    for stage, (channels, count) in enumerate(zip(widths, blocks, strict=True)):
        for position in range(count):
            x = block(x, channels, 2 if stage and not position else 1, f"stage{stage + 1}_block{position + 1}")

    # Heads
    if dropout:
        x = layers.SpatialDropout2D(dropout)(x)
    return keras.Model(inputs, map_heads(x, heads), name="residual")
