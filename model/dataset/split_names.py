"""The names that data sets give their splits, brought to ours."""

from __future__ import annotations

from collections.abc import Iterable

from emoscope.model.splits import KNOWN, NAMES

ALL = "all"
"""The one split of a data set that has none."""

_SYNONYMS = {
    "training": "train",
    "validate": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "testing": "test",
}
_FER2013 = {
    "training": "Training",
    "publictest": "PublicTest",
    "privatetest": "PrivateTest",
    "fer2013train": "Training",
    "fer2013valid": "PublicTest",
    "fer2013test": "PrivateTest",
}
STANDARD = ("train", "validation", "test")
"""What the splits of other data sets than FER-2013 are called."""


def standard_names(names: Iterable[str]) -> dict[str, str]:
    """Return our name of each split: FER-2013's where all are its own, else ``train``, ``validation`` and ``test``.

    A name that is none of these, in any case, stays as it is.
    """
    lowered = {name: name.casefold() for name in names}
    is_fer2013 = all(low in _FER2013 for low in lowered.values()) and set(lowered.values()) != {"training"}
    table = _FER2013 if is_fer2013 else _SYNONYMS
    return {name: table.get(low, low if low in STANDARD else name) for name, low in lowered.items()}


def is_split_name(name: str) -> bool:
    """Tell whether a name alone says which split is meant."""
    return standard_names([name])[name] in KNOWN


def split_rank(split: str) -> tuple[int, str]:
    """Return what splits are sorted by: training, validation, test, then others by name."""
    return next((rank for rank, names in enumerate(NAMES.values()) if split in names), len(NAMES)), split
