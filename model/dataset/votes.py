"""FER+ votes: ten taggers' opinions on each FER-2013 image, and the labels derived from them.

Source: Barsoum, Zhang, Canton Ferrer, Zhang: Training Deep Networks for Facial Expression Recognition with
Crowd-Sourced Label Distribution. ICMI 2016, arXiv 1608.01041.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.errors import DataError

VOTE_NAMES = (
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF",
)  # fmt: skip
FERPLUS_CLASSES = VOTE_NAMES[:8]
# Where each of FER-2013's seven classes is among the FER+ columns.
FER2013_TO_FERPLUS = (4, 5, 6, 1, 3, 2, 0)

_ACTION = "Use fer2013new.csv from github.com/microsoft/FERPlus."


@dataclass(frozen=True, eq=False)
class VoteTable:
    """The vote file, row for row in the order of ``fer2013.csv``.

    Attributes:
        usages: Split of each row, str, shape (N,).
        names: Image name of each row, e.g. ``fer0000017.png``; empty where the image was removed. str, shape (N,).
        votes: float32, shape (N, 10), columns as in ``VOTE_NAMES``.
    """

    usages: np.ndarray
    names: np.ndarray
    votes: np.ndarray


def read_votes(file: Path) -> VoteTable:
    """Read ``fer2013new.csv``.

    Raises:
        DataError: The file is missing, has other columns, or a row is wrong; the message names the row.
    """
    usages, names, votes = [], [], []
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream)
            header = [name.strip().lower() for name in next(reader, [])]
            expected = ["usage", "image name", *(name.lower() for name in VOTE_NAMES)]
            if header != expected:
                wanted = "Usage, Image name and the ten vote columns"
                raise DataError(f"{file.name} is no FER+ vote file: its columns should be {wanted}.", _ACTION)
            for row, fields in enumerate(reader, start=1):
                if not fields:
                    continue
                if len(fields) != len(expected):
                    problem = f"has {len(fields)} of {len(expected)} columns"
                    raise DataError(f"{file.name}, row {row} (line {row + 1}) {problem}.", _ACTION)
                usages.append(fields[0].strip())
                names.append(fields[1].strip())
                votes.append([_parse_vote(field, row, file.name) for field in fields[2:]])
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror or error}).", _ACTION) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file.name} is not a UTF-8 CSV file.", _ACTION) from error
    if not votes:
        raise DataError(f"{file.name} has a header and no rows.", _ACTION)
    return VoteTable(np.array(usages), np.array(names), np.array(votes, np.float32))


def _parse_vote(field: str, row: int, source: str) -> int:
    text = field.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        raise DataError(f"{source}, row {row} (line {row + 1}) holds “{text[:20]}” where a count is expected.", _ACTION)
    return int(text)


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
    """Turn votes into soft targets over the eight emotions, and a weight a row.

    Votes of 1 count as 0, as in the paper. What was cast for ``unknown`` and ``NF`` goes into no target; it lowers the
    row's weight instead: the weight is the share of the remaining votes that names an emotion. Rows of which the
    taggers say first of all that there is no face (``NF`` leads), and rows without any emotion, have weight 0.

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


def _without_single_votes(votes: np.ndarray) -> np.ndarray:
    votes = np.asarray(votes, np.float64)
    return np.where(votes > 1, votes, 0.0)
