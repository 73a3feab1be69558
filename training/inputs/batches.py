"""Which images an epoch shows, in which order, and the batches made of them; only the seed and the epoch decide."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from emoscope.training.config.schema import TrainConfig
from emoscope.training.inputs.mixing import Batch, mix
from emoscope.training.inputs.samples import Samples
from emoscope.training.inputs.sampling import weighted_indices

PROBE = 2000


def epoch_order(config: TrainConfig, samples: Samples, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions that an epoch (0-based) shows, in order, and some that training accuracy is measured on.

    The latter are drawn alike from all samples, however rare classes are favoured, so that their accuracy compares
    with that of validation.
    """
    rng = np.random.default_rng([config.seed, epoch])
    order = rng.permutation(len(samples))
    probe = np.sort(order[:PROBE])
    if config.weighted_sampling:
        head = config.heads[0]
        classes = samples.targets[head].shape[1]
        order = weighted_indices(samples.labels(head), classes, rng, config.weighted_sampling)
    return order, probe


def batches(config: TrainConfig, samples: Samples, order: np.ndarray, epoch: int) -> Iterator[Batch]:
    """Yield an epoch's batches, all of one size; what does not fill the last is left out.

    Targets are those of :meth:`~emoscope.training.inputs.samples.Samples.taught_targets`.
    """
    size = min(config.batch_size, len(order))
    targets = samples.taught_targets()
    for step in range(len(order) // size):
        chosen = order[step * size : (step + 1) * size]
        batch = Batch(
            samples.images[chosen].astype(np.float32),
            {head: values[chosen] for head, values in targets.items()},
            {head: values[chosen] for head, values in samples.loss_weights.items()},
        )
        if config.cached_views:
            yield batch  # mixed already
            continue
        # A seed's trailing zero would not change the stream, so that steps count from 1.
        yield mix(batch, config.mixup, config.cutmix, np.random.default_rng([config.seed, epoch, step + 1]))
