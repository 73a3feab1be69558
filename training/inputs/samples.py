"""What a training step takes: images at the epoch's resolution, targets and weights by head."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from emoscope.model.dataset import FERPLUS_CLASSES, Dataset, Split, ferplus_distribution, vote_distribution
from emoscope.model.errors import DataError
from emoscope.training.config.schema import TrainConfig
from emoscope.training.inputs.sampling import class_weights

VALIDATION_FRACTION = 0.1


@dataclass(frozen=True, eq=False)
class Samples:
    """Images with a target distribution and a weight for each head.

    Attributes:
        images: uint8, shape (N, H, W, C).
        pixel_hash: Of each image at its original size, as in its split, uint64, shape (N,).
        targets: By head, float32, shape (N, classes), rows summing to 1.
        weights: By head, float32, shape (N,); 0 where a head has no label for a sample.
        loss_weights: As ``weights``, times the weight of the sample's class in the training loss.
        teacher: Softened probabilities of teachers, float32, shape (N, classes), by head that has one.
    """

    images: np.ndarray
    pixel_hash: np.ndarray
    targets: dict[str, np.ndarray]
    weights: dict[str, np.ndarray]
    loss_weights: dict[str, np.ndarray]
    teacher: dict[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.images)

    def resized(self, side: int) -> Samples:
        """Return the same samples at another resolution (area averaging)."""
        _, height, width, channels = self.images.shape
        if (height, width) == (side, side):
            return self
        small = [cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA) for image in self.images]
        return replace(self, images=np.stack(small).reshape(-1, side, side, channels))

    def taught_targets(self) -> dict[str, np.ndarray]:
        """Return the targets by head; where it has a teacher, its probabilities follow, shape (N, 2 · classes)."""
        return {
            head: np.concatenate([values, self.teacher[head]], axis=1) if head in self.teacher else values
            for head, values in self.targets.items()
        }

    def labels(self, head: str) -> np.ndarray:
        """Return the likeliest class of each sample, int64, shape (N,); -1 where the head has no label."""
        return np.where(self.weights[head] > 0, self.targets[head].argmax(1), -1)


def head_classes(config: TrainConfig, dataset: Dataset) -> dict[str, tuple[str, ...]]:
    """Return the class names of each head."""
    names = {"fer": dataset.class_names, "ferplus": FERPLUS_CLASSES, "votes": dataset.class_names}
    return {head: names[head] for head in config.heads}


def without_absent_votes(config: TrainConfig, dataset: Dataset) -> TrainConfig:
    """Return the configuration without the head for FER+ votes where ``labels: both`` meets data that has none."""
    if config.labels != "both" or dataset.train is None or dataset.train.votes is not None:
        return config
    return replace(config, labels="fer", privileged_votes=False)


def training_samples(config: TrainConfig, dataset: Dataset) -> tuple[Samples, Samples]:
    """Return the samples to fit on and those to validate on.

    A data set without a validation split gives a tenth of its training split, stratified by class.

    Raises:
        DataError: There is no training split, a class has no image in it, or FER+ votes are wanted and absent.
    """
    train, validation = dataset.train, dataset.validation
    if train is None:
        raise DataError(
            f"{dataset.name} has no training split.", "Name one of its folders `train`, or give the whole FER-2013."
        )
    counts = train.class_counts(len(dataset.class_names))
    if not counts.all():
        absent = ", ".join(name for name, count in zip(dataset.class_names, counts, strict=True) if not count)
        raise DataError(
            f"The training split of {dataset.name} holds no image of {absent}.", "Add images, or remove the class."
        )
    fit = _samples(config, dataset, train)
    if validation is not None:
        held_out = _samples(config, dataset, validation)
    else:
        fit, held_out = _hold_out(fit, train.labels, config.seed)
    fit = _take(fit, config.limit, config.seed)
    return _weigh_classes(fit, config.class_weights), _take(held_out, config.limit, 0)


def _hold_out(samples: Samples, labels: np.ndarray, seed: int) -> tuple[Samples, Samples]:
    """Take a tenth of each class away."""
    rng = np.random.default_rng(seed)
    rank = np.empty(len(labels))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        rank[members] = (rng.permutation(len(members)) + 0.5) / len(members)
    held_out = rank < VALIDATION_FRACTION
    if not held_out.any():
        held_out[rng.integers(len(held_out))] = True
    return _select(samples, ~held_out), _select(samples, held_out)


def _weigh_classes(samples: Samples, strength: float) -> Samples:
    """Let rare classes count more in the training loss; a soft target counts as the mean of its classes."""
    if not strength:
        return samples
    loss_weights = {}
    for head, targets in samples.targets.items():
        of_class = class_weights(samples.labels(head), targets.shape[1], strength)
        loss_weights[head] = samples.weights[head] * (targets @ of_class)
    return replace(samples, loss_weights=loss_weights)


def _samples(config: TrainConfig, dataset: Dataset, split: Split) -> Samples:
    votes = split.votes
    targets: dict[str, np.ndarray] = {}
    weights: dict[str, np.ndarray] = {}
    if "fer" in config.heads:
        targets["fer"] = np.eye(len(dataset.class_names), dtype=np.float32)[split.labels]
        weights["fer"] = np.ones(len(split), np.float32)
    if config.labels != "fer" and votes is None:
        raise DataError(
            f"labels: {config.labels} needs the FER+ votes, and {dataset.name} came without them.",
            "Put fer2013new.csv beside the data, give --votes FILE, or train with --labels fer.",
        )
    if "ferplus" in config.heads and votes is not None:
        targets["ferplus"], weights["ferplus"] = ferplus_distribution(votes)
    if "votes" in config.heads and votes is not None:
        targets["votes"], usable = vote_distribution(votes, dataset.class_names)
        weights["votes"] = usable.astype(np.float32)
    return Samples(split.images, split.pixel_hash, targets, weights, weights)


def _select(samples: Samples, chosen: np.ndarray) -> Samples:
    weights = {head: values[chosen] for head, values in samples.weights.items()}
    targets = {head: values[chosen] for head, values in samples.targets.items()}
    return Samples(samples.images[chosen], samples.pixel_hash[chosen], targets, weights, weights)


def _take(samples: Samples, limit: int, seed: int) -> Samples:
    if not limit or limit >= len(samples):
        return samples
    return _select(samples, np.sort(np.random.default_rng(seed).permutation(len(samples))[:limit]))
