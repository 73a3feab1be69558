"""FER+ votes: ten taggers' opinions on each FER-2013 image, and the labels derived from them.

Source: Barsoum, Zhang, Canton Ferrer, Zhang: Training Deep Networks for Facial Expression Recognition with
Crowd-Sourced Label Distribution. ICMI 2016, arXiv 1608.01041.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emoscope.model.emotions import emotion_key
from emoscope.model.errors import DataError

VOTE_NAMES = (
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF",
)  # fmt: skip
FERPLUS_CLASSES = VOTE_NAMES[:8]
# Where each of FER-2013's seven classes is among the FER+ columns.
FER2013_TO_FERPLUS = (4, 5, 6, 1, 3, 2, 0)


def ferplus_majority(votes: np.ndarray) -> np.ndarray:
    """Derive hard FER+ labels by the paper's majority protocol.

    Votes of 1 count as 0 (a single tagger's opinion is taken for noise). A row is kept only if its top vote exceeds
    half of what is left and is one of the eight emotions, not ``unknown`` and not ``NF``.

    Args:
        votes: Counts, shape (N, 10), columns as in ``VOTE_NAMES``.

    Returns:
        Indices into ``FERPLUS_CLASSES``, int64, shape (N,); -1 for dropped rows.

    Source: Barsoum et al. 2016, section 3.1 (majority voting), and the ``majority`` mode of their code.
    """
    kept = _without_single_votes(votes)
    top = kept.argmax(1)
    agreed = kept.max(1) > kept.sum(1) / 2
    return np.where(agreed & (top < len(FERPLUS_CLASSES)), top, -1).astype(np.int64)


def ferplus_argmax(votes: np.ndarray) -> np.ndarray:
    """Derive hard FER+ labels by plain arg-max over all ten columns; ``unknown`` and ``NF`` are dropped.

    The other common form. Ties go to the column that comes first.

    Returns:
        Indices into ``FERPLUS_CLASSES``, int64, shape (N,); -1 for dropped rows and rows without votes.
    """
    votes = np.asarray(votes)
    top = votes.argmax(1)
    return np.where((top < len(FERPLUS_CLASSES)) & (votes.max(1) > 0), top, -1).astype(np.int64)


def ferplus_distribution(votes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn votes into soft targets over the eight emotions, and a weight per row.

    Votes of 1 count as 0, as in the paper. What was cast for ``unknown`` and ``NF`` goes into no target; it lowers the
    row's weight instead: the weight is the share of the remaining votes that names an emotion. Rows on which
    most taggers see no face (``NF`` leads), and rows without any emotion, have weight 0.

    Args:
        votes: Counts, shape (N, 10), columns as in ``VOTE_NAMES``.

    Returns:
        Targets, float32, shape (N, 8), rows summing to 1 (uniform where the weight is 0, so that a weighted loss stays
        finite); and weights in 0..1, float32, shape (N,).

    Source: after Barsoum et al. 2016, section 3.4 (probabilistic label drawing, cross-entropy).
    """
    kept = _without_single_votes(votes)
    emotions = kept[:, : len(FERPLUS_CLASSES)]
    named = emotions.sum(1)
    total = kept.sum(1)
    usable = (named > 0) & (kept.argmax(1) != VOTE_NAMES.index("NF"))
    weights = np.where(usable, named / np.maximum(total, 1), 0.0).astype(np.float32)
    targets = np.full(emotions.shape, 1 / len(FERPLUS_CLASSES), np.float32)
    targets[usable] = emotions[usable] / named[usable, None]
    return targets, weights


def vote_distribution(votes: np.ndarray, class_names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return which share of the people who named one of a data set's classes named which.

    Every vote counts, single ones too, since shares are wanted, not a majority. An image is usable where at
    least half of all votes name one of the classes: where most people saw contempt, no face or nothing that they could
    tell, the others' shares say little.

    Args:
        votes: Counts, shape (N, 10), columns as in ``VOTE_NAMES``.
        class_names: Emotions in the order wanted, e.g. FER-2013's seven.

    Returns:
        Shares, float32, shape (N, classes), rows summing to 1 (uniform where an image is not usable); and whether it
        is, bool, shape (N,).

    Raises:
        DataError: A class is none that people could vote for.
    """
    named = vote_counts(votes, class_names)
    totals = named.sum(1, keepdims=True)
    usable = (2 * totals[:, 0] >= votes.sum(1)) & (totals[:, 0] > 0)
    shares = np.where(usable[:, None], named / np.maximum(totals, 1), 1 / len(class_names))
    return shares.astype(np.float32), usable


def vote_counts(votes: np.ndarray, class_names: Sequence[str]) -> np.ndarray:
    """Return how many people named each class, float64, shape (N, classes).

    Args:
        votes: Counts, shape (N, 10), columns as in ``VOTE_NAMES``.
        class_names: As for :func:`vote_distribution`.

    Raises:
        DataError: A class is none that people could vote for.
    """
    columns = {emotion_key(name): i for i, name in enumerate(FERPLUS_CLASSES)}
    if foreign := [name for name in class_names if emotion_key(name) not in columns]:
        raise DataError(f"People cast no votes for the class {foreign[0]}.", "Train on the data set's own labels.")
    return np.asarray(votes, np.float64)[:, [columns[emotion_key(name)] for name in class_names]]


def clear_majority(votes: np.ndarray, class_names: Sequence[str]) -> np.ndarray:
    """Return the class that more than half of all people named, int64, shape (N,); -1 where there is none.

    Args:
        votes: Counts, shape (N, 10), columns as in ``VOTE_NAMES``.
        class_names: As for :func:`vote_distribution`.

    Raises:
        DataError: A class is none that people could vote for.
    """
    named = vote_counts(votes, class_names)
    clear = 2 * named.max(1) > votes.sum(1)
    return np.where(clear, named.argmax(1), -1).astype(np.int64)


def _without_single_votes(votes: np.ndarray) -> np.ndarray:
    votes = np.asarray(votes, np.float64)
    return np.where(votes > 1, votes, 0.0)
