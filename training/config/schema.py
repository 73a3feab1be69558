"""The training configuration: a YAML file plus flags, where a key that is not known is refused."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_type_hints

from emoscope.model.errors import ConfigError
from emoscope.model.places import HOME
from emoscope.model.runs.renamed_keys import CONFIG_KEYS, with_current_keys
from emoscope.model.runs.run import Normalization
from emoscope.model.yaml_text import parse_yaml
from emoscope.training.config.augmentation import Augmentation
from emoscope.training.config.values import build, near_match

CONFIGS = HOME / "training" / "configs"


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides a training's result.

    Attributes:
        name: Title of the run for people.
        architecture: A named design of ``emoscope.model.networks.architectures``.
        options: The design's own options.
        initial: Saved runs of the same design whose weights training starts from, one for each head.
        labels: ``fer`` trains on the data set's labels, ``ferplus`` on the FER+ votes, ``both`` on both with two heads
            on one trunk; the first head is the one that is saved. ``votes`` trains the data set's own classes on the
            share of people who named each, as FER+ counted them.
        ferplus_weight: Weight of the FER+ loss beside the data set's labels.
        input_size: Height and width of the network's input in pixels.
        channels: 1 for gray, 3 for RGB.
        normalization: How pixels become network input.
        epochs: Passes over the training split.
        batch_size: Images per step.
        optimizer: ``sgd`` (Nesterov momentum), ``adam`` or ``adamw``.
        learning_rate: The highest learning rate.
        momentum: Of ``sgd``.
        weight_decay: Decoupled, applied to kernels only.
        clip_norm: Largest global norm of the gradient; 0 leaves it alone.
        schedule: ``cosine`` to ``final_learning_rate``, ``plateau`` or ``constant``.
        final_learning_rate: Where ``cosine`` ends, as a fraction of ``learning_rate``.
        restart_epoch: Epoch at which ``cosine`` has ended and starts anew; 0 never restarts.
        restart_scale: Learning rate of the restart as a fraction of ``learning_rate``.
        warmup_epochs: Epochs over which the learning rate rises from zero.
        plateau_patience: Epochs without a better validation loss before ``plateau`` lowers the rate.
        plateau_factor: What ``plateau`` multiplies the rate with.
        loss: ``crossentropy``, or ``focal``, which counts well-classified images less.
        focal_gamma: Exponent of ``focal``; 0 is the plain cross-entropy.
        focal_alpha: Factor of ``focal``: one number, or one for each class in order.
        label_smoothing: Probability mass spread over all classes of the hard labels.
        class_weights: How much rare classes count more in the loss: 1 makes every class count the same, 0 every image.
        weighted_sampling: How much rare classes are drawn more often, on the same scale; images then repeat.
        mixup: Beta parameter of the shares in which pairs of images are blended, e.g. 0.2; 0 is off.
        cutmix: Beta parameter of the area of a rectangle that comes from another image, e.g. 1; 0 is off. With both,
            every batch takes one of the two.
        teacher: Saved runs whose probabilities the network learns besides the labels; several are averaged.
        privileged_votes: Whether the teacher of the data set's labels is also given the FER+ votes, as privileged
            labels; needs ``labels: both``.
        teacher_weight: Share of the teacher in the loss; the labels have the rest.
        teacher_views: Share of the teacher's part in the loss that its predictions on the augmented images have. The
            rest are its predictions on the plain images, made once. With a share above 0 the teacher is online: its
            networks run in every step.
        cached_views: Number of augmented and mixed views per image whose teacher predictions are computed once and
            kept beside the checkpoint; epochs take them in turn, and ``mild_epochs`` have as many of their own. Saves
            the teachers' time in all other epochs; 0 augments images anew in every step.
        teacher_temperature: Softens the teacher's and the network's probabilities before they are compared.
        freeze_epochs: Epochs in which the pretrained weights of a ``backbone`` stay as they are; then all are trained.
        fine_tune_scale: Learning rate after ``freeze_epochs`` as a fraction of what the schedule says.
        patience: Epochs without a better validation score before training stops; 0 never stops early.
        monitor: ``val_accuracy`` or ``val_loss``: which epoch is best.
        precision: ``bfloat16`` computes with 16 bits where that is safe (weights and statistics keep 32): on processors
            with such instructions about half as fast again, on others slower than ``float32``.
        ema_decay: Factor per step of the exponential moving average of the weights, e.g. 0.998; 0 keeps the plain
            weights.
        resolutions: ``[[0.4, 24], [0.7, 36]]`` trains the first 40 % of the epochs at 24 pixels, until 70 % at 36, then
            at full size; needs an architecture of any input size.
        augmentation: How strongly images are augmented.
        mild_epochs: Number of last epochs in which images are augmented half as strongly.
        seed: Of weights, order and augmentation.
        limit: Largest number of images per split to train and evaluate on; 0 takes all.
    """

    name: str = "Emoscope"
    architecture: str = "residual"
    options: Mapping[str, Any] = field(default_factory=dict)
    initial: tuple[str, ...] = ()
    labels: Literal["fer", "ferplus", "both", "votes"] = "fer"
    ferplus_weight: float = 1.0
    input_size: tuple[int, int] = (48, 48)
    channels: int = 1
    normalization: Normalization = field(default_factory=Normalization)
    epochs: int = 40
    batch_size: int = 128
    optimizer: Literal["sgd", "adam", "adamw"] = "sgd"
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 0.0
    clip_norm: float = 0.0
    schedule: Literal["cosine", "plateau", "constant"] = "cosine"
    final_learning_rate: float = 0.0
    restart_epoch: int = 0
    restart_scale: float = 0.3
    warmup_epochs: float = 1.0
    plateau_patience: int = 5
    plateau_factor: float = 0.5
    loss: Literal["crossentropy", "focal"] = "crossentropy"
    focal_gamma: float = 2.0
    focal_alpha: tuple[float, ...] = (0.25,)
    label_smoothing: float = 0.0
    class_weights: float = 0.0
    weighted_sampling: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    teacher: tuple[str, ...] = ()
    privileged_votes: bool = False
    teacher_weight: float = 0.5
    teacher_views: float = 0.0
    cached_views: int = 0
    teacher_temperature: float = 2.0
    freeze_epochs: int = 0
    fine_tune_scale: float = 0.1
    patience: int = 0
    monitor: Literal["val_accuracy", "val_loss"] = "val_accuracy"
    precision: Literal["float32", "bfloat16"] = "float32"
    ema_decay: float = 0.0
    resolutions: tuple[tuple[float, int], ...] = ()
    augmentation: Augmentation = field(default_factory=Augmentation)
    mild_epochs: int = 0
    seed: int = 0
    limit: int = 0

    def __post_init__(self) -> None:
        positive = {
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "learning_rate": self.learning_rate,
            "plateau_patience": self.plateau_patience,
            "teacher_temperature": self.teacher_temperature,
            "fine_tune_scale": self.fine_tune_scale,
        }
        for key, value in positive.items():
            if value <= 0:
                raise ConfigError(f"{key} must be positive, not {value}.")
        for key in ("momentum", "label_smoothing", "ema_decay"):
            if not 0 <= getattr(self, key) < 1:
                raise ConfigError(f"{key} must lie in 0..1, below 1, not {getattr(self, key)}.")
        counts = ("restart_epoch", "patience", "limit", "freeze_epochs", "mild_epochs", "cached_views")
        strengths = ("weight_decay", "clip_norm", "warmup_epochs", "ferplus_weight", "focal_gamma", "mixup", "cutmix")
        for key in (*counts, *strengths):
            if getattr(self, key) < 0:
                raise ConfigError(f"{key} must not be negative, but is {getattr(self, key)}.")
        for key in ("class_weights", "weighted_sampling", "teacher_weight", "teacher_views"):
            if not 0 <= getattr(self, key) <= 1:
                raise ConfigError(f"{key} must lie in 0..1, not {getattr(self, key)}.")
        if not self.focal_alpha or min(self.focal_alpha) < 0:
            raise ConfigError("focal_alpha must be one number from 0, or one for each class.")
        if self.privileged_votes and (self.labels != "both" or not self.teacher):
            raise ConfigError("privileged_votes needs a teacher, and labels: both for the votes.")
        if self.teacher_views and not self.teacher:
            raise ConfigError(
                "teacher_views needs a teacher.", "Name saved runs as teacher, or set teacher_views to 0."
            )
        if self.cached_views and not self.teacher_views:
            raise ConfigError("cached_views needs teacher_views.", "Set teacher_views to 1, or cached_views to 0.")
        if self.channels not in (1, 3):
            raise ConfigError(f"channels must be 1 (gray) or 3 (RGB), not {self.channels}.")
        if self.architecture == "backbone" and self.normalization != Normalization("rescale", 1.0, 0.0):
            raise ConfigError(
                "architecture: backbone holds its own preprocessing and takes pixels as they are.",
                "Set normalization: {kind: rescale, scale: 1}.",
            )

    @property
    def heads(self) -> tuple[str, ...]:
        """Names of the network's heads, the saved one first."""
        return ("fer", "ferplus") if self.labels == "both" else (self.labels,)

    def without_teacher(self) -> TrainConfig:
        """Return the same configuration with labels alone to learn from."""
        return replace(self, teacher=(), privileged_votes=False, teacher_views=0.0, cached_views=0)

    def run_folders(self, output: Path) -> dict[str, Path]:
        """Return the folder of each head's run: the first has the output itself, others ``<output>-<head>``."""
        return {head: output.with_name(f"{output.name}-{head}") if i else output for i, head in enumerate(self.heads)}

    def side_at(self, epoch: int) -> int:
        """Return the training resolution of an epoch (0-based), in pixels."""
        for until, side in self.resolutions:
            if epoch < round(until * self.epochs):
                return side
        return self.input_size[0]


