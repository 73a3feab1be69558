"""Images that a data set holds more than once, byte for byte or nearly, and whether their labels agree.

A copy of a test image among the training images makes a figure look better than it is; copies with different labels
limit the accuracy that any network can reach.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import cv2
import numpy as np

from emoscope.model.dataset.samples import Dataset

# Checked by eye in FER-2013: of pairs whose 16×16 correlation is 0.94 or more, nearly all of 90 were one
# photograph; at 0.92 every third pair was two people.
NEAR_CORRELATION = 0.95
THUMBNAIL_SIDE = 16
LOW_FREQUENCIES = 8
BLOCK_IMAGES = 2048
# A thumbnail that varies less than this (standard deviation in gray levels) shows nothing to compare.
MIN_CONTRAST = 2.0


class Copy(NamedTuple):
    """One image of a group of duplicates: its split, its position in the split, and its label."""

    split: str
    position: int
    label: int


@dataclass(frozen=True)
class DuplicateGroup:
    """Images that are copies of each other, in the order of the splits.

    Attributes:
        copies: Two or more.
        similarity: Lowest correlation that ties a copy to the group; 1.0 for exact copies.
    """

    copies: tuple[Copy, ...]
    similarity: float = 1.0

    @property
    def labels_conflict(self) -> bool:
        """Whether the copies have different labels."""
        return len({copy.label for copy in self.copies}) > 1

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that the group touches, without repetition."""
        return tuple(dict.fromkeys(copy.split for copy in self.copies))


@dataclass(frozen=True)
class Duplicates:
    """All groups of duplicates in a data set.

    Attributes:
        groups: The largest first.
        split_names: The data set's splits in order.
    """

    groups: tuple[DuplicateGroup, ...]
    split_names: tuple[str, ...]

    @property
    def conflicting(self) -> tuple[DuplicateGroup, ...]:
        """The groups whose labels differ."""
        return tuple(group for group in self.groups if group.labels_conflict)

    def within(self, split: str) -> int:
        """Count the images of a split that have an earlier copy in it: what leaving one of each would remove."""
        return sum(max(0, self._count(group, split) - 1) for group in self.groups)

    def across(self, seen: str, split: str) -> int:
        """Count the images of ``split`` that have a copy in ``seen``, e.g. test images that were trained on."""
        return sum(self._count(group, split) for group in self.groups if seen in group.splits)

    def shared(self) -> dict[tuple[str, str], int]:
        """Return ``across(earlier, later)`` for each pair of splits."""
        return {(seen, split): self.across(seen, split) for seen, split in combinations(self.split_names, 2)}

    def removable(self, split: str) -> np.ndarray:
        """Find the images to leave out of a split so that each is in the data set once, earlier splits first.

        Returns:
            Positions in the split in ascending order, int64, shape (n,).
        """
        later = (copy for group in self.groups for copy in group.copies[1:])
        return np.array(sorted(copy.position for copy in later if copy.split == split), np.int64)

    @staticmethod
    def _count(group: DuplicateGroup, split: str) -> int:
        return sum(copy.split == split for copy in group.copies)


def exact_duplicates(dataset: Dataset) -> Duplicates:
    """Group the images whose pixels are all equal."""
    hashes = np.concatenate([split.pixel_hash for split in dataset.splits.values()])
    _, group_of, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    return _grouped(dataset, group_of, (1.0 for _ in counts), counts > 1)


