"""Cached views: augmented images and the teachers' predictions on them, computed once instead of in every step.

Online teachers take as long as the student. Here they predict a fixed number of views of each image, mixed with another
image and augmented. Epochs take the views in turn; trainings that differ only in their seed share them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import keras
import numpy as np

from emoscope.model.runs.run import load_run
from emoscope.training.backend.devices import forward
from emoscope.training.config.augmentation import Augmentation
from emoscope.training.config.schema import TrainConfig
from emoscope.training.distillation.cache import content_hash, read_cached, write_cached
from emoscope.training.distillation.online import online_probabilities, open_teachers
from emoscope.training.distillation.teachers import prediction_hash
from emoscope.training.inputs.augmentation import augmentation_layers, set_epoch
from emoscope.training.inputs.mixing import Batch, mix
from emoscope.training.inputs.samples import Samples

SEED = 7
MILD = 100  # where the numbers of mildly changed views begin
BATCH = 512  # images augmented together; decides, with the seed, how each image is augmented
TEACHER_BATCH = 128  # the activations of a larger batch do not fit into a processor's cache


class CachedViews:
    """The samples of each epoch as cached views.

    Args:
        config: With ``cached_views``.
        samples: To train on, with the teachers' predictions on the plain images.
        classes: Class names by head.
        folder: Where views are kept, one file each. Those of other trainings may lie beside them.
    """

    def __init__(
        self, config: TrainConfig, samples: Samples, classes: Mapping[str, tuple[str, ...]], folder: Path
    ) -> None:
        self.config, self.samples, self.classes, self.folder = config, samples, classes, folder
        self.teachers: keras.Model | None = None
        self.origin = {
            "teachers": [[run.key, prediction_hash(run)] for run in map(load_run, config.teacher)],
            "temperature": config.teacher_temperature,
            "precision": config.precision,
            "classes": {head: list(names) for head, names in classes.items()},
            "images": content_hash(samples.images),
            "mixed": [config.mixup, config.cutmix],
        }

    def at(self, epoch: int) -> Samples:
        """Return the samples of an epoch (0-based), mixed and augmented; compute the view if it is not cached.

        Raises:
            RunError: A teacher holds no Keras network.
            ConfigError: No teacher has one, or one takes other images.
            EmoscopeError: The view cannot be written.
        """
        config = self.config
        strong = config.epochs - config.mild_epochs
        mild = epoch >= strong
        number = (epoch - strong if mild else epoch) % config.cached_views
        number += MILD * mild
        samples = self.samples
        plain = Batch(samples.images, samples.taught_targets(), samples.loss_weights)
        mixed = mix(plain, config.mixup, config.cutmix, np.random.default_rng([SEED, number + 1]))
        view = self._view(number, mixed.images, config.augmentation.scaled(0.5 if mild else 1.0))
        targets, teacher = {}, {}
        for head, values in mixed.targets.items():
            classes = len(self.classes[head])
            targets[head] = values[:, :classes]
            if head in samples.teacher:
                plain_teacher = values[:, classes:]
                share = config.teacher_views if head in view else 0.0
                teacher[head] = (1 - share) * plain_teacher + share * view.get(head, plain_teacher)
        return replace(samples, images=view["images"], targets=targets, loss_weights=mixed.weights, teacher=teacher)

    def _view(self, number: int, pixels: np.ndarray, augmentation: Augmentation) -> dict[str, np.ndarray]:
        identity = {**self.origin, "augmentation": asdict(augmentation), "number": number}
        name = hashlib.blake2b(json.dumps(identity).encode(), digest_size=8).hexdigest()
        file = self.folder / f"{name}.npz"
        if (cached := read_cached(file, identity)) is not None:
            return cached
        print(
            f"Augmenting {len(self.samples):,} images and predicting them with the teachers, kept in {file}", flush=True
        )
        layers = augmentation_layers(augmentation, 0)
        set_epoch(layers, SEED, number)
        images = np.concatenate([_augmented(layers, batch) for batch in _batches(pixels, BATCH)])
        if self.teachers is None:
            self.teachers = self._open()
        predicted = [forward(self.teachers, batch.astype(np.float32)) for batch in _batches(images, TEACHER_BATCH)]
        view = {"images": images} | {head: np.concatenate([each[head] for each in predicted]) for head in predicted[0]}
        write_cached(file, identity, view)
        return view

    def _open(self) -> keras.Model:
        pixels = keras.Input(self.samples.images.shape[1:], name="pixels")
        return keras.Model(
            pixels,
            online_probabilities(open_teachers(self.config, self.classes), pixels, self.config.teacher_temperature),
        )


def _batches(images: np.ndarray, size: int) -> list[np.ndarray]:
    return [images[i : i + size] for i in range(0, len(images), size)]


def _augmented(layers: list[keras.layers.Layer], images: np.ndarray) -> np.ndarray:
    x = keras.ops.convert_to_tensor(images, dtype="float32")
    for layer in layers:
        x = layer(x, training=True)
    return np.rint(np.clip(keras.ops.convert_to_numpy(x), 0, 255)).astype(np.uint8)
