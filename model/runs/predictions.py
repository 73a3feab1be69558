"""A network's saved answers on one split."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from emoscope.model.runs.files import write_atomically


@dataclass(frozen=True, eq=False)
class Predictions:
    """A network's answers on one split; every metric is computed from these.

    Attributes:
        index: Position of each sample in its split, int64, shape (N,).
        pixel_hash: First 8 bytes of BLAKE2b over the sample's pixels, uint64, shape (N,).
        label: Class index of each sample, int64, shape (N,).
        probabilities: float32, shape (N, C), rows summing to 1.
    """

    index: np.ndarray
    pixel_hash: np.ndarray
    label: np.ndarray
    probabilities: np.ndarray

    def __repr__(self) -> str:
        return f"Predictions({len(self.label):,} samples, {self.probabilities.shape[-1]} classes)"

    def problem(self, classes: int) -> str:
        """Say what is wrong with these arrays for a run of so many classes; empty if nothing is."""
        shape = self.probabilities.shape
        if len(shape) != 2 or shape[1] != classes:
            return f"probabilities have shape {shape}, but the run names {classes} classes"
        if not len(self.index) == len(self.pixel_hash) == len(self.label) == shape[0]:
            return "index, pixel_hash, label and probabilities differ in length"
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
    np.savez_compressed(buffer, **{f.name: getattr(predictions, f.name) for f in fields(predictions)})
    write_atomically(path / "predictions" / f"{split}.npz", buffer.getvalue())
