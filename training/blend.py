"""Two heads of one trunk as one: evidence that votes taught joins the evidence that hard labels taught.

Both heads are 1×1 convolutions under global average pooling, so adding a share of one head's logits to the other's is
the same as adding that share of its weights: the saved network costs nothing more, and its activation maps stay exact.
"""

from __future__ import annotations

import keras
import numpy as np

from model.artifacts import Normalization
from model.dataset import FER2013_TO_FERPLUS
from model.preprocessing import normalize

SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5)


def blend_heads(
    network: keras.Model, normalization: Normalization, images: np.ndarray, labels: np.ndarray
) -> tuple[float, float, float]:
    """Add to the head ``fer`` the share of the head ``ferplus`` that does best on validation images.

    Args:
        network: Has both heads, seven and eight classes; the weights of ``fer_map`` are changed in place.
        normalization: How pixels become its input.
        images: Of the validation split, uint8, shape (N, H, W, C).
        labels: FER-2013 class indices, int64, shape (N,).

    Returns:
        The share, and the validation accuracy before and after, 0..1.
    """
    outputs: dict[str, list[np.ndarray]] = {"fer": [], "ferplus": []}
    for start in range(0, len(images), 256):
        batch = normalize(images[start : start + 256].astype(np.float32), normalization)
        for head, logits in network(batch, training=False).items():
            outputs[head].append(keras.ops.convert_to_numpy(logits))
    hard, votes = np.concatenate(outputs["fer"]), np.concatenate(outputs["ferplus"])[:, list(FER2013_TO_FERPLUS)]
    accuracy = [float(((hard + share * votes).argmax(1) == labels).mean()) for share in SHARES]
    best = int(np.argmax(accuracy))
    kernel, bias = network.get_layer("fer_map").get_weights()
    other_kernel, other_bias = network.get_layer("ferplus_map").get_weights()
    network.get_layer("fer_map").set_weights(
        [
            kernel + SHARES[best] * other_kernel[..., list(FER2013_TO_FERPLUS)],
            bias + SHARES[best] * other_bias[list(FER2013_TO_FERPLUS)],
        ]
    )
    return SHARES[best], accuracy[0], accuracy[best]
