"""Teachers: the probabilities of saved runs on the training images, computed once.

Teachers predict each plain image and its mirror image, and the mean of both is kept; only the student's images are
augmented. A network has partly memorised the images that it was trained on, noise in their labels included. The
out-of-fold predictions of a cross-validation are free of that: where there are such, they alone are taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from emoscope.model.emotions import emotion_key
from emoscope.model.errors import ConfigError
from emoscope.model.networks.load import load_classifier
from emoscope.model.runs.run import KERAS_FILE, Run, load_run
from emoscope.model.splits import NAMES, find_split
from emoscope.training.distillation.cache import content_hash, read_cached, write_cached
from emoscope.training.evaluation.evaluate import classify_images
from emoscope.training.evaluation.flip import FlipAverage
from emoscope.training.evaluation.labels import class_lookup


def soften(probabilities: Any, temperature: float, xp: ModuleType = np) -> Any:
    """Return what a softmax would give for logits divided by a temperature, shape (N, classes).

    Args:
        probabilities: float32, shape (N, classes).
        temperature: Above 0.
        xp: ``numpy``, or ``keras.ops`` inside a training step.

    Source: Hinton et al., "Distilling the Knowledge in a Neural Network", 2015.
    """
    powers = xp.maximum(probabilities, 1e-12) ** (1 / temperature)
    return powers / xp.sum(powers, axis=-1, keepdims=True)


def teacher_probabilities(
    teachers: tuple[str, ...],
    classes: Mapping[str, tuple[str, ...]],
    images: np.ndarray,
    pixel_hash: np.ndarray,
    cache: Path,
) -> dict[str, np.ndarray]:
    """Predict images with saved runs, or read the predictions cached last time.

    Args:
        teachers: Keys or folders of saved runs; several for one head are averaged. Where one of them is a
            cross-validation, teachers with a network are left out for its head.
        classes: Class names by head. A teacher belongs to the head whose classes it knows, in whatever order.
        images: uint8, shape (N, H, W, C).
        pixel_hash: Of the images, uint64, shape (N,).
        cache: File that caches the predictions; those of other teachers or images are replaced.

    Returns:
        By head that has a teacher, float32, shape (N, classes), in the head's order.

    Raises:
        ConfigError: A teacher's classes are those of no head, or a cross-validation lacks predictions on some images.
        RunError: A teacher is no saved run, or holds neither a network nor predictions on training images.
        EmoscopeError: The cache cannot be written.
    """
    runs = _preferring_out_of_fold([load_run(teacher) for teacher in teachers], classes)
    heads = [head_of(run, classes) for run in runs]
    identity = {
        "teachers": [[run.key, prediction_hash(run)] for run in runs],
        "classes": {head: list(classes[head]) for head in sorted(set(heads))},
        "images": [content_hash(images), content_hash(pixel_hash)],
    }
    if (cached := read_cached(cache, identity)) is not None:
        return cached
    sums: dict[str, np.ndarray] = {}
    for run, head in zip(runs, heads, strict=True):
        predicted = (
            _out_of_fold_predictions(run, pixel_hash) if is_cross_validation(run) else _flip_average(run, images)
        )
        found = predicted[:, class_lookup(classes[head], run.info.class_names)]
        if found.shape[1] < predicted.shape[1]:
            found /= found.sum(1, keepdims=True)
        sums[head] = sums.get(head, 0) + found / heads.count(head)
    write_cached(cache, identity, sums)
    return sums


def head_of(run: Run, classes: Mapping[str, tuple[str, ...]]) -> str:
    """Return the head whose classes a run knows, in whatever order; on votes, it may know others besides.

    Raises:
        ConfigError: There is none.
    """
    known = {emotion_key(name) for name in run.info.class_names}
    for head, names in classes.items():
        own = {emotion_key(name) for name in names}
        if own == known or (head == "votes" and own < known):
            return head
    wanted = " or ".join(", ".join(names) for names in classes.values())
    raise ConfigError(
        f"The run {run.key} knows the classes {', '.join(run.info.class_names)}, not {wanted}.",
        "Choose a run with the classes that are trained on.",
    )


def is_cross_validation(run: Run) -> bool:
    """Tell whether a run gathers the out-of-fold predictions of a cross-validation."""
    return "folds" in run.info.config


def _preferring_out_of_fold(runs: list[Run], classes: Mapping[str, tuple[str, ...]]) -> list[Run]:
    """Leave out the networks of heads for which there is a cross-validation."""
    held_out = {head_of(run, classes) for run in runs if is_cross_validation(run)}
    return [run for run in runs if is_cross_validation(run) or head_of(run, classes) not in held_out]


def _out_of_fold_predictions(run: Run, pixel_hash: np.ndarray) -> np.ndarray:
    found = run.predictions(find_split("training", run.splits) or NAMES["training"][0])
    found.need_probabilities("Distillation")
    order = np.argsort(found.pixel_hash)
    place = np.minimum(np.searchsorted(found.pixel_hash[order], pixel_hash), len(order) - 1)
    if (absent := np.count_nonzero(found.pixel_hash[order][place] != pixel_hash)) > 0:
        raise ConfigError(
            f"{run.key} has no prediction on {absent:,} of the {len(pixel_hash):,} training images.",
            "Cross-validate on the data that you train on.",
        )
    return found.probabilities[order][place]


def _flip_average(run: Run, images: np.ndarray) -> np.ndarray:
    classifier = FlipAverage(load_classifier(run))
    try:
        return classify_images(classifier, images, f"{run.key} teaches")
    finally:
        classifier.close()


def prediction_hash(run: Run) -> str:
    """Return a hash of what decides a teacher's predictions: its network, or those of a cross-validation."""
    if is_cross_validation(run):
        return "".join(content_hash(run.predictions(split).probabilities) for split in run.splits)
    file = run.litert_file or run.path / KERAS_FILE
    return content_hash(np.frombuffer(file.read_bytes(), np.uint8)) if file.is_file() else ""
