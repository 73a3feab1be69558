"""A data set and a saved run whose right answers are known: bright is happy, dark is sad."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from emoscope.model.dataset import Dataset, Split
from emoscope.model.dataset.samples import hash_images
from emoscope.model.runs.run import Run, RunInfo, load_run, write_run_info
from tests.factories import FER7
from tests.paths import ASSETS


def make_split(per_class: int = 20, seed: int = 0, votes: bool = False) -> Split:
    """Make noisy pictures of two brightnesses; the network of ``cam.tflite`` reads them rightly."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([3, 4], per_class).astype(np.int64)
    light = np.where(labels == 3, 200, 60)
    images = (light[:, None, None, None] + rng.integers(-20, 21, (len(labels), 48, 48, 1))).astype(np.uint8)
    table = None
    if votes:  # the FER+ columns of happiness and sadness
        table = np.zeros((len(labels), 10), np.float32)
        table[np.arange(len(labels)), np.where(labels == 3, 1, 3)] = 9
        table[0] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 10]  # not a face
    names = np.array([f"row {i}" for i in range(len(labels))])
    return Split(images, labels, hash_images(images), names, table)


def make_dataset(per_class: int = 20, votes: bool = False, class_names: tuple[str, ...] = FER7) -> Dataset:
    """Make the three splits of FER-2013."""
    names = ("Training", "PublicTest", "PrivateTest")
    splits = {name: make_split(per_class, seed, votes) for seed, name in enumerate(names)}
    return Dataset("Made up", class_names, splits, "f" * 32)


def make_run(root: Path, key: str = "tiny", network: str = "cam.tflite", **info) -> Run:
    """Write a saved run around one of the test networks."""
    path = root / key
    fields = {"class_names": FER7, "input_size": (48, 48), "channels": 1, **info}
    write_run_info(path, RunInfo(key, "foreign", **fields))
    shutil.copy(ASSETS / network, path / "model.tflite")
    return load_run(path)
