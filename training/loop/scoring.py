"""Loss and accuracy of a network between epochs."""

from __future__ import annotations

import keras
import numpy as np

from emoscope.model.networks.preprocessing import normalize
from emoscope.training.backend.devices import forward
from emoscope.training.config.schema import TrainConfig
from emoscope.training.inputs.samples import Samples
from emoscope.training.loop.losses import sample_losses

BATCH_SIZE = 256


def scores(config: TrainConfig, network: keras.Model, samples: Samples, chosen: np.ndarray) -> dict[str, float]:
    """Return ``loss`` and ``accuracy`` of the first head, and ``<head>_accuracy`` of the others.

    Args:
        config: Of the training.
        network: With logits by head.
        samples: Not augmented.
        chosen: Positions of the samples to score, int64, shape (n,).
    """
    parts = [chosen[i : i + BATCH_SIZE] for i in range(0, len(chosen), BATCH_SIZE)]
    images = (normalize(samples.images[part].astype(np.float32), config.normalization) for part in parts)
    outputs = [forward(network, batch) for batch in images]
    found: dict[str, float] = {}
    for head in config.heads:
        logits = np.concatenate([output[head] for output in outputs])
        targets, weights = samples.targets[head][chosen], samples.weights[head][chosen]
        total = max(float(weights.sum()), 1e-9)
        accuracy = float((logits.argmax(1) == targets.argmax(1)) @ weights / total)
        if head == config.heads[0]:
            loss = float(sample_losses(config, targets, logits) @ weights / total)
            found |= {"loss": loss, "accuracy": accuracy}
        else:
            found[f"{head}_accuracy"] = accuracy
    return found
