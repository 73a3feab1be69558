"""Heads that name the place of their evidence: a 1×1 convolution, then global average pooling.

Source: Zhou et al., "Learning Deep Features for Discriminative Localization", 2015.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def map_heads(features: Any, heads: Mapping[str, int]) -> dict[str, Any]:
    """Return the logits of each head, shape (N, classes), from features of shape (N, h, w, channels).

    The convolution of a head is named ``<head>_map``: its output are the class activation maps.
    """
    from keras import layers

    outputs = {}
    for head, classes in heads.items():
        activation_map = layers.Conv2D(classes, 1, name=f"{head}_map")(features)  # (N, h, w, classes)
        outputs[head] = layers.GlobalAveragePooling2D(name=head, dtype="float32")(activation_map)
    return outputs
