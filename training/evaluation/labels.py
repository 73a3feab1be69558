"""From a data set's labels to the labels that a network's outputs stand for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emoscope.model.dataset import FERPLUS_CLASSES, Dataset, Split, ferplus_argmax, ferplus_majority
from emoscope.model.emotions import emotion_key
from emoscope.model.errors import DataError, RunError
from emoscope.model.runs.run import RunInfo


def labels_for(info: RunInfo, dataset: Dataset, split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Express a split's labels as indices of a network's classes.

    A network that was trained on FER+ labels (``label_source`` starts with ``ferplus``) is scored against labels
    derived from the votes, by majority unless its name says ``argmax``; rows without such a label are left out.

    Args:
        info: Of the run.
        dataset: That the split is part of.
        split: The samples.

    Returns:
        Positions of the scored samples in the split, int64, and their class indices, int64, both of shape (n,).

    Raises:
        RunError: The network has no output for one of the data set's classes.
        DataError: The labels need FER+ votes and the data set has none, or no sample is left.
    """
    kept, labels, names = source_labels(info.label_source, dataset, split)
    return kept, class_lookup(names, info.class_names)[labels]


def source_labels(label_source: str, dataset: Dataset, split: Split) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Return the labels of one source as they are.

    Args:
        label_source: As in ``run.json``.
        dataset: That the split is part of.
        split: The samples.

    Returns:
        Positions of the labelled samples in the split, int64, and their labels, int64, both of shape (n,); and the
        class names that the labels index.

    Raises:
        DataError: The labels need FER+ votes and the data set has none, or no sample is left.
    """
    names: tuple[str, ...] = dataset.class_names
    labels = split.labels
    if label_source.startswith("ferplus"):
        if split.votes is None:
            raise DataError(
                f"FER+ labels are wanted ({label_source}), and {dataset.name} came without the vote file.",
                "Put fer2013new.csv beside the data or name it with --votes.",
            )
        derive = ferplus_argmax if "argmax" in label_source else ferplus_majority
        labels, names = derive(split.votes), FERPLUS_CLASSES
    kept = np.flatnonzero(labels >= 0)
    if not kept.size:
        raise DataError(f"{dataset.name} has no labelled sample to score on.", "Give other data.")
    return kept, labels[kept], names


def class_lookup(names: Sequence[str], class_names: Sequence[str]) -> np.ndarray:
    """Return the position of each of ``names`` among ``class_names``, synonyms matched, int64.

    Raises:
        RunError: One is missing.
    """
    places = {emotion_key(name): i for i, name in enumerate(class_names)}
    missing = [name for name in names if emotion_key(name) not in places]
    if missing:
        raise RunError(
            f"The data has the class {missing[0]}, which is none of the network's: {', '.join(class_names)}.",
            "Give data with the network's classes, or name the network's classes in order with --classes.",
        )
    return np.array([places[emotion_key(name)] for name in names], np.int64)
