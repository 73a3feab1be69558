"""Votes on the images that a run was scored on, from wherever they are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from emoscope.model.errors import DataError, RunError
from emoscope.model.runs.arrays import read_arrays
from emoscope.model.runs.predictions import Predictions, checked_votes
from emoscope.model.votes import VOTE_NAMES, clear_majority


def judged_by_votes(found: Predictions, class_names: Sequence[str], what: str) -> Predictions:
    """Return predictions with the class that more than half of all people named as the label.

    Args:
        found: With votes, as :func:`with_votes` returns them; images without a majority are left out.
        class_names: That the probabilities are of.
        what: Run and split, for the error's sentence.

    Raises:
        RunError: No image has a majority for one of the classes.
    """
    label = np.full(len(found.label), -1)
    if found.votes is not None:
        try:
            label = clear_majority(found.votes, class_names)
        except DataError as error:
            raise RunError(f"{what} cannot be judged by votes: {error}") from error
    if not (label >= 0).any():
        raise RunError(
            f"No votes are known for the images of {what}.",
            "Put fer2013new.csv beside FER-2013 and run `python -m training evaluate` on the run.",
        )
    return replace(found, label=label).take(label >= 0)


def with_votes(found: Predictions, folder: Path | None) -> Predictions:
    """Return predictions with votes: their own, or those that another run holds of the same pixels.

    Args:
        found: Of any run.
        folder: The other run's; None where there is none.

    Returns:
        An image that the other run does not know has a row of zeros; where it knows none, there are no votes.
    """
    if found.votes is not None or folder is None:
        return found
    files = sorted((folder / "predictions").glob("*.npz"))
    hashes, votes = _known_votes(tuple((file, file.stat().st_mtime_ns) for file in files))
    if not len(hashes):
        return found
    places = np.minimum(np.searchsorted(hashes, found.pixel_hash), len(hashes) - 1)
    known = hashes[places] == found.pixel_hash
    return replace(found, votes=np.where(known[:, None], votes[places], 0)) if known.any() else found


@lru_cache(maxsize=4)
def _known_votes(files: tuple[tuple[Path, int], ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixel hashes of all images with votes in some files, ascending, and their votes."""
    hashes, votes = [np.zeros(0, np.uint64)], [np.zeros((0, len(VOTE_NAMES)), np.uint8)]
    for file, _ in files:
        try:
            found = read_arrays(file, ("pixel_hash", "votes"))
            if found.keys() == {"pixel_hash", "votes"}:
                votes.append(checked_votes(found["votes"]))
                hashes.append(found["pixel_hash"].astype(np.uint64))
        except ValueError:
            continue  # the run itself says so where its predictions are shown
    unique, first = np.unique(np.concatenate(hashes), return_index=True)
    return unique, np.concatenate(votes)[first]
