"""Images with labels in named splits, and the hashes that identify them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from emoscope.model.splits import Part, find_split

FER2013_CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
FER2013_SPLITS = ("Training", "PublicTest", "PrivateTest")


@dataclass(frozen=True, eq=False)
class Split:
    """The samples of one split, in the order of their source.

    Attributes:
        images: Pixels as the network gets them before normalisation, uint8, shape (N, H, W, C), gray or RGB.
        labels: Class indices, int64, shape (N,).
        pixel_hash: First 8 bytes of BLAKE2b over each sample's pixels at their original size, uint64, shape (N,).
        names: Where each sample comes from, str, shape (N,): ``row 17`` of a CSV, or a file path within the folder.
        votes: FER+ votes, float32, shape (N, 10), columns as in ``VOTE_NAMES``; None where there are none.
    """

    images: np.ndarray
    labels: np.ndarray
    pixel_hash: np.ndarray
    names: np.ndarray
    votes: np.ndarray | None = None

    def __post_init__(self) -> None:
        arrays = {"labels": self.labels, "pixel_hash": self.pixel_hash, "names": self.names, "votes": self.votes}
        wrong = {n: len(a) for n, a in arrays.items() if a is not None and len(a) != len(self.images)}
        if self.images.ndim != 4 or wrong:
            raise ValueError(f"One label, hash and name per image is expected. Received: {self.images.shape}, {wrong}")

    def __len__(self) -> int:
        return len(self.images)

    def class_counts(self, classes: int) -> np.ndarray:
        """Count the samples of each class, int64, shape (classes,)."""
        return np.bincount(self.labels, minlength=classes)


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set: its name, classes, splits and fingerprint.

    Attributes:
        name: For people, e.g. ``FER-2013``.
        class_names: Class names in the order of the labels.
        splits: The splits by name, training first. ``Training``, ``PublicTest`` and ``PrivateTest`` for FER-2013
            and where the splits were made on reading; ``train``, ``validation`` and ``test`` otherwise, as far as they
            exist; ``all`` where there are too few images to make any.
        fingerprint: Hash of all pixels and labels in order, 32 hexadecimal digits. It does not depend on the size
            that the images were loaded at.
        notes: What users of the figures should know, one sentence each ("test has no image of disgust.").
        form: Which form it was read from, e.g. ``table (fer2013.csv.xz)``.
        made_splits: Whether its source has no splits, and they were made on reading.
    """

    name: str
    class_names: tuple[str, ...]
    splits: Mapping[str, Split]
    fingerprint: str
    notes: tuple[str, ...] = ()
    form: str = ""
    made_splits: bool = False

    @property
    def split_sizes(self) -> dict[str, int]:
        """Number of samples per split."""
        return {name: len(split) for name, split in self.splits.items()}

    @property
    def train(self) -> Split | None:
        """The split to train on, or None."""
        return self._of("training")

    @property
    def validation(self) -> Split | None:
        """The split to choose epochs and settings on, or None."""
        return self._of("validation")

    @property
    def test(self) -> Split | None:
        """The split to report at the end, or None."""
        return self._of("test")

    def _of(self, part: Part) -> Split | None:
        name = find_split(part, self.splits)
        return None if name is None else self.splits[name]


def hash_pixels(pixels: np.ndarray) -> int:
    """Return the first 8 bytes of BLAKE2b over an image's pixels as an unsigned little-endian number."""
    return int.from_bytes(hashlib.blake2b(np.ascontiguousarray(pixels).data).digest()[:8], "little")


def hash_images(images: np.ndarray) -> np.ndarray:
    """Hash each image of an array of shape (N, …) by itself; uint64, shape (N,)."""
    return np.fromiter((hash_pixels(image) for image in images), np.uint64, len(images))


def fingerprint(splits: Mapping[str, Split]) -> str:
    """Hash all pixels and labels of all splits, in order; 32 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=16)
    for name, split in splits.items():
        digest.update(f"{name}:{len(split)};".encode())
        digest.update(split.pixel_hash.astype("<u8").tobytes())
        digest.update(split.labels.astype("<i8").tobytes())
    return digest.hexdigest()
