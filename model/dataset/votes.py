"""FER+ votes: ten taggers' opinions on each FER-2013 image, and the labels derived from them.

Source: Barsoum, Zhang, Canton Ferrer, Zhang: Training Deep Networks for Facial Expression Recognition with
Crowd-Sourced Label Distribution. ICMI 2016, arXiv 1608.01041.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from emoscope.model.dataset.samples import FER2013_SPLITS, Split
from emoscope.model.emotions import emotion_key
from emoscope.model.errors import DataError

VOTE_NAMES = (
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF",
)  # fmt: skip
FERPLUS_CLASSES = VOTE_NAMES[:8]
# Where each of FER-2013's seven classes is among the FER+ columns.
FER2013_TO_FERPLUS = (4, 5, 6, 1, 3, 2, 0)

VOTES_NAME = "fer2013new.csv"
# Of the rows with a FER+ majority, the share that FER-2013 labels alike is 0.68; votes of other rows reach about 0.2.
MIN_AGREEMENT = 0.45
MIN_ROWS_TO_JUDGE = 50

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


def join_votes(splits: Mapping[str, Split], table: VoteTable) -> dict[str, Split]:
    """Give each sample of FER-2013 its FER+ votes.

    Rows of a table are joined by their number. Image files are joined where their names tell the row: FER+'s own
    ``fer0000017.png``, or ``Training_17`` where the numbers of all files count the rows of the table or of each split.
    (Kaggle's folders number their files in a way that leads back to no row.)

    Raises:
        DataError: The names do not tell the row, or the votes belong to other data.
    """
    rows = _rows_of(splits, table)
    joined, agreeing, judged = {}, 0, 0
    for name, split in splits.items():
        numbers = rows[name]
        if numbers.max() >= len(table.votes):
            raise _foreign(f"has {len(table.votes):,} rows, and the data asks for row {numbers.max() + 1:,}")
        if name in FER2013_SPLITS and (wrong := np.flatnonzero(table.usages[numbers] != name)).size:
            row = numbers[wrong[0]]
            raise _foreign(f"puts row {row + 1:,} into {table.usages[row]} where the data says {name}")
        joined[name] = replace(split, votes=table.votes[numbers])
        majority = ferplus_majority(table.votes[numbers])
        alike = np.array(FER2013_TO_FERPLUS)[split.labels] == majority
        agreeing, judged = agreeing + int(alike.sum()), judged + int((majority >= 0).sum())
    if judged >= MIN_ROWS_TO_JUDGE and agreeing < MIN_AGREEMENT * judged:
        raise _foreign(f"agrees with only {agreeing / judged:.0%} of the labels, so its rows are in another order")
    return joined


def _rows_of(splits: Mapping[str, Split], table: VoteTable) -> dict[str, np.ndarray]:
    """Return the 0-based row in the vote table of each sample, by split; int64, shape (N,)."""
    sources = {name: [str(source).rpartition("/")[2] for source in split.names] for name, split in splits.items()}
    for pattern, first in ((r"row (\d+)", 1), (r"fer(\d{7})\.\w+", 0)):
        if (rows := _numbers(sources, pattern)) is not None:
            return {name: numbers - first for name, numbers in rows.items()}
    numbers = _numbers(sources, rf"(?:{'|'.join(FER2013_SPLITS)})_(\d+)\.\w+")
    if numbers is not None and set(splits) <= set(FER2013_SPLITS):
        together = np.concatenate(list(numbers.values()))
        if len(np.unique(together)) == len(together) and together.max() < len(table.votes):
            return numbers
        if all(np.array_equal(np.sort(found), np.arange(len(found))) for found in numbers.values()):
            return {name: np.flatnonzero(table.usages == name)[found] for name, found in numbers.items()}
    raise DataError(
        "The file names of these images do not tell their rows in FER-2013, so FER+ votes cannot be joined.",
        "Use fer2013.csv with FER+ votes.",
    )


def _numbers(sources: Mapping[str, list[str]], pattern: str) -> dict[str, np.ndarray] | None:
    compiled = re.compile(pattern, re.ASCII | re.IGNORECASE)
    found = {}
    for name, texts in sources.items():
        matches = [compiled.fullmatch(text) for text in texts]
        if not all(matches):
            return None
        found[name] = np.array([int(match[1]) for match in matches if match], np.int64)
    return found


def _foreign(problem: str) -> DataError:
    return DataError(f"The vote file belongs to other data: it {problem}.", _ACTION)


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


def vote_shares(votes: np.ndarray, class_names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return which share of the people who named one of a data set's classes named which.

    Every vote counts, single ones too, since a share is what is wanted and not a verdict. An image is usable where at
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
    counts = np.asarray(votes, np.float64)
    named = counts[:, _columns(class_names)]
    totals = named.sum(1, keepdims=True)
    usable = (2 * totals[:, 0] >= counts.sum(1)) & (totals[:, 0] > 0)
    shares = np.where(usable[:, None], named / np.maximum(totals, 1), 1 / len(class_names))
    return shares.astype(np.float32), usable


def clear_majority(votes: np.ndarray, class_names: Sequence[str]) -> np.ndarray:
    """Return the class that more than half of all people named, int64, shape (N,); -1 where there is none.

    Args:
        votes: Counts, shape (N, 10), columns as in ``VOTE_NAMES``.
        class_names: As for :func:`vote_shares`.

    Raises:
        DataError: A class is none that people could vote for.
    """
    counts = np.asarray(votes, np.float64)
    named = counts[:, _columns(class_names)]
    clear = 2 * named.max(1) > counts.sum(1)
    return np.where(clear, named.argmax(1), -1).astype(np.int64)


def _columns(class_names: Sequence[str]) -> list[int]:
    columns = {emotion_key(name): i for i, name in enumerate(FERPLUS_CLASSES)}
    if foreign := [name for name in class_names if emotion_key(name) not in columns]:
        raise DataError(f"People cast no votes for the class {foreign[0]}.", "Train on the data set's own labels.")
    return [columns[emotion_key(name)] for name in class_names]


def _without_single_votes(votes: np.ndarray) -> np.ndarray:
    votes = np.asarray(votes, np.float64)
    return np.where(votes > 1, votes, 0.0)