def near_duplicates(dataset: Dataset, correlation: float = NEAR_CORRELATION) -> Duplicates:
    """Group the images that show the same picture with other crop, compression, brightness or contrast.

    Two images are copies if their thumbnails, with mean and contrast taken out, correlate; copies of copies belong to
    one group. Groups of exact copies alone are left out (see :func:`exact_duplicates`). Images without contrast are
    left out. Comparing 36,000 images takes seconds and about 150 MB.

    Args:
        dataset: Of any size and channels.
        correlation: Lowest correlation of 16×16 thumbnails, 0..1.
    """
    # SciPy is imported where it is used: the app's start reads this module, and only an audit needs it.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    hashes = np.concatenate([split.pixel_hash for split in dataset.splits.values()])
    _, first, exact_group = np.unique(hashes, return_index=True, return_inverse=True)
    thumbnails = np.concatenate([_thumbnails(split.images) for split in dataset.splits.values()])[first]
    left, right, found = _correlated_pairs(thumbnails, correlation)
    graph = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(len(first), len(first)))
    groups, near_group = connected_components(graph, directed=False)
    similarity = np.ones(groups, np.float32)
    np.minimum.at(similarity, near_group[left], found)
    several = np.bincount(near_group, minlength=groups) > 1
    return _grouped(dataset, near_group[exact_group], similarity.tolist(), several)


def _thumbnails(images: np.ndarray) -> np.ndarray:
    """Shrink images to unit vectors without mean; float32, shape (N, 256); zeros where there is no contrast."""
    side = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    vectors = np.empty((len(images), side[0] * side[1]), np.float32)
    for k, image in enumerate(images):
        gray = image[:, :, 0] if image.shape[2] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        vectors[k] = cv2.resize(gray.astype(np.float32), side, interpolation=cv2.INTER_AREA).ravel()
    vectors -= vectors.mean(1, keepdims=True)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors /= np.maximum(norms, 1e-9)
    vectors[norms[:, 0] < MIN_CONTRAST * THUMBNAIL_SIDE] = 0
    return vectors


def _correlated_pairs(vectors: np.ndarray, correlation: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find all pairs i < j of unit vectors whose product reaches a bound.

    A first pass multiplies only the 64 lowest frequencies and the length of what they leave out. By Cauchy-Schwarz that
    product is never below the true one, so no pair is lost; the few that pass are computed in full.

    Returns:
        i, j, int64, and their products, float32, each of shape (P,).
    """
    from scipy.fft import dctn

    side = THUMBNAIL_SIDE
    frequencies = dctn(vectors.reshape(-1, side, side), axes=(1, 2), norm="ortho")
    bounds = frequencies[:, :LOW_FREQUENCIES, :LOW_FREQUENCIES].reshape(len(vectors), -1)
    left_out = np.sqrt(np.maximum((vectors * vectors).sum(1) - (bounds * bounds).sum(1), 0))
    bounds = np.column_stack([bounds, left_out])
    pairs = []
    for a in range(0, len(bounds), BLOCK_IMAGES):
        for b in range(a, len(bounds), BLOCK_IMAGES):
            product = bounds[a : a + BLOCK_IMAGES] @ bounds[b : b + BLOCK_IMAGES].T
            i, j = np.divmod(np.flatnonzero(product >= correlation - 1e-5), product.shape[1])
            i, j = i[i + a < j + b] + a, j[i + a < j + b] + b
            exact = np.einsum("pd,pd->p", vectors[i], vectors[j])
            near = exact >= correlation
            pairs.append((i[near], j[near], exact[near]))
    i, j, products = (np.concatenate(column) for column in zip(*pairs, strict=True))
    return i, j, products


def _grouped(dataset: Dataset, group_of: np.ndarray, similarity: Iterable[float], chosen: np.ndarray) -> Duplicates:
    """Collect the chosen groups, given the group of each image of the splits one after the other."""
    copies: dict[int, list[Copy]] = {}
    start = 0
    for name, split in dataset.splits.items():
        groups = group_of[start : start + len(split)]
        for index in np.flatnonzero(chosen[groups]):
            copies.setdefault(int(groups[index]), []).append(Copy(name, int(index), int(split.labels[index])))
        start += len(split)
    similarities = list(similarity)
    found = [DuplicateGroup(tuple(group), float(similarities[number])) for number, group in copies.items()]
    return Duplicates(tuple(sorted(found, key=lambda group: -len(group.copies))), tuple(dataset.splits))
