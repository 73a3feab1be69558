"""Numeric precision of a training; its weights have 32 bits all the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from emoscope.model.networks.architectures import every_layer

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


@contextmanager
def computing(precision: str) -> Iterator[None]:
    """Let the layers that are built inside compute with a precision of the training configuration."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[precision])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def compute_with(network: keras.Model, precision: str) -> None:
    """Let the layers of a network that was loaded compute with a precision of the training configuration."""
    for layer in every_layer(network):
        layer.dtype_policy = POLICIES[precision]
