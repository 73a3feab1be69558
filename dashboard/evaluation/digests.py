"""What a list of runs needs of the predictions of each, small enough to keep for hundreds of them.

A page that lists 200 runs cannot read 200 files of predictions each time, so a digest is kept on disk, too, until one
of the run's files, or the code that computes figures, changes. It stands for predictions that have not changed since;
nothing is taken from a file that a run brings along. What one session brought stays in memory.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

import numpy as np

from emoscope.model import evaluation
from emoscope.model.dataset.cache import cache_root
from emoscope.model.emotions import emotion_key
from emoscope.model.errors import RunError
from emoscope.model.runs.figures import Metrics
from emoscope.model.runs.files import write_atomically
from emoscope.model.runs.known_votes import judged_by_votes
from emoscope.model.runs.predictions import Detail, Predictions
from emoscope.model.runs.run import Run, run_folder

FOLDER = "digests"
MOST_CLASSES = 100
"""Of a digest on disk: the confusion matrix of more classes takes longer to read than to count."""

Signature = Sequence[tuple[str, int, int]]
"""The files that figures follow from: name, size in bytes, and time of change in nanoseconds; 0 where there is none."""


@dataclass(frozen=True, eq=False)
class Digest:
    """What is kept of a run's predictions on a split.

    Attributes:
        figures: With intervals.
        detail: What is known of each image.
        samples: Class names in alphabetical order, and a hash of all images with their labels; two runs with equal ones
            were scored on the same.
        right: Whether the run gets each image right, bool, shape (N,), in an order that ``samples`` alone decides.
        has_votes: Whether people's votes are known for the images.
    """

    figures: Metrics
    detail: Detail | Literal["report"]
    samples: tuple[tuple[str, ...], str] | None = None
    right: np.ndarray | None = None
    has_votes: bool = False

    @property
    def identifies_images(self) -> bool:
        """Whether it is known what was predicted on which image."""
        return self.right is not None

    @property
    def class_sizes(self) -> tuple[tuple[str, int], ...]:
        """How many images each class has, by the class's name in alphabetical order."""
        return tuple(sorted((emotion_key(row["name"]), row["support"]) for row in self.figures["per_class"]))


def digest_of(run: Run, split: str, found: Predictions, figures: Metrics) -> Digest:
    """Sum up predictions.

    Args:
        run: Whose they are.
        split: That they are on, maybe judged by votes.
        found: The predictions.
        figures: Of them, with intervals.
    """
    names = [emotion_key(name) for name in run.info.class_names]
    places = sorted(range(len(names)), key=names.__getitem__)
    label = np.argsort(places)[found.label].astype(np.uint64)  # the order of the network's outputs does not matter
    mixed = found.pixel_hash ^ (label + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    order = np.argsort(mixed, kind="stable")
    right = (found.probabilities.argmax(1) == found.label)[order]
    samples = blake2b(mixed[order].tobytes(), digest_size=16).hexdigest()
    return Digest(
        figures,
        found.detail,
        (tuple(sorted(names)), samples),
        None if found.detail == "counts" else right,
        _can_be_judged_by_votes(run, split, found),
    )


def signature(files: Sequence[Path]) -> Signature:
    """Return what changes when one of the files does."""
    found = []
    for file in files:
        with suppress(OSError):
            state = file.stat()
            found.append((str(file), state.st_size, state.st_mtime_ns))
            continue
        found.append((str(file), 0, 0))
    return found


def read_digest(run: Run, split: str, files: Signature) -> Digest | None:
    """Return the digest that is kept on disk, or None where there is none of these very files."""
    try:
        kept = json.loads(_file(run, split).read_bytes())
        if kept["of"] != _identity(files):
            return None
        right = kept["right"]
        unpacked = None if right is None else np.unpackbits(np.frombuffer(bytes.fromhex(right), np.uint8))
        samples = kept["samples"]
        return Digest(
            kept["figures"],
            kept["detail"],
            None if samples is None else (tuple(samples[0]), samples[1]),
            None if unpacked is None else unpacked[: kept["figures"]["n"]].astype(bool),
            kept["has_votes"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep_digest(run: Run, split: str, files: Signature, digest: Digest) -> None:
    """Keep a digest for the next start; not that of a run which belongs to one session, or has very many classes."""
    folder = run_folder(run.key)
    if folder is None or folder.resolve() != run.path or len(run.info.class_names) > MOST_CLASSES:
        return
    kept = {
        "of": _identity(files),
        "figures": digest.figures,
        "detail": digest.detail,
        "samples": digest.samples,
        "right": None if digest.right is None else np.packbits(digest.right).tobytes().hex(),
        "has_votes": digest.has_votes,
    }
    with suppress(OSError):  # read-only or full: it is computed again
        write_atomically(_file(run, split), json.dumps(kept))


def _file(run: Run, split: str) -> Path:
    name = blake2b(f"{run.path}\n{split}".encode(), digest_size=16).hexdigest()
    return cache_root() / FOLDER / f"{name}.json"  # one of each run and split: the next overwrites it


def _identity(files: Signature) -> Any:
    """Return what a digest is of, as JSON gives it back."""
    return [list(entry) for entry in (*files, *_code())]


@cache
def _code() -> Signature:
    return signature(sorted(Path(evaluation.__path__[0]).glob("*.py")))


def _can_be_judged_by_votes(run: Run, split: str, found: Predictions) -> bool:
    if found.detail == "counts":
        return False
    try:
        judged_by_votes(run.with_votes(found), run.info.class_names, split)
    except RunError:
        return False
    return True
