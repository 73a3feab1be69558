"""One training on several devices: each holds the whole network and sees its part of every batch.

``keras.distribution`` does the work, on its JAX backend, for the devices of one process or of many. On one device
everything here leaves things as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from emoscope.model.errors import ConfigError
from emoscope.training.inputs.mixing import Batch


@contextmanager
def all_devices() -> Iterator[list[str]]:
    """Share the training inside among all devices; yield their names.

    In a group of processes these are the devices of all of them.
    """
    names = keras.distribution.list_devices()
    if len(names) == 1:
        yield names
        return
    with keras.distribution.DataParallel(devices=names).scope():
        yield names


def check_batch(size: int) -> None:
    """Make sure that a batch of so many images can be shared out.

    Raises:
        ConfigError: It cannot; every device takes the same number of images.
    """
    spread = keras.distribution.distribution()
    if spread is not None and size % spread.num_model_replicas:
        count = spread.num_model_replicas
        raise ConfigError(
            f"A batch of {size} images cannot be shared by {count} devices.",
            f"Set batch_size to a multiple of {count}.",
        )


def is_first_process() -> bool:
    """Tell whether this process is the one that writes; a single process is."""
    spread = keras.distribution.distribution()
    return spread is None or spread.data_shard_id == 0


def own_rows(batch: Batch) -> Batch:
    """Return the rows of a batch that this process feeds to its devices: all, if there is no other process."""
    spread = keras.distribution.distribution()
    if spread is None or spread.num_processes == 1:
        return batch
    size = len(batch.images) // spread.num_processes
    rows = slice(spread.data_shard_id * size, (spread.data_shard_id + 1) * size)
    return Batch(
        batch.images[rows],
        {head: values[rows] for head, values in batch.targets.items()},
        {head: values[rows] for head, values in batch.weights.items()},
    )


def forward(model: keras.Model, images: np.ndarray) -> dict[str, np.ndarray]:
    """Return a model's outputs by head; devices share the images, and every process gets all outputs.

    All processes get the same bytes, so that they cannot diverge.

    Args:
        model: With a dictionary of outputs, each of shape (N, classes).
        images: float32, shape (N, H, W, C), the same in every process.
    """
    spread = keras.distribution.distribution()
    if spread is None:
        return _to_numpy(model(images, training=False))
    padding = -len(images) % spread.num_model_replicas
    padded = np.pad(images, ((0, padding), (0, 0), (0, 0), (0, 0)))
    outputs = model(keras.distribution.distribute_tensor(padded, spread.get_data_layout(padded.shape)), training=False)
    whole = keras.distribution.TensorLayout((None, None), spread.device_mesh)
    gathered = {head: keras.distribution.distribute_tensor(output, whole) for head, output in outputs.items()}
    return {head: output[: len(images)] for head, output in _to_numpy(gathered).items()}


def _to_numpy(outputs: dict[str, Any]) -> dict[str, np.ndarray]:
    return {head: keras.ops.convert_to_numpy(output) for head, output in outputs.items()}
