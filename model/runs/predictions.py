"""A network's saved predictions on one split."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from emoscope.model.runs.files import write_atomically
from emoscope.model.votes import VOTE_NAMES


@dataclass(frozen=True, eq=False)
class Predictions:
    """A network's predictions on one split; every metric is computed from these.

    Attributes:
        index: Position of each sample in its split, int64, shape (N,).
        pixel_hash: First 8 bytes of BLAKE2b over the sample's pixels, uint64, shape (N,).
        label: Class index of each sample, int64, shape (N,).
        probabilities: float32, shape (N, C), rows summing to 1.
        votes: Votes of ten annotators on each sample, uint8 counts, shape (N, 10), columns as in
            :data:`emoscope.model.votes.VOTE_NAMES`; None where there are none.
    """

    index: np.ndarray
    pixel_hash: np.ndarray
    label: np.ndarray
    probabilities: np.ndarray
    votes: np.ndarray | None = None

    def __repr__(self) -> str:
        return f"Predictions({len(self.label):,} samples, {self.probabilities.shape[-1]} classes)"

    def take(self, positions: np.ndarray) -> Predictions:
        """Return the samples at some positions, int64 or bool, in that order."""
        return Predictions(**{name: values[positions] for name, values in self.arrays().items()})

    def arrays(self) -> dict[str, Any]:
        """Return the arrays that there are, by name."""
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: values for name, values in found.items() if values is not None}

    def problem(self, classes: int) -> str:
        """Describe what is wrong with these arrays for a run of so many classes; empty if nothing is."""
        shape = self.probabilities.shape
        if len(shape) != 2 or shape[1] != classes:
            return f"probabilities have shape {shape}, but the run names {classes} classes"
        if not len(self.index) == len(self.pixel_hash) == len(self.label) == shape[0]:
            return "index, pixel_hash, label and probabilities differ in length"
        if self.votes is not None and self.votes.shape != (shape[0], len(VOTE_NAMES)):
            return (
                f"votes have shape {self.votes.shape}, but there are {shape[0]} samples and {len(VOTE_NAMES)} columns"
            )
        if shape[0] == 0:
            return "there are no samples"
        if not np.isfinite(self.probabilities).all():
            return "some probabilities are not numbers"
        if (self.probabilities < -1e-6).any() or (np.abs(self.probabilities.sum(1) - 1) > 1e-3).any():
            return "some rows of probabilities do not sum to 1"
        if self.label.min() < 0 or self.label.max() >= classes:
            return f"labels range from {self.label.min()} to {self.label.max()}, outside the run's {classes} classes"
        return ""


def write_predictions(path: Path, split: str, predictions: Predictions) -> None:
    """Write ``predictions/<split>.npz``, compressed, without pickle."""
    import io

    buffer = io.BytesIO()
    np.savez_compressed(buffer, **predictions.arrays())
    write_atomically(path / "predictions" / f"{split}.npz", buffer.getvalue())
