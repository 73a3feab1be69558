"""A network's saved predictions on one split."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

import numpy as np

from emoscope.model.errors import NotKnownError, RunError
from emoscope.model.runs.arrays import MOST_CELLS, read_arrays
from emoscope.model.runs.files import write_atomically
from emoscope.model.votes import VOTE_NAMES

Detail = Literal["probabilities", "classes", "counts"]
"""What is known of each sample: a probability per class; its predicted class; or that, but not which image it is."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """A network's predictions on one split; every metric is computed from these.

    Attributes:
        index: Position of each sample in its split, int64, shape (N,).
        pixel_hash: First 8 bytes of BLAKE2b over the sample's pixels, uint64, shape (N,).
        label: Class index of each sample, int64, shape (N,).
        probabilities: float32, shape (N, C), rows summing to 1; 1 for the predicted class where that alone is known.
        votes: Votes of ten annotators on each sample, uint8 counts, shape (N, 10), columns as in
            :data:`emoscope.model.votes.VOTE_NAMES`; None where there are none.
        detail: What is known of each sample. Where only counts are, as in a confusion matrix, ``index`` and
            ``pixel_hash`` mean no image.
    """

    index: np.ndarray
    pixel_hash: np.ndarray
    label: np.ndarray
    probabilities: np.ndarray
    votes: np.ndarray | None = None
    detail: Detail = "probabilities"

    @classmethod
    def of_classes(
        cls, label: np.ndarray, predicted: np.ndarray, classes: int, pixel_hash: np.ndarray | None, source: str
    ) -> Predictions:
        """Make predictions of which only the predicted classes are known.

        Args:
            label: Class indices, shape (N,).
            predicted: Class indices, shape (N,).
            classes: C.
            pixel_hash: What identifies each sample, shape (N,); None where nothing does.
            source: Run and split: samples of one source that nothing identifies are no other source's.

        Raises:
            RunError: There are more than :data:`~emoscope.model.runs.arrays.MOST_CELLS` pairs of a sample and a class.
        """
        if len(label) * classes > MOST_CELLS:
            raise RunError(
                f"{len(label):,} samples of {classes:,} classes are more than can be opened here.",
                "Give a part of them.",
            )
        detail: Detail = "counts" if pixel_hash is None else "classes"
        index = np.arange(len(label), dtype=np.int64)
        if pixel_hash is None:
            pixel_hash = sample_hashes(source, len(label))
        inside = np.where((predicted >= 0) & (predicted < classes), predicted, 0)
        probabilities = np.eye(max(classes, 1), dtype=np.float32)[inside]
        probabilities[inside != predicted] = np.nan  # problem() refuses it
        return cls(index, pixel_hash.astype(np.uint64), label.astype(np.int64), probabilities, detail=detail)

    @property
    def has_probabilities(self) -> bool:
        """Whether more than the predicted class is known of each sample."""
        return self.detail == "probabilities"

    def need_probabilities(self, what: str) -> None:
        """Raise where only predicted classes are known.

        Args:
            what: That needs probabilities, as the subject of a sentence, e.g. ``Calibration``.

        Raises:
            NotKnownError: They are not known.
        """
        if not self.has_probabilities:
            raise NotKnownError(
                f"{what} needs a probability for each class, and only predicted classes are known here.",
                "Import predictions with probabilities: a column or an array row per class.",
            )

    def need_images(self, what: str) -> None:
        """Raise where nothing tells the samples apart.

        Args:
            what: That needs single images, as the subject of a sentence.

        Raises:
            NotKnownError: Only a confusion matrix is known.
        """
        if self.detail == "counts":
            raise NotKnownError(
                f"{what} needs to know what was predicted on which image, and only a confusion matrix is known here.",
                "Import its predictions: the label and the predicted class of each image.",
            )

    def __repr__(self) -> str:
        return f"Predictions({len(self.label):,} samples, {self.probabilities.shape[-1]} classes)"

    def take(self, positions: np.ndarray) -> Predictions:
        """Return the samples at some positions, int64 or bool, in that order."""
        return replace(self, **{name: values[positions] for name, values in self.arrays().items()})

    def arrays(self) -> dict[str, Any]:
        """Return the arrays that there are, by name."""
        found = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "detail"}
        return {name: values for name, values in found.items() if values is not None}

    def problem(self, classes: int) -> str:
        """Describe which values are impossible for a run of so many classes; empty if none is."""
        shape = self.probabilities.shape
        if shape[1] != classes:
            return f"probabilities have shape {shape}, but the run names {classes} classes"
        if not np.isfinite(self.probabilities).all():
            return "some probabilities are not numbers"
        if (self.probabilities < -1e-6).any() or (np.abs(self.probabilities.sum(1) - 1) > 1e-3).any():
            return "some rows of probabilities do not sum to 1"
        if self.label.min() < 0 or self.label.max() >= classes:
            return f"labels range from {self.label.min()} to {self.label.max()}, outside the run's {classes} classes"
        return ""


def read_predictions(file: Path, classes: int, source: str) -> Predictions:
    """Read and check predictions on one split.

    Args:
        file: The ``.npz`` file.
        classes: Number of classes of the run.
        source: Run and split; see :meth:`Predictions.of_classes`.

    Raises:
        ValueError: The file is damaged, or lacks an array or holds one of another type or shape. The text says which.
        RunError: There are more samples and classes than can be opened.
    """
    found = read_arrays(file)
    by_class = "probabilities" not in found and "predicted" in found
    needed = ("label",) if by_class else ("index", "pixel_hash", "label", "probabilities")
    if missing := [name for name in needed if name not in found]:
        raise ValueError(f"it lacks {', '.join(missing)}")
    votes = checked_votes(found["votes"]) if "votes" in found else None
    label = found["label"].astype(np.int64)
    if by_class:
        made = Predictions.of_classes(
            label, found["predicted"].astype(np.int64), classes, found.get("pixel_hash"), source
        )
        index = found["index"].astype(np.int64) if "index" in found else made.index
        return replace(made, votes=votes, index=index)
    with np.errstate(over="ignore"):  # what is too large becomes infinite, which `problem` names
        probabilities = found["probabilities"].astype(np.float32)
    return Predictions(
        found["index"].astype(np.int64), found["pixel_hash"].astype(np.uint64), label, probabilities, votes
    )


def checked_votes(votes: np.ndarray) -> np.ndarray:
    """Return votes as uint8, shape (N, 10).

    Raises:
        ValueError: They have another shape, or a count is outside 0..255.
    """
    if votes.shape[1] != len(VOTE_NAMES):
        raise ValueError(f"votes have shape {votes.shape}, where {len(VOTE_NAMES)} columns are expected")
    if votes.min() < 0 or votes.max() > np.iinfo(np.uint8).max:
        raise ValueError(f"votes range from {votes.min()} to {votes.max()}, outside 0..255")
    return votes.astype(np.uint8)


def write_predictions(path: Path, split: str, predictions: Predictions) -> None:
    """Write ``predictions/<split>.npz``, compressed, without pickle.

    Where only classes are known, ``predicted`` stands in place of ``probabilities``; where samples are not identified,
    there are neither ``index`` nor ``pixel_hash``.
    """
    import io

    arrays = predictions.arrays()
    if not predictions.has_probabilities:
        arrays["predicted"] = arrays.pop("probabilities").argmax(1)
    if predictions.detail == "counts":
        del arrays["index"], arrays["pixel_hash"]
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_atomically(path / "predictions" / f"{split}.npz", buffer.getvalue())


def sample_hashes(source: str, count: int) -> np.ndarray:
    """Return hashes that tell samples apart by their source and place in it alone: uint64, shape (count,)."""
    start = int.from_bytes(blake2b(source.encode(), digest_size=8).digest(), "little")
    odd = np.uint64(0x9E3779B97F4A7C15)  # distinct for every place, since it is odd
    return np.uint64(start) + np.arange(count, dtype=np.uint64) * odd
