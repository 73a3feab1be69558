"""What part each split of a data set plays, by its name, and the order in which splits are shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

Part = Literal["training", "validation", "test"]

NAMES: dict[Part, tuple[str, ...]] = {
    "training": ("Training", "train"),
    "validation": ("PublicTest", "validation"),
    "test": ("PrivateTest", "test"),
}
"""The names of each part, first match wins: FER-2013's own, then those of folders."""

KNOWN = tuple(name for names in NAMES.values() for name in names)


_BY_VOTES = " by votes"


def by_votes(split: str) -> str:
    """Return the name of a split judged by the majority of votes on its images, not by the data set's labels."""
    return images_of(split) + _BY_VOTES


def is_by_votes(split: str) -> bool:
    """Tell whether a name is one of :func:`by_votes`."""
    return split.endswith(_BY_VOTES)


def images_of(split: str) -> str:
    """Return the split whose images a name stands for, whatever labels they are judged by."""
    return split.removesuffix(_BY_VOTES)


def find_split(part: Part, splits: Iterable[str]) -> str | None:
    """Return the split that plays a part; None where there is none."""
    present = set(splits)
    return next((name for name in NAMES[part] if name in present), None)


def is_training(split: str) -> bool:
    """Tell whether networks learn from a split."""
    return split in NAMES["training"]


def by_importance(splits: Iterable[str]) -> tuple[str, ...]:
    """Return splits in the order in which they are offered: test, validation, others by name, training.

    Everything is chosen on the validation split, so figures of the test split are the ones to begin with. The same
    images judged by votes follow those judged by the data set's labels.
    """
    order: tuple[Part, ...] = ("test", "validation")
    ranks = {name: rank for rank, part in enumerate(order) for name in NAMES[part]}

    def rank(name: str) -> tuple[bool, int, str]:
        images = images_of(name)
        return is_training(images), ranks.get(images, len(order)), name

    return tuple(sorted(splits, key=rank))
