"""The training loop: any Keras backend, resumable after every epoch.

Only ``keras.*`` and NumPy are used, so TensorFlow, PyTorch or JAX does the work, on a GPU where there is one.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from model.architectures import build_network, every_layer
from model.architectures.pretrained import freeze_backbone
from model.artifacts import load_run, write_history
from model.dataset import Dataset
from model.errors import ConfigError, EmoscopeError
from model.preprocessing import normalize
from training.augmentation import augmentation_layers, set_epoch
from training.augmentation_config import UNCHANGED, Augmentation
from training.batches import batches, epoch_order
from training.checkpoint import Checkpoint
from training.config import TrainConfig
from training.devices import check_batch, forward, is_first_process, own_rows
from training.distillation import head_of, is_cross_validation, soften, teacher_probabilities
from training.initial import start_from
from training.losses import head_loss, sample_losses
from training.precision import computing
from training.progress import Progress
from training.samples import Samples, head_classes, training_samples
from training.schedule import best_epoch, learning_rate, should_stop
from training.stored_views import StoredViews
from training.torch_speed import speed_up
from training.vote_teacher import informed_by_votes
from training.watching_teachers import open_teachers, watch

# Averaging every few steps with the decay's power gives the same average at a fraction of the copies.
AVERAGE_EVERY = 5


@dataclass(frozen=True, eq=False)
class Trained:
    """A finished training.

    Attributes:
        network: The network at full size, float32 logits by head, with the best epoch's weights.
        classes: Class names by head.
        history: One row an epoch.
        best_epoch: 1-based.
        seconds: Wall-clock seconds of all epochs.
        environment: Versions, backend and device.
    """

    network: keras.Model
    classes: dict[str, tuple[str, ...]]
    history: list[dict[str, float]]
    best_epoch: int
    seconds: float
    environment: dict[str, str]


def train(
    config: TrainConfig,
    dataset: Dataset,
    checkpoint_file: Path,
    *,
    fresh: bool = False,
    prepare: Callable[[keras.Model], None] | None = None,
) -> Trained:
    """Train a network, going on from the checkpoint if there is one.

    Args:
        config: What to train.
        dataset: Images of ``config.input_size``; its training and validation splits are used, never the test split.
        checkpoint_file: Where the state is kept between epochs; a folder of its name holds ``history.csv`` meanwhile.
        fresh: Forget an existing checkpoint.
        prepare: Called with the new network before it is trained: gives it other weights or constraints.

    Raises:
        ConfigError: The checkpoint belongs to another configuration or other data.
        DataError: The data lack what the configuration needs.
    """
    if fresh:
        checkpoint_file.unlink(missing_ok=True)
    fit_samples, validation_samples = taught_samples(config, dataset, checkpoint_file)
    check_batch(min(config.batch_size, len(fit_samples)))
    classes = head_classes(config, dataset)
    session = Session(config, classes, taught=tuple(fit_samples.teacher), prepare=prepare)
    identity = json.loads(json.dumps({"config": asdict(config), "data": dataset.fingerprint}))
    checkpoint = Checkpoint.load(checkpoint_file)
    if checkpoint is not None:
        _check_identity(checkpoint.identity, identity, checkpoint_file)
        session.restore(checkpoint)
    history = checkpoint.history if checkpoint else []
    best = checkpoint.best if checkpoint else []
    folder = checkpoint_file.parent / "views"
    views = StoredViews(config, fit_samples, classes, folder) if config.stored_views else None

    progress = Progress(config.epochs, history)
    while len(history) < config.epochs and not should_stop(config, history):
        epoch = len(history)
        side = config.side_at(epoch)
        session.enter_phase(epoch)
        started = time.perf_counter()
        shown = views.at(epoch).resized(side) if views else None
        progress.begin(epoch, side)
        row = session.fit_epoch(fit_samples.resized(side), epoch, history, progress, shown)
        row |= session.validate(validation_samples.resized(side))
        row["seconds"] = time.perf_counter() - started
        if not np.isfinite(row["loss"]):
            raise ConfigError(
                f"The loss became infinite in epoch {epoch + 1}.", "Lower learning_rate, or set clip_norm to 1."
            )
        history.append(row)
        if best_epoch(config, history) == epoch:
            best = session.kept_weights()
        if is_first_process():
            _save(session.checkpoint(identity, history, best), checkpoint_file)
        progress.end(row)

    network = session.build(config.input_size)
    network.set_weights(best)
    return Trained(
        network,
        classes,
        history,
        best_epoch(config, history) + 1,
        sum(row["seconds"] for row in history),
        environment(),
    )


def taught_samples(config: TrainConfig, dataset: Dataset, checkpoint_file: Path) -> tuple[Samples, Samples]:
    """Return the samples to fit on, with what teachers say of them, and those to validate on.

    The teachers' answers are kept beside the checkpoint. Where views replace them all, the targets stand for them.
    Raises as :func:`train` does.
    """
    fit_samples, validation_samples = training_samples(config, dataset)
    teachers = [load_run(teacher) for teacher in config.teacher]
    only_views = config.teacher_views == 1 and not config.teacher_votes
    if only_views and not any(map(is_cross_validation, teachers)):
        heads = {head_of(teacher, head_classes(config, dataset)) for teacher in teachers}
        fit_samples = replace(fit_samples, teacher={head: fit_samples.targets[head] for head in heads})
    elif teachers:
        answers = teacher_probabilities(
            config.teacher,
            head_classes(config, dataset),
            fit_samples.images,
            fit_samples.pixel_hash,
            checkpoint_file.with_suffix(".teacher.npz"),
        )
        if config.teacher_votes:
            answers |= _informed(answers, fit_samples)
        softened = {head: soften(values, config.teacher_temperature) for head, values in answers.items()}
        fit_samples = replace(fit_samples, teacher=softened)
    return fit_samples, validation_samples


def _informed(answers: Mapping[str, np.ndarray], samples: Samples) -> dict[str, np.ndarray]:
    if "fer" not in answers:
        raise ConfigError("teacher_votes needs a teacher with the data set's classes.")
    voted = samples.weights["ferplus"] > 0
    return {"fer": informed_by_votes(answers["fer"], samples.targets["ferplus"], voted, samples.labels("fer"))}


def _save(checkpoint: Checkpoint, file: Path) -> None:
    try:
        checkpoint.save(file)
        write_history(file.with_suffix(""), checkpoint.history)  # for those who watch
    except OSError as error:
        raise EmoscopeError(
            f"The checkpoint could not be written ({error.strerror}).",
            f"Free some space at {file.parent}; the same command goes on from the last epoch saved.",
        ) from error


def environment() -> dict[str, str]:
    """Describe what a training ran on: versions, backend, device."""
    return {
        "python": platform.python_version(),
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "numpy": np.__version__,
        "device": _device(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }


def _device() -> str:
    try:
        return ", ".join(str(device) for device in keras.distribution.list_devices())
    except (AttributeError, RuntimeError):  # a backend without device listing
        return "gpu" if "cuda" in str(getattr(keras.ops.zeros(1), "device", "")) else "cpu"


def _check_identity(found: Mapping[str, Any], wanted: Mapping[str, Any], file: Path) -> None:
    # A checkpoint from before an option existed was trained with what is now the option's default.
    defaults = json.loads(json.dumps(asdict(TrainConfig())))
    found = {**found, "config": {**defaults, **found.get("config", {})}}
    if found == wanted:
        return
    if found.get("data") != wanted["data"]:
        changed = "the data"
    else:
        keys = [k for k in wanted["config"] if found.get("config", {}).get(k) != wanted["config"][k]]
        changed = ", ".join(keys) or "the configuration"
    raise ConfigError(
        f"{file} belongs to another training: {changed} differ.",
        "Give the same command as before, choose another --output, or start over with --fresh.",
    )


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
        self.teachers = open_teachers(config, classes) if config.teacher_views and not config.stored_views else []
        self.phase: tuple[bool, bool] | None = None
        self.enter_phase(0)
        self.average = self.network.get_weights() if config.average else []

    def enter_phase(self, epoch: int) -> None:
        """Do what begins with an epoch (0-based): free the backbone, with a new optimizer, or augment mildly."""
        config = self.config
        frozen = epoch < config.freeze_epochs
        mild = epoch >= config.epochs - config.mild_epochs and not config.stored_views  # the views differ then
        phase = frozen, mild
        if phase == self.phase:
            return
        if self.phase is None or frozen != self.phase[0]:
            if config.freeze_epochs:
                freeze_backbone(self.network, frozen)
            self.optimizer = _optimizer(config)
        self.phase = phase
        augmentation = UNCHANGED if config.stored_views else config.augmentation
        self.model = self._augmented(augmentation.scaled(0.5) if mild else augmentation)
        watched = {teacher.head for teacher in self.teachers}
        self.model.compile(
            optimizer=self.optimizer,
            loss={
                head: head_loss(config, head, count, head in self.taught, head in watched)
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
        """Put augmentation and normalization before the network, and beside it the teachers that watch.

        Their answers follow the logits of the heads that they teach.
        """
        inputs = keras.Input(self.network.inputs[0].shape[1:], name="pixels")
        x = inputs
        self.random_layers = augmentation_layers(augmentation, self.config.seed)
        for layer in self.random_layers:
            x = layer(x)
        self.random_layers += [layer for layer in every_layer(self.network) if hasattr(layer, "seed_generator")]
        outputs = self.network(normalize(x, self.config.normalization, keras.ops))
        for head, answers in watch(self.teachers, x, self.config.teacher_temperature).items():
            outputs[head] = keras.ops.concatenate([outputs[head], answers], axis=-1)
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
            samples: Unchanged.
            epoch: 0-based.
            history: Rows of the epochs before.
            progress: Is told of every step.
            shown: The same samples as a stored view holds them; None where augmentation changes them in every step.
        """
        order, probe = epoch_order(self.config, samples, epoch)
        fitted = self.fit_steps(shown or samples, order, epoch, history, progress)
        # Training accuracy is measured on unchanged images, so that its gap to validation means what it says.
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
            if config.average and (step + 1) % AVERAGE_EVERY == 0:
                self._update_average(epoch * steps + step + 1)
            if progress is not None:
                progress.step((step + 1) * len(batch.images), steps * len(batch.images))
        return {"loss": float(losses.mean()), "learning_rate": float(rate)}

    def validate(self, samples: Samples) -> dict[str, float]:
        """Return ``val_loss`` and ``val_accuracy`` of the first head, and accuracies of the others."""
        return {f"val_{name}": value for name, value in self._scores(samples, np.arange(len(samples))).items()}

    def _scores(self, samples: Samples, chosen: np.ndarray) -> dict[str, float]:
        live = self.network.get_weights() if self.average else []
        if self.average:
            self.network.set_weights(self.average)
        batches = [chosen[i : i + 256] for i in range(0, len(chosen), 256)]
        outputs = [forward(self.network, self._normalized(samples.images[batch])) for batch in batches]
        if self.average:
            self.network.set_weights(live)
        scores: dict[str, float] = {}
        for head in self.heads:
            logits = np.concatenate([output[head] for output in outputs])
            targets, weights = samples.targets[head][chosen], samples.weights[head][chosen]
            total = max(float(weights.sum()), 1e-9)
            accuracy = float((logits.argmax(1) == targets.argmax(1)) @ weights / total)
            loss = float(sample_losses(self.config, targets, logits) @ weights / total)
            if head == self.config.heads[0]:
                scores |= {"loss": loss, "accuracy": accuracy}
            else:
                scores[f"{head}_accuracy"] = accuracy
        return scores

    def _normalized(self, images: np.ndarray) -> np.ndarray:
        return normalize(images.astype(np.float32), self.config.normalization)

    def _update_average(self, step: int) -> None:
        # The decay grows from nothing, so that the first average is not made of random weights.
        decay = min(self.config.average, (1 + step) / (10 + step)) ** AVERAGE_EVERY
        for average, value in zip(self.average, self.network.get_weights(), strict=True):
            average *= decay
            average += (1 - decay) * value

    def kept_weights(self) -> list[np.ndarray]:
        """Return copies of the weights that validation saw."""
        return [w.copy() for w in self.average] if self.average else self.network.get_weights()

    def checkpoint(
        self, identity: dict[str, Any], history: list[dict[str, float]], best: list[np.ndarray]
    ) -> Checkpoint:
        """Return the whole state."""
        optimizer = [keras.ops.convert_to_numpy(v) for v in self.optimizer.variables]
        return Checkpoint(identity, history, self.network.get_weights(), optimizer, self.average, best)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Take over a saved state."""
        self.enter_phase(len(checkpoint.history) - 1)
        self.network.set_weights(checkpoint.weights)
        for variable, value in zip(self.optimizer.variables, checkpoint.optimizer, strict=True):
            variable.assign(value)
        self.average = [a.copy() for a in checkpoint.average]


def _optimizer(config: TrainConfig) -> keras.optimizers.Optimizer:
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
