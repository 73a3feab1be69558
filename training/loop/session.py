"""The network that is being trained, with its optimizer, augmentation and teachers: one epoch after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from emoscope.model.networks.architectures import build_network, every_layer
from emoscope.model.networks.architectures.pretrained import freeze_backbone
from emoscope.model.networks.preprocessing import normalize
from emoscope.training.backend.devices import own_rows
from emoscope.training.backend.precision import computing
from emoscope.training.backend.torch_layers import speed_up
from emoscope.training.config.augmentation import UNCHANGED, Augmentation
from emoscope.training.config.schema import TrainConfig
from emoscope.training.distillation.online import online_probabilities, open_teachers
from emoscope.training.inputs.augmentation import augmentation_layers, set_epoch
from emoscope.training.inputs.batches import batches, epoch_order
from emoscope.training.inputs.samples import Samples
from emoscope.training.loop.average import AVERAGE_EVERY, MovingAverage
from emoscope.training.loop.checkpoint import Checkpoint
from emoscope.training.loop.initial import start_from
from emoscope.training.loop.losses import head_loss
from emoscope.training.loop.progress import Progress
from emoscope.training.loop.schedule import learning_rate
from emoscope.training.loop.scoring import scores


class Session:
    """The network that is being trained, its optimizer and the moving average of its weights."""

    def __init__(
        self,
        config: TrainConfig,
        classes: Mapping[str, tuple[str, ...]],
        taught: tuple[str, ...] = (),
        prepare: Callable[[keras.Model], None] | None = None,
    ) -> None:
        self.config = config
        self.heads = {head: len(names) for head, names in classes.items()}
        self.taught = taught
        keras.utils.set_random_seed(config.seed)
        with computing(config.precision):
            self.network = self.build((None, None) if config.resolutions else config.input_size)
        start_from(config.initial, self.network, classes)
        if prepare is not None:
            prepare(self.network)
        speed_up(self.network)
        self.teachers = open_teachers(config, classes) if config.teacher_views and not config.cached_views else []
        self.phase: tuple[bool, bool] | None = None
        self.enter_phase(0)
        self.average = MovingAverage(self.network, config.ema_decay)

    def enter_phase(self, epoch: int) -> None:
        """Do what begins with an epoch (0-based): free the backbone, with a new optimizer, or augment mildly."""
        config = self.config
        frozen = epoch < config.freeze_epochs
        mild = epoch >= config.epochs - config.mild_epochs and not config.cached_views  # then the views are milder
        phase = frozen, mild
        if phase == self.phase:
            return
        if self.phase is None or frozen != self.phase[0]:
            if config.freeze_epochs:
                freeze_backbone(self.network, frozen, config.options.get("frozen", 0))
            self.optimizer = build_optimizer(config)
        self.phase = phase
        augmentation = UNCHANGED if config.cached_views else config.augmentation
        self.model = self._augmented(augmentation.scaled(0.5) if mild else augmentation)
        online = {teacher.head for teacher in self.teachers}
        self.model.compile(
            optimizer=self.optimizer,
            loss={
                head: head_loss(config, head, count, head in self.taught, head in online)
                for head, count in self.heads.items()
            },
            loss_weights={
                head: config.ferplus_weight if head == "ferplus" and len(self.heads) > 1 else 1.0 for head in self.heads
            },
            weighted_metrics=[],
        )
        if not self.optimizer.built:
            self.optimizer.build(self.model.trainable_variables)

    def _augmented(self, augmentation: Augmentation) -> keras.Model:
        """Put augmentation and normalization before the network, and the online teachers beside it.

        Their probabilities follow the logits of the heads that they teach.
        """
        inputs = keras.Input(self.network.inputs[0].shape[1:], name="pixels")
        x = inputs
        self.random_layers = augmentation_layers(augmentation, self.config.seed)
        for layer in self.random_layers:
            x = layer(x)
        self.random_layers += [layer for layer in every_layer(self.network) if hasattr(layer, "seed_generator")]
        outputs = self.network(normalize(x, self.config.normalization, keras.ops))
        for head, probabilities in online_probabilities(self.teachers, x, self.config.teacher_temperature).items():
            outputs[head] = keras.ops.concatenate([outputs[head], probabilities], axis=-1)
        return keras.Model(inputs, outputs)

    def build(self, size: tuple[int | None, int | None]) -> keras.Model:
        """Build the network for one input size; None for any."""
        return build_network(self.config.architecture, (*size, self.config.channels), self.heads, **self.config.options)

    def fit_epoch(
        self,
        samples: Samples,
        epoch: int,
        history: list[dict[str, float]],
        progress: Progress,
        shown: Samples | None = None,
    ) -> dict[str, float]:
        """Pass over the samples once and return ``loss``, ``learning_rate`` and ``accuracy``.

        Args:
            samples: Not augmented.
            epoch: 0-based.
            history: Rows of the epochs before.
            progress: Notified of every step.
            shown: The same samples as cached views; None where they are augmented in every step.
        """
        order, probe = epoch_order(self.config, samples, epoch)
        fitted = self.fit_steps(shown or samples, order, epoch, history, progress)
        # Training accuracy is measured on plain images, so that it compares with validation accuracy.
        return fitted | {"accuracy": self._scores(samples, probe)["accuracy"]}

    def fit_steps(
        self,
        samples: Samples,
        order: np.ndarray,
        epoch: int,
        history: list[dict[str, float]],
        progress: Progress | None = None,
    ) -> dict[str, float]:
        """Step over samples in the order given; only the seed and the epoch decide what is drawn."""
        config = self.config
        set_epoch(self.random_layers, config.seed, epoch)
        steps = len(order) // min(config.batch_size, len(order))
        losses = np.zeros(steps)
        for step, batch in enumerate(batches(config, samples, order, epoch)):
            own = own_rows(batch)
            rate = learning_rate(config, epoch + step / steps, history)
            self.optimizer.learning_rate.assign(rate)
            losses[step] = self.model.train_on_batch(
                own.images, own.targets, sample_weight=own.weights, return_dict=True
            )["loss"]
            # The loss that Keras returns is the mean since the last reset.
            self.model.reset_metrics()
            if (step + 1) % AVERAGE_EVERY == 0:
                self.average.update(epoch * steps + step + 1)
            if progress is not None:
                progress.step((step + 1) * len(batch.images), steps * len(batch.images))
        return {"loss": float(losses.mean()), "learning_rate": float(rate)}

    def validate(self, samples: Samples) -> dict[str, float]:
        """Return ``val_loss`` and ``val_accuracy`` of the first head, and accuracies of the others."""
        return {f"val_{name}": value for name, value in self._scores(samples, np.arange(len(samples))).items()}

    def _scores(self, samples: Samples, chosen: np.ndarray) -> dict[str, float]:
        with self.average.in_place():
            return scores(self.config, self.network, samples, chosen)

    def checkpoint(
        self, identity: dict[str, Any], history: list[dict[str, float]], best: list[np.ndarray]
    ) -> Checkpoint:
        """Return the whole state of the training."""
        optimizer = [keras.ops.convert_to_numpy(v) for v in self.optimizer.variables]
        return Checkpoint(identity, history, self.network.get_weights(), optimizer, self.average.weights, best)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Restore a saved state."""
        self.enter_phase(len(checkpoint.history) - 1)
        self.network.set_weights(checkpoint.weights)
        for variable, value in zip(self.optimizer.variables, checkpoint.optimizer, strict=True):
            variable.assign(value)
        self.average.weights = [a.copy() for a in checkpoint.average]


def build_optimizer(config: TrainConfig) -> keras.optimizers.Optimizer:
    """Return the configured optimizer at its highest learning rate."""
    shared: dict[str, Any] = {
        "learning_rate": config.learning_rate,
        "weight_decay": config.weight_decay or None,
        "global_clipnorm": config.clip_norm or None,
    }
    if config.optimizer == "sgd":
        optimizer: keras.optimizers.Optimizer = keras.optimizers.SGD(momentum=config.momentum, nesterov=True, **shared)
    elif config.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(**shared)
    else:
        optimizer = keras.optimizers.Adam(**shared)
    if config.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer
