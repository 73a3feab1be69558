"""Training on mixtures of two images: mixup blends them, CutMix puts a rectangle of one into the other.

Batches are mixed as NumPy arrays before augmentation, so both images of a pair are flipped and turned alike.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Batch(NamedTuple):
    """What one step trains on.

    Attributes:
        images: Pixels 0..255, float32 or, before they are blended, uint8, shape (N, H, W, C).
        targets: By head, float32, shape (N, classes).
        weights: By head, float32, shape (N,).
    """

    images: np.ndarray
    targets: dict[str, np.ndarray]
    weights: dict[str, np.ndarray]


def mix(batch: Batch, mixup: float, cutmix: float, rng: np.random.Generator) -> Batch:
    """Mix every image with another of the batch; each pair draws its own share.

    Args:
        batch: Images in random order.
        mixup: Beta parameter of :func:`blend`; 0 is off.
        cutmix: Beta parameter of :func:`cut`; 0 is off. With both, a coin decides for the whole batch.
        rng: Source of randomness; a generator of the same state mixes alike.

    Returns:
        A batch of as many images. A pair's loss is the sum of both labels' losses in the shares of their images.

    Source: Zhang et al., "mixup: Beyond Empirical Risk Minimization", 2017; Yun et al., "CutMix: Regularization
    Strategy to Train Strong Classifiers with Localizable Features", 2019.
    """
    if not mixup and not cutmix:
        return batch
    partner = rng.permutation(len(batch.images))
    blended = bool(mixup) and (not cutmix or rng.random() < 0.5)
    if blended:
        share = rng.beta(mixup, mixup, len(partner))
        images = blend(batch.images, batch.images[partner], share)
    else:
        share = rng.beta(cutmix, cutmix, len(partner))
        centre = rng.random((len(partner), 2))
        images, share = cut(batch.images, batch.images[partner], share, centre)
    targets, weights = {}, {}
    for head in batch.targets:
        own = (share * batch.weights[head]).astype(np.float32)
        other = ((1 - share) * batch.weights[head][partner]).astype(np.float32)
        # A sample without a label for this head has weight 0: its partner's label stands alone, at its share.
        weights[head] = own + other
        total = np.maximum(weights[head], 1e-12)
        targets[head] = (own / total)[:, None] * batch.targets[head] + (other / total)[:, None] * batch.targets[head][
            partner
        ]
    return Batch(images, targets, weights)


def blend(images: np.ndarray, others: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return ``share · image + (1 - share) · other`` for each pair, float32.

    Args:
        images: Shape (N, H, W, C).
        others: Of the same shape.
        share: 0..1, shape (N,).
    """
    share = share.astype(np.float32)[:, None, None, None]
    return share * images + (1 - share) * others


def cut(images: np.ndarray, others: np.ndarray, share: np.ndarray, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Put a rectangle of each other image into each image, at the same place.

    Args:
        images: Shape (N, H, W, C).
        others: Of the same shape.
        share: Area that stays, 0..1, shape (N,); the rectangle has the image's aspect ratio and is clipped at borders.
        centre: Of the rectangle, y and x as fractions of the sides, shape (N, 2).

    Returns:
        The images, and the shares that really stayed, float64, shape (N,).
    """
    height, width = images.shape[1:3]
    half = np.sqrt(1 - share) / 2
    inside = []
    for axis, side in enumerate((height, width)):
        low = np.clip(np.round((centre[:, axis] - half) * side), 0, side)[:, None]
        high = np.clip(np.round((centre[:, axis] + half) * side), 0, side)[:, None]
        places = np.arange(side)[None, :]
        inside.append((places >= low) & (places < high))
    rectangle = inside[0][:, :, None] & inside[1][:, None, :]
    return np.where(rectangle[..., None], others, images), 1 - rectangle.mean((1, 2))
