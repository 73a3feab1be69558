"""Whose data a run's figures are on: its own in its folder, any other data's in a run of their own beside it.

A saved run is compared, calibrated and described by its predictions on the data that it was made with. So another data
set never takes the place of that; what is measured on it is kept as ``<run>-on-<data>-<first digits of its hash>``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from emoscope.model.dataset import Dataset
from emoscope.model.errors import RunError
from emoscope.model.runs.run import EXPORTS_FOLDER, DatasetInfo, Run, load_run, write_run_info
from emoscope.training.evaluation.evaluate import choose_splits
from emoscope.training.evaluation.labels import labels_for

CONFIG_KEY = "evaluation_of"
HASH_DIGITS = 6


def is_own_data(run: Run, dataset: Dataset) -> bool:
    """Tell whether data are those that a run was made with; where that is not saved, those of its predictions."""
    if run.info.dataset.fingerprint:
        return run.info.dataset.fingerprint == dataset.fingerprint
    return all(
        split in dataset.splits and np.isin(run.predictions(split).pixel_hash, dataset.splits[split].pixel_hash).all()
        for split in run.splits
    )


def beside(run: Run, suffix: str) -> Path:
    """Return the folder of a run that is made from another, ``<run>-<suffix>``; an export's lies beside its origin."""
    if run.path.parent.name == EXPORTS_FOLDER:  # whose folders are all exports of one network
        origin = run.path.parents[1]
        return origin.with_name(f"{origin.name}-{run.path.name}-{suffix}")
    return run.path.with_name(f"{run.path.name}-{suffix}")


def evaluation_on(run: Run, dataset: Dataset, title: str, splits: Sequence[str] | None = None) -> Run:
    """Return the run that figures on some data belong to: the run itself, or one beside it that is made if need be.

    Args:
        run: Whose network is scored.
        dataset: The data.
        title: Their title, in the folder's name and on the pages.
        splits: That will be scored; all but the training split where None.

    Raises:
        RunError: Another run has the name, or the network has no output for a class of the data.
        DataError: A split is not there, or its labels cannot be derived.
    """
    if is_own_data(run, dataset):
        return run
    for name in choose_splits(dataset, splits):
        labels_for(run.info, dataset, dataset.splits[name])  # or an empty run would be left where that fails
    word = re.sub(r"[^\w.-]+", "-", title, flags=re.ASCII).strip(".-") or "data"
    folder = beside(run, f"on-{word}-{dataset.fingerprint[:HASH_DIGITS]}")
    if (folder / "run.json").is_file():
        found = load_run(folder)
        if (found.info.config.get(CONFIG_KEY), found.info.dataset.fingerprint) != (run.key, dataset.fingerprint):
            raise RunError(f"{folder.name} exists and is another run.", "Rename its folder, then try again.")
        return found
    info = replace(
        run.info,
        name=f"{run.info.name} on {title}",
        dataset=DatasetInfo(title, dict(dataset.split_sizes), dataset.fingerprint),
        config={**run.info.config, CONFIG_KEY: run.key},
        note=f"Predictions of {run.key} on {title}; its network is there.",
    )
    write_run_info(folder, info)
    return load_run(folder)
