"""Splits for a data set that comes without: 80/10/10, by class and, where file names tell who is shown, by person."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from emoscope.model.dataset.samples import Dataset, Split, fingerprint
from emoscope.model.dataset.split_names import ALL, STANDARD, split_rank, standard_names

SHARES = (0.8, 0.1, 0.1)
SEED = 0
MIN_IMAGES = 10
"""Of each class; with fewer, a tenth holds no image of it."""

_SUBJECTS = (
    re.compile(r"(S\d{3})_\d{3}_\d{8}\.\w+", re.ASCII | re.IGNORECASE),  # CK+
    re.compile(r"([A-Z]{2})\.[A-Z]{2}\d\.\d+\.\w+", re.ASCII | re.IGNORECASE),  # JAFFE
)


def make_splits(labels: np.ndarray, names: Sequence[str]) -> tuple[np.ndarray | None, str]:
    """Deal samples to ``STANDARD``, always in the same way for the same samples.

    Args:
        labels: Class indices, int64, shape (N,).
        names: Where each sample comes from; CK+'s and JAFFE's file names tell who is shown.

    Returns:
        The index of each sample's split, int64, shape (N,), or None where there are too few samples; and a sentence
        that says what was done.
    """
    fewest = int(np.bincount(labels)[np.unique(labels)].min())
    if fewest < MIN_IMAGES:
        return None, f"There are no splits, and too few images of a class ({fewest}) to make some."
    groups = [subject_of(name) for name in names]
    subjects = {group for group in groups if group}
    if 2 * sum(map(bool, groups)) < len(groups):
        chosen = _by_class(labels)
        return chosen, f"No splits came with it: 80/10/10 were made by class (seed {SEED})."
    if len(subjects) < len(SHARES):
        return None, f"There are no splits, and too few people ({len(subjects)}) to make some."
    chosen = _by_subject(labels, [group or name for group, name in zip(groups, names, strict=True)])
    note = f"80/10/10 were made by class and person (seed {SEED}); none of {len(subjects)} people is in two splits"
    return chosen, f"No splits came with it: {note}."


def dealt(words: Sequence[str], labels: np.ndarray, names: Sequence[str]) -> tuple[dict[str, np.ndarray], str]:
    """Return the samples of each split by our names, and a sentence where the splits were made or some had none.

    Args:
        words: The split of each sample as its source calls it; empty where it has none.
        labels: Class indices, -1 where a sample is left out, int64, shape (N,).
        names: Where each sample comes from.
    """
    if not any(words):
        chosen, note = make_splits(np.maximum(labels, 0), names)
        return ({ALL: np.arange(len(labels))} if chosen is None else split_parts(chosen)), note
    standard = standard_names({word for word in words if word})
    found = np.array([standard.get(word, "train") for word in words])
    strays = sum(not word for word in words)
    note = f"{strays:,} images for which no split is told went into train." if strays else ""
    return {name: np.flatnonzero(found == name) for name in sorted(set(found.tolist()), key=split_rank)}, note


def without_made_splits(dataset: Dataset) -> Dataset:
    """Return a data set whose splits were made on reading as one split, ``all``, by name; others as is."""
    if not dataset.made_splits:
        return dataset
    order = np.argsort(np.concatenate([split.names for split in dataset.splits.values()]), kind="stable")

    def together(field: str) -> np.ndarray:
        return np.concatenate([getattr(split, field) for split in dataset.splits.values()])[order]

    has_votes = all(split.votes is not None for split in dataset.splits.values())
    fields = ("images", "labels", "pixel_hash", "names", *(["votes"] if has_votes else []))
    splits = {ALL: Split(*map(together, fields))}
    return replace(dataset, splits=splits, fingerprint=fingerprint(splits), made_splits=False)


def subject_of(name: str) -> str:
    """Return who is shown, as CK+'s and JAFFE's file names tell; empty where the name does not tell."""
    file = name.rpartition("/")[2]
    return next((found[1].upper() for pattern in _SUBJECTS if (found := pattern.fullmatch(file))), "")


def split_parts(chosen: np.ndarray) -> dict[str, np.ndarray]:
    """Return the samples of each split that has some, in their order, by name."""
    parts = {name: np.flatnonzero(chosen == code) for code, name in enumerate(STANDARD)}
    return {name: part for name, part in parts.items() if part.size}


def _by_class(labels: np.ndarray) -> np.ndarray:
    random = np.random.default_rng(SEED)
    chosen = np.zeros(len(labels), np.int64)
    for label in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == label))
        tenth = round(SHARES[1] * len(members))
        chosen[members[:tenth]], chosen[members[tenth : 2 * tenth]] = 1, 2
    return chosen


def _by_subject(labels: np.ndarray, groups: Sequence[str]) -> np.ndarray:
    """Deal whole subjects, those with most images first, each to the split that lacks most of what it brings."""
    members = defaultdict(list)
    for place, group in enumerate(groups):
        members[group].append(place)
    classes = int(labels.max()) + 1
    lacking = np.outer(SHARES, np.bincount(labels, minlength=classes)).astype(float)  # (splits, classes)
    wanted = lacking.sum(1, keepdims=True)
    order = np.random.default_rng(SEED).permutation(sorted(members))
    chosen = np.zeros(len(labels), np.int64)
    empty = set(range(len(SHARES)))
    for left, group in zip(range(len(order), 0, -1), sorted(order, key=lambda name: -len(members[name])), strict=True):
        brings = np.bincount(labels[members[group]], minlength=classes)
        fit = ((lacking / wanted) * brings).sum(1)
        allowed = sorted(empty) if left <= len(empty) else range(len(SHARES))
        split = max(allowed, key=lambda code: fit[code])
        lacking[split] -= brings
        empty.discard(split)
        chosen[members[group]] = split
    return chosen
