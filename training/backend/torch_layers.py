"""Convolution (plain and depthwise), batch normalization and pooling as PyTorch does them best, where PyTorch trains.

Keras copies the input of each convolution and pooling twice and normalizes with a dozen operations, each a pass over
memory, forward and back. On a CPU that is half of a training step. The layers stay Keras's own and are saved as such.
"""

from __future__ import annotations

from types import MethodType
from typing import Any

import keras
from keras import layers

from emoscope.model.networks.architectures import every_layer


def speed_up(network: keras.Model) -> None:
    """Let a network's layers call PyTorch directly; with another backend nothing is done."""
    if keras.backend.backend() != "torch":
        return
    for layer in every_layer(network):
        direct = DIRECT.get(type(layer))
        if direct is not None and _is_plain(layer):
            layer.call = MethodType(direct, layer)
            if direct is _normalize:
                layer.autocast = False  # statistics, scale and offset stay float32 beside inputs of 16 bits


def _is_plain(layer: keras.layers.Layer) -> bool:
    if isinstance(layer, layers.BatchNormalization):
        return layer.center and layer.scale and layer.axis in (-1, 3)
    if isinstance(layer, layers.Conv2D) and (layer.groups != 1 or layer.dilation_rate != (1, 1)):
        return False
    if isinstance(layer, layers.DepthwiseConv2D) and (layer.depth_multiplier != 1 or layer.dilation_rate != (1, 1)):
        return False
    return layer.data_format == "channels_last"


def _normalize(layer: layers.BatchNormalization, inputs: Any, training: bool = False, mask: Any = None) -> Any:
    """As Keras: moving averages are of the biased variance."""
    import torch

    if inputs.device.type == "meta" or inputs.ndim != 4 or mask is not None:
        return type(layer).call(layer, inputs, training=training, mask=mask)
    gamma, beta = layer.gamma.value, layer.beta.value
    pixels = inputs.permute(0, 3, 1, 2)
    if not (training and layer.trainable):
        mean, variance = layer.moving_mean.value, layer.moving_variance.value
        outputs = torch.nn.functional.batch_norm(pixels, mean, variance, gamma, beta, False, 0.0, layer.epsilon)
        return outputs.permute(0, 2, 3, 1)
    outputs, mean, scale = torch.native_batch_norm(pixels, gamma, beta, None, None, True, 0.0, layer.epsilon)
    with torch.no_grad():
        variance = scale**-2 - layer.epsilon  # the scale is 1 / sqrt(variance + epsilon)
        for moving, value in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
            moving.assign(moving * layer.momentum + value * (1.0 - layer.momentum))
    return outputs.permute(0, 2, 3, 1)


def _convolve(layer: layers.Conv2D | layers.DepthwiseConv2D, inputs: Any) -> Any:
    import torch

    if inputs.device.type == "meta":
        return type(layer).call(layer, inputs)
    depthwise = isinstance(layer, layers.DepthwiseConv2D)
    pixels, padding = inputs.permute(0, 3, 1, 2), [0, 0]
    if layer.padding == "same":
        both = [_padding(*sizes) for sizes in zip(inputs.shape[1:3], layer.kernel_size, layer.strides, strict=True)]
        if all(before == after for before, after in both):
            padding = [before for before, _ in both]
        else:
            (top, bottom), (left, right) = both
            pixels = torch.nn.functional.pad(pixels, (left, right, top, bottom))
    bias = layer.bias.value if layer.use_bias else None
    kernel = layer.kernel.value.permute(2, 3, 0, 1) if depthwise else layer.kernel.value.permute(3, 2, 0, 1)
    groups = kernel.shape[0] if depthwise else 1
    outputs = torch.nn.functional.conv2d(pixels, kernel, bias, layer.strides, padding, groups=groups)
    outputs = outputs.permute(0, 2, 3, 1)
    return outputs if layer.activation is None else layer.activation(outputs)


def _padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _average(layer: layers.AveragePooling2D, inputs: Any) -> Any:
    import torch

    sizes = zip(inputs.shape[1:3], layer.pool_size, layer.strides, strict=True)
    if inputs.device.type == "meta" or (layer.padding == "same" and any(_padding(*size) != (0, 0) for size in sizes)):
        return type(layer).call(layer, inputs)
    pixels = inputs.permute(0, 3, 1, 2)
    return torch.nn.functional.avg_pool2d(pixels, layer.pool_size, layer.strides).permute(0, 2, 3, 1)


DIRECT = {
    layers.BatchNormalization: _normalize,
    layers.Conv2D: _convolve,
    layers.DepthwiseConv2D: _convolve,
    layers.AveragePooling2D: _average,
}