def config_names() -> list[str]:
    """Return the names of the configurations that come with the project, in alphabetical order."""
    return sorted(file.stem for file in CONFIGS.glob("*.yaml"))


def load_config(path: Path | str | None, overrides: Mapping[str, Any] | None = None) -> TrainConfig:
    """Read a configuration file and put flags over it.

    Args:
        path: A YAML file, or the name of one in ``training/configs``; None starts from the defaults.
        overrides: Values by dotted key, e.g. ``{"augmentation.rotation": 5}``.

    Raises:
        ConfigError: The file is missing or no YAML mapping, or a key or value is not possible.
    """
    values: dict[str, Any] = {}
    if path is not None:
        values = _renamed(_read_yaml(_find_config(path)))
    for key, value in _renamed(overrides or {}).items():
        target = values
        *parents, last = key.split(".")
        for parent in parents:
            target = target.setdefault(parent, {})
        target[last] = value
    return build(TrainConfig, values)


def _renamed(values: Mapping[str, Any]) -> dict[str, Any]:
    for old in CONFIG_KEYS.keys() & values.keys():
        print(f"note: the configuration key {old} is now called {CONFIG_KEYS[old]}.", file=sys.stderr)
    return with_current_keys(values)


def _find_config(path: Path | str) -> Path:
    for candidate in (Path(path), CONFIGS / f"{path}.yaml"):
        if candidate.is_file():
            return candidate
    known = config_names()
    raise ConfigError(
        f"There is no configuration {str(path)!r}.{near_match(str(path), known)}", f"Known: {', '.join(known)}."
    )


def _read_yaml(file: Path) -> dict[str, Any]:
    try:
        values = parse_yaml(file.read_text(encoding="utf-8")) or {}
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} is not readable YAML ({' '.join(str(error).split())}).") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{file} must hold `key: value` lines.")
    return values


def add_config_flags(parser: argparse.ArgumentParser) -> None:
    """Give a parser one flag for each configuration key, e.g. ``--epochs`` and ``--augmentation.rotation``."""
    group = parser.add_argument_group("configuration (flags win over the file)")

    def add(cls: type, prefix: str) -> None:
        for name, kind in get_type_hints(cls).items():
            if is_dataclass(kind):
                add(kind, f"{prefix}{name}.")  # type: ignore[arg-type]
            else:
                group.add_argument(f"--{prefix}{name}", dest=f"config:{prefix}{name}", metavar="VALUE", default=None)

    add(TrainConfig, "")
    for old in CONFIG_KEYS:
        group.add_argument(f"--{old}", dest=f"config:{old}", help=argparse.SUPPRESS)


def config_overrides(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the configuration keys that were given as flags, by dotted key."""
    return {
        key.removeprefix("config:"): value
        for key, value in vars(arguments).items()
        if key.startswith("config:") and value is not None
    }
