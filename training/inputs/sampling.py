"""Which samples a training sees, and how much each counts: class weights, weighted drawing, cross-validation folds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.model_selection import StratifiedKFold

from emoscope.model.errors import ConfigError


def class_weights(labels: np.ndarray, classes: int, strength: float = 1.0) -> np.ndarray:
    """Weigh classes against their frequency, so that the mean weight of a sample is 1.

    Args:
        labels: Class indices, shape (N,); -1 where there is no label.
        classes: Number of classes C.
        strength: 1 makes every class count the same, 0 every sample; 0.5 is the square root between them.

    Returns:
        float32, shape (C,); 0 for classes without samples.
    """
    counts = np.bincount(labels[labels >= 0], minlength=classes)
    present = counts > 0
    weights = np.zeros(classes)
    weights[present] = (1.0 / counts[present]) ** strength
    return (weights * (counts.sum() / max((weights * counts).sum(), 1e-12))).astype(np.float32)


def weighted_indices(
    labels: np.ndarray, classes: int, rng: np.random.Generator, strength: float = 1.0, count: int | None = None
) -> np.ndarray:
    """Draw an epoch's samples with replacement, rare classes more often.

    Args:
        labels: Class indices, shape (N,); samples of -1 are never drawn.
        classes: Number of classes.
        rng: Source of randomness; a generator of the same state draws the same epoch.
        strength: As for :func:`class_weights`; at 1 every class is drawn equally often.
        count: Samples to draw; N by default.

    Returns:
        Positions, int64, shape (count,).
    """
    weights = np.append(class_weights(labels, classes, strength), 0)[labels].astype(np.float64)
    return rng.choice(len(labels), size=count or len(labels), p=weights / weights.sum()).astype(np.int64)


def stratified_folds(
    labels: np.ndarray,
    folds: int,
    seed: int,
    groups: np.ndarray | None = None,
    class_names: Sequence[str] | None = None,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Split samples for cross-validation; each fold holds every class in about its share of the whole.

    Args:
        labels: Class indices, shape (N,).
        folds: Number of folds, at least 2.
        seed: Of the shuffling.
        groups: Samples of equal value stay in one fold, shape (N,). The pixel hash keeps copies of an image from being
            trained and validated on at once.
        class_names: For messages.

    Returns:
        For each fold the positions to train on and those to validate on, int64, ascending. Every sample is validated
        on exactly once.

    Raises:
        ConfigError: There are fewer than 2 folds, or fewer samples (or groups) of a class than folds.
    """
    if folds < 2:
        raise ConfigError(f"Cross-validation needs at least 2 folds, not {folds}.", "Give --folds 5, say.")
    if groups is None:
        groups = np.arange(len(labels))
    # Copies of one image are rare and mostly alike in label, so a group goes by the label of its first sample.
    _, first, group_of = np.unique(groups, return_index=True, return_inverse=True)
    labels_of_groups = labels[first]
    counts = np.bincount(labels_of_groups, minlength=int(labels.max()) + 1).tolist()
    for label in np.unique(labels):
        if (found := counts[label]) < folds:
            name = class_names[label] if class_names is not None else f"class {label}"
            raise ConfigError(
                f"{name} has {found} different image{'' if found == 1 else 's'}, fewer than the {folds} folds.",
                "Take fewer folds or add images.",
            )
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    fold_of_group = np.empty(len(first), np.int64)
    for fold, (_, held_out) in enumerate(splitter.split(labels_of_groups, labels_of_groups)):
        fold_of_group[held_out] = fold
    fold_of = fold_of_group[group_of]
    return [(np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)) for fold in range(folds)]
