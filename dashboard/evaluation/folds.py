"""Runs that share a row of the leaderboard: those that differ by seed alone, or those of one architecture or tag."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, count, takewhile
from typing import Any

import numpy as np

from emoscope.model.runs.notes import Note
from emoscope.model.runs.run import Run

SEEDS = "Seeds"
BY: dict[str, Callable[[Run, Note], list[str]]] = {
    "Architecture": lambda run, note: [run.info.architecture],
    "Data set": lambda run, note: [run.info.dataset.name],
    "Labels": lambda run, note: [run.info.label_source or "unnamed"],
    "Tag": lambda run, note: list(note.tags) or ["no tag"],
}
"""What runs are grouped by beside their seeds: the groups that a run is in."""
WAYS = (SEEDS, *BY, "Nothing")
SEPARATORS = "_. -"
"""What a run's key is divided by."""


@dataclass(frozen=True)
class Fold:
    """Some runs in one row.

    Attributes:
        name: What it is called, and known by in the page's address.
        keys: Of its runs.
    """

    name: str
    keys: tuple[str, ...]

    @property
    def is_single(self) -> bool:
        """Whether it is one run."""
        return len(self.keys) == 1


def fold(runs: Mapping[str, Run], way: str, notes: Mapping[str, Note]) -> list[Fold]:
    """Put runs into rows, in the order of their first runs.

    Args:
        runs: By key.
        way: One of ``WAYS``.
        notes: By key; they hold the tags.
    """
    if way in BY:
        return _united([(name, key) for key, run in runs.items() for name in BY[way](run, notes.get(key, Note()))])
    if way != SEEDS:
        return [Fold(key, (key,)) for key in runs]
    groups: dict[str, list[str]] = {}
    for key, run in runs.items():
        groups.setdefault(_but_the_seed(run) or key, []).append(key)
    folds: list[Fold] = []
    for keys in groups.values():
        seeds = {runs[key].info.seed for key in keys}
        if len(keys) > 1 and len(seeds) == len(keys):
            folds.append(Fold(_free(_common_name(keys, runs), {*runs, *(one.name for one in folds)}), tuple(keys)))
        else:
            folds += [Fold(key, (key,)) for key in keys]
    return folds


def over_seeds(runs: Mapping[str, Run]) -> dict[str, tuple[str, ...]]:
    """Return the runs that differ by seed alone: their keys by a common name; none that stands alone."""
    return {one.name: one.keys for one in fold(runs, SEEDS, {}) if not one.is_single}


def spread(values: Iterable[float]) -> tuple[float, float]:
    """Return mean and sample standard deviation of the values that are numbers; NaN where too few are."""
    known = np.array([value for value in values if np.isfinite(value)], np.float64)
    mean = float(known.mean()) if known.size else float("nan")
    return mean, float(known.std(ddof=1)) if known.size > 1 else float("nan")


def _united(pairs: list[tuple[str, str]]) -> list[Fold]:
    groups: dict[str, list[str]] = {}
    for name, key in pairs:
        groups.setdefault(name, []).append(key)
    return [Fold(name, tuple(keys)) for name, keys in groups.items()]


def _but_the_seed(run: Run) -> str:
    """Return all that makes a run but its seed and its names; empty where that is not known."""
    info = run.info
    if info.seed is None or not info.config:
        return ""
    design = (info.architecture, info.class_names, info.input_size, info.channels, info.parameters, info.multiply_adds)
    data = (info.label_source, info.dataset.name, info.dataset.fingerprint, info.origin)
    return json.dumps([design, data, _without_names(info.config)], sort_keys=True, default=str)


def _without_names(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {name: _without_names(entry) for name, entry in value.items() if name not in ("seed", "name")}


def _common_name(keys: list[str], runs: Mapping[str, Run]) -> str:
    """Return what the keys begin with, whole words only, or the first run's title where that is nothing."""
    words = zip(*(re.split(f"([{SEPARATORS}])", key) for key in keys), strict=False)
    common = "".join(word[0] for word in takewhile(lambda word: len(set(word)) == 1, words))
    return common.rstrip(SEPARATORS).removesuffix("seed").rstrip(SEPARATORS) or runs[keys[0]].info.name


def _free(name: str, taken: Container[str]) -> str:
    """Return a name that is not taken."""
    others = (f"{name} (seeds {number})" for number in count(2))
    return next(free for free in chain((name, f"{name} (seeds)"), others) if free not in taken)
