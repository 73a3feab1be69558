"""The FER+ vote file, and how it is joined to any copy of FER-2013.

Source: Barsoum et al. 2016, as in :mod:`emoscope.model.votes`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from emoscope.model.dataset.samples import FER2013_SPLITS, Split
from emoscope.model.errors import DataError
from emoscope.model.votes import FER2013_TO_FERPLUS, VOTE_NAMES, ferplus_majority

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
    for pattern, first in ((r"row (\d{1,9})", 1), (r"fer(\d{7})\.\w+", 0)):
        if (rows := _numbers(sources, pattern)) is not None:
            return {name: numbers - first for name, numbers in rows.items()}
    numbers = _numbers(sources, rf"(?:{'|'.join(FER2013_SPLITS)})_(\d{{1,9}})\.\w+")
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
