"""Losses over logits and target distributions, one class of each head's outputs at a time."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import keras
import numpy as np
from keras import ops

from emoscope.model.errors import ConfigError
from emoscope.training.config.schema import TrainConfig


def crossentropy(targets: Any, logits: Any, gamma: float = 0.0, alpha: Any = 1.0, xp: ModuleType = np) -> Any:
    """Return the (focal) cross-entropy of each sample, ``-Σ alpha · target · (1 - p)^gamma · log p``, shape (N,).

    Args:
        targets: Distribution over the classes, float32, shape (N, classes).
        logits: Shape (N, classes).
        gamma: Focusing exponent; 0 is the plain cross-entropy.
        alpha: Factor of each class, shape (classes,), or of all.
        xp: ``numpy``, or ``keras.ops`` inside a training step.

    Source: Lin et al., "Focal Loss for Dense Object Detection", 2017, for several classes and soft targets.
    """
    shifted = logits - xp.max(logits, axis=-1, keepdims=True)
    log_probabilities = shifted - xp.log(xp.sum(xp.exp(shifted), axis=-1, keepdims=True))
    terms = targets * log_probabilities
    if gamma:
        # Kept above 0, where the power has no finite slope for gamma below 1.
        terms = terms * xp.power(xp.maximum(1.0 - xp.exp(log_probabilities), 1e-7), gamma)
    return -xp.sum(alpha * terms, axis=-1)


class FocalCrossentropy(keras.losses.Loss):
    """The focal loss of a head as Keras compiles it.

    Args:
        gamma: Focusing exponent.
        alpha: One factor, or one for each class.
        label_smoothing: Probability mass spread over all classes of the targets.
    """

    def __init__(self, gamma: float, alpha: tuple[float, ...], label_smoothing: float = 0.0) -> None:
        super().__init__(name="focal_crossentropy")
        self.gamma, self.alpha, self.label_smoothing = gamma, np.array(alpha, np.float32), label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, shape (N,)."""
        smoothed = y_true * (1.0 - self.label_smoothing) + self.label_smoothing / y_true.shape[-1]
        return crossentropy(smoothed, y_pred, self.gamma, self.alpha, ops)


class DistillationLoss(keras.losses.Loss):
    """The labels' loss beside the divergence from a teacher, whose probabilities follow the labels in the targets.

    The divergence is multiplied by the squared temperature, which its gradient shrinks by.

    Args:
        labels_loss: Of the labels alone.
        weight: Share of the teacher, 0..1.
        temperature: Of both sides; the teacher's probabilities come softened.
        views: Share of the teacher's part that its predictions on the augmented images have, 0..1. These probabilities
            follow the logits in the model's outputs.

    Source: Hinton et al., "Distilling the Knowledge in a Neural Network", 2015.
    """

    def __init__(self, labels_loss: keras.losses.Loss, weight: float, temperature: float, views: float) -> None:
        super().__init__(name="distillation")
        self.labels_loss, self.weight, self.temperature, self.views = labels_loss, weight, temperature, views

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, shape (N,); ``y_true`` and, with views, ``y_pred`` are (N, 2 · classes)."""
        classes = y_true.shape[-1] // 2
        teacher, logits = y_true[:, classes:], y_pred[:, :classes]
        if self.views:
            teacher = (1.0 - self.views) * teacher + self.views * y_pred[:, classes:]
        entropy = -ops.sum(teacher * ops.log(ops.maximum(teacher, 1e-12)), axis=-1)
        divergence = crossentropy(teacher, logits / self.temperature, xp=ops) - entropy
        labels = self.labels_loss.call(y_true[:, :classes], logits)
        return (1.0 - self.weight) * labels + self.weight * self.temperature**2 * divergence


def head_loss(
    config: TrainConfig, head: str, classes: int, taught: bool = False, online: bool = False
) -> keras.losses.Loss:
    """Return the loss that trains a head.

    Votes are soft already: only the data set's hard labels are smoothed.

    Args:
        config: The loss and its parameters.
        head: Name of the head.
        classes: Its number of classes.
        taught: Whether the targets also hold a teacher's probabilities.
        online: Whether the model's outputs hold those of an online teacher.

    Raises:
        ConfigError: ``focal_alpha`` is neither one number nor one for each class.
    """
    smoothing = config.label_smoothing if head == "fer" else 0.0
    loss: keras.losses.Loss
    if config.loss == "crossentropy":
        loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
    elif len(config.focal_alpha) in (1, classes):
        loss = FocalCrossentropy(config.focal_gamma, config.focal_alpha, smoothing)
    else:
        raise ConfigError(
            f"focal_alpha holds {len(config.focal_alpha)} numbers, and {head} has {classes} classes.",
            "Give one number, or one for each class.",
        )
    if not taught:
        return loss
    return DistillationLoss(loss, config.teacher_weight, config.teacher_temperature, config.teacher_views * online)


def sample_losses(config: TrainConfig, targets: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Return the configured loss of each sample without label smoothing, as validation reports it, shape (N,)."""
    if config.loss == "crossentropy":
        return crossentropy(targets, logits)
    return crossentropy(targets, logits, config.focal_gamma, np.array(config.focal_alpha, np.float32))
