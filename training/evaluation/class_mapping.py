"""Data whose classes have other names, or are others, brought to a network's classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from emoscope.model.dataset import Dataset, Split
from emoscope.model.dataset.samples import fingerprint
from emoscope.model.emotions import emotion_key
from emoscope.model.errors import DataError


@dataclass(frozen=True)
class Matched:
    """What became of one class of the data.

    Attributes:
        theirs: Its name in the data.
        own: The network's class; empty where its images are left out.
        images: In all splits.
    """

    theirs: str
    own: str
    images: int


def match_classes(
    dataset: Dataset, class_names: Sequence[str], given: Mapping[str, str]
) -> tuple[Dataset, list[Matched]]:
    """Return data with a network's classes, and what became of each of their own.

    Args:
        dataset: With classes of any names.
        class_names: The network's.
        given: By a class of the data the network's class that it means, or an empty name to leave its images out;
            classes that are not in it are matched by their emotion.

    Raises:
        DataError: A class that is given does not exist, or one of the data's means none of the network's.
    """
    places = {emotion_key(name): i for i, name in enumerate(class_names)}
    theirs = {emotion_key(name): name for name in dataset.class_names}
    for source, target in given.items():
        if emotion_key(source) not in theirs:
            raise DataError(
                f"--map names the class {source}, which the data have not.",
                f"Theirs: {', '.join(dataset.class_names)}.",
            )
        if target and emotion_key(target) not in places:
            raise DataError(
                f"--map names the class {target}, which the network has not.", f"Its own: {', '.join(class_names)}."
            )
    wanted = {emotion_key(source): emotion_key(target) if target else "" for source, target in given.items()}
    label_of, matched = [], []
    for i, name in enumerate(dataset.class_names):
        key = wanted.get(emotion_key(name), emotion_key(name))
        if key and key not in places:
            raise DataError(
                f"The data's class {name} is none of the network's: {', '.join(class_names)}.",
                f"Say which it means, e.g. --map {name}={class_names[0]}, or leave its images out: --map {name}=",
            )
        label_of.append(places[key] if key else -1)
        images = sum(int((split.labels == i).sum()) for split in dataset.splits.values())
        matched.append(Matched(name, class_names[places[key]] if key else "", images))
    if not given:
        return dataset, matched
    lookup = np.array(label_of)
    splits = {name: _relabelled(split, lookup[split.labels]) for name, split in dataset.splits.items()}
    splits = {name: split for name, split in splits.items() if len(split)}
    if not splits:
        raise DataError("--map leaves no image.", "Leave out fewer classes.")
    names = tuple(class_names)
    return replace(dataset, class_names=names, splits=splits, fingerprint=fingerprint(splits)), matched


def _relabelled(split: Split, labels: np.ndarray) -> Split:
    kept = labels >= 0
    votes = None if split.votes is None else split.votes[kept]
    return Split(split.images[kept], labels[kept], split.pixel_hash[kept], split.names[kept], votes)


def matching_table(matched: Sequence[Matched]) -> str:
    """Format what became of each class for a terminal; empty where every class is called as the network calls it."""
    if all(row.theirs == row.own for row in matched):
        return ""
    width = max(len(row.theirs) for row in matched)
    return "\n".join(f"  {row.theirs:<{width}} -> {row.own or 'left out'} ({row.images:,} images)" for row in matched)
