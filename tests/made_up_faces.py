"""A made-up data set in FER-2013's file form with FER+ votes, and runs that were scored on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from emoscope.model.dataset import FER2013_TO_FERPLUS, Dataset
from emoscope.model.runs.predictions import Predictions, write_predictions
from emoscope.model.runs.run import Run, load_run
from tests.factories import FER7, write_run

SIZES = {"Training": 140, "PublicTest": 70, "PrivateTest": 140}
COPIED = 5  # so many images of PrivateTest are also in Training
DISPUTED = 12  # so many images of PrivateTest are labelled otherwise than all annotators say


def write_faces(folder: Path, seed: int = 0) -> Path:
    """Write ``fer2013.csv`` and ``fer2013new.csv``: noise instead of faces, all seven classes in every split.

    The first images of PrivateTest are copies of Training's. All ten annotators agree with the label, but on the last
    images of PrivateTest, which they call by the next class.
    """
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    rows = ["emotion,pixels,Usage"]
    votes = ["Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"]
    training: list[str] = []
    for split, size in SIZES.items():
        for i in range(size):
            label = i % 7
            pixels = " ".join(map(str, random.integers(0, 256, 48 * 48)))
            if split == "Training":
                training.append(pixels)
            elif split == "PrivateTest" and i < COPIED:
                pixels = training[i]
            seen = (label + 1) % 7 if split == "PrivateTest" and i >= size - DISPUTED else label
            counts = [0] * 10
            counts[FER2013_TO_FERPLUS[seen]] = 10
            rows.append(f"{label},{pixels},{split}")
            votes.append(f"{split},fer{len(votes):07d}.png," + ",".join(map(str, counts)))
    (folder / "fer2013.csv").write_text("\n".join(rows) + "\n")
    (folder / "fer2013new.csv").write_text("\n".join(votes) + "\n")
    return folder


def write_scored_run(root: Path, key: str, dataset: Dataset, wrong: int, seed: int = 0, **fields) -> Run:
    """Write a run that errs on the last ``wrong`` images of each held-out split, where it says the next class."""
    path = write_run(root, key, splits=(), seed=seed, class_names=FER7, **fields).path
    random = np.random.default_rng(seed)
    for name in ("PublicTest", "PrivateTest"):
        split = dataset.splits[name]
        n = len(split)
        answers = split.labels.copy()
        answers[n - wrong :] = (answers[n - wrong :] + 1) % 7
        probabilities = np.full((n, 7), 0.02)
        probabilities[np.arange(n), answers] = random.uniform(0.6, 0.99, n)
        probabilities /= probabilities.sum(1, keepdims=True)
        found = Predictions(np.arange(n), split.pixel_hash, split.labels, probabilities.astype(np.float32))
        write_predictions(path, name, found)
    return load_run(path)
