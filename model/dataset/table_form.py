"""Tables of pixels as people write them: other columns, label codes, sizes and separators than FER-2013's.

``csv_form`` reads FER-2013's own table, faster and stricter.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isqrt
from pathlib import PurePosixPath
from typing import BinaryIO

import numpy as np

from emoscope.model.dataset.class_order import ClassFile, name_words
from emoscope.model.dataset.columns import FIELD_LIMIT, Columns, delimiter_of, recognise
from emoscope.model.dataset.made_splits import dealt
from emoscope.model.dataset.samples import FER2013_SPLITS, Split, hash_images
from emoscope.model.dataset.split_names import ALL, is_split_name, standard_names
from emoscope.model.errors import DataError

_ACTION = "Give a table with a row for each image: its label, and its gray values 0..255 separated by spaces."
_NO_BRACKETS = str.maketrans("[](){},;", "        ")
ROWS_PER_PROGRESS = 1000


@dataclass(frozen=True)
class Parsed:
    """What was recognised in somebody's files.

    Attributes:
        class_names: In the order of the labels.
        splits: By name, training first.
        notes: What was recognised and what was left out, one sentence each.
        made_splits: Whether the splits were made here.
    """

    class_names: tuple[str, ...]
    splits: dict[str, Split]
    notes: tuple[str, ...]
    made_splits: bool


@dataclass(frozen=True)
class Rows:
    """The rows of one table.

    Attributes:
        source: The file's name.
        columns: What stands where.
        images: uint8, shape (N, side, side, 1); none where no row has a label.
        numbers: Of the rows, from 1 on, int64, shape (N,).
        labels: As written, N of them; empty where a row has none.
        splits: As written, N of them, or None where no column tells.
        unlabelled: How many rows without a label were left out.
    """

    source: str
    columns: Columns
    images: np.ndarray
    numbers: np.ndarray
    labels: list[str]
    splits: list[str] | None
    unlabelled: int


def read_rows(stream: BinaryIO, source: str, on_rows: Callable[[], object] | None = None) -> Rows:
    """Read one table of pixels.

    Args:
        stream: The decompressed text as bytes.
        source: File name for messages.
        on_rows: Called now and then.

    Raises:
        DataError: There is no column of pixels, or a row is wrong; the message names it.
    """
    try:
        return _read_rows((line.decode() for line in stream), source, on_rows)
    except UnicodeDecodeError:
        raise DataError(f"{source} is not a UTF-8 text file.", _ACTION) from None
    except csv.Error as error:
        raise DataError(f"{source} is no CSV table ({error}).", _ACTION) from None


def _read_rows(lines: Iterator[str], source: str, on_rows: Callable[[], object] | None) -> Rows:
    csv.field_size_limit(FIELD_LIMIT)
    header = next(lines, "").removeprefix("\ufeff")
    delimiter = delimiter_of(header)
    names = next(csv.reader([header], delimiter=delimiter, skipinitialspace=True), [])
    columns: Columns | None = None
    pixels: list[np.ndarray] = []
    numbers: list[int] = []
    labels: list[str] = []
    splits: list[str] = []
    unlabelled = 0
    for number, row in _numbered(csv.reader(lines, delimiter=delimiter, skipinitialspace=True)):
        if columns is None:
            columns = recognise(names, row, delimiter)
            if not columns.pixels:
                shown = ", ".join(name.strip()[:20] or "(nothing)" for name in names[:6])
                raise DataError(f"{source} has no column of pixels; its columns are {shown}.", _ACTION)
        if len(row) != len(names):
            raise _wrong(source, number, f"has {len(row)} of {len(names)} columns")
        label = "" if columns.label is None else row[columns.label].strip()
        if not label:
            unlabelled += 1
            continue
        pixels.append(_parse_pixels([row[k] for k in columns.pixels], source, number))
        if len(pixels[-1]) != len(pixels[0]):
            raise _wrong(source, number, f"has {len(pixels[-1])} pixels, and the rows before it {len(pixels[0])}")
        numbers.append(number)
        labels.append(label)
        if columns.split is not None:
            splits.append(row[columns.split].strip())
        if on_rows is not None and number % ROWS_PER_PROGRESS == 0:
            on_rows()
    if columns is None:
        raise DataError(f"{source} has no rows.", _ACTION)
    return Rows(
        source, columns, _squared(pixels, source), np.array(numbers, np.int64), labels, splits or None, unlabelled
    )


def _numbered(rows: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Yield rows that are not blank with their numbers, blank ones counted, the first being 1."""
    return ((number, row) for number, row in enumerate(rows, 1) if any(row))


def join_tables(tables: Sequence[Rows], hint: str, class_file: ClassFile | None = None) -> Parsed:
    """Make one data set of a table, or of one for each split.

    Args:
        tables: Their rows.
        hint: Names of files and folders, which may tell whose label codes these are.
        class_file: That names the codes.

    Raises:
        DataError: No row has a label, the sizes differ, or a label or split is none.
    """
    labelled = [table for table in tables if table.labels]
    if not labelled:
        raise DataError(f"{tables[0].source} has no labels.", _ACTION)
    sides = {table.images.shape[1] for table in labelled}
    if len(sides) > 1:
        raise DataError(f"The tables hold images of different sizes: {sorted(sides)}.", "Name one of them.")
    words = [word for table in labelled for word in table.labels]
    named = name_words(words, hint, of_pixels=True, class_file=class_file)
    if len(named.names) < 2:
        raise DataError(f"There is only one class, {named.names[0]}.", _ACTION)
    labels = np.array([named.label_of[word] for word in words], np.int64)
    images = np.concatenate([table.images for table in labelled])
    names = [
        f"row {number}" if len(tables) == 1 else f"{table.source} row {number}"
        for table in labelled
        for number in table.numbers
    ]
    kept = labels >= 0
    split_words = _split_words(labelled)
    parts, split_note = dealt(split_words, labels, names)
    splits = {}
    for split, part in parts.items():
        chosen = part[kept[part]]
        if chosen.size:
            splits[split] = Split(images[chosen], labels[chosen], hash_images(images[chosen]), np.array(names)[chosen])
    side = sides.pop()
    notes = [f"{labelled[0].columns.described()[:-1]}; {side}×{side} pixels.", *named.notes, split_note]
    notes += [_unlabelled_note(table) for table in tables if table.unlabelled]
    return Parsed(named.names, splits, tuple(filter(None, notes)), not any(split_words) and ALL not in splits)


def _unlabelled_note(table: Rows) -> str:
    count = table.unlabelled
    return f"{table.source} holds {count:,} image{'s' * (count > 1)} without a label, kept apart from the splits."


def _split_words(tables: Sequence[Rows]) -> list[str]:
    """Return the split of each row as its column tells, or as its file is called; empty for a table alone.

    Raises:
        DataError: Some rows have a split of another kind than all others, which is more likely a mistake.
    """
    if all(table.splits is not None for table in tables):
        words = [word for table in tables for word in table.splits or ()]
    elif len(tables) > 1:
        words = [PurePosixPath(table.source).stem for table in tables for _ in table.labels]
    else:
        return [""] * len(tables[0].labels)
    standard = standard_names(set(words))
    strays = sorted(word for word in standard if not is_split_name(word))
    if not strays and {*standard.values()} & {*FER2013_SPLITS}:
        strays = sorted(word for word in standard if standard[word] not in FER2013_SPLITS)
    if strays and len(strays) < len(standard):
        raise DataError(
            f"The split “{strays[0][:20]}” is none of the others' kind: {', '.join(sorted(standard)[:6])}.", _ACTION
        )
    return words


def _parse_pixels(cells: Sequence[str], source: str, number: int) -> np.ndarray:
    """Parse gray values, in one cell or one each: uint8, shape (n,)."""
    text = " ".join(cells).translate(_NO_BRACKETS)
    try:
        values = np.fromstring(text, np.int64, sep=" ")
    except ValueError:
        values = _parse_floats(text, source, number)
    if not len(values) or values.min() < 0 or values.max() > 255:
        raise _wrong(source, number, "holds a pixel value outside 0..255" if len(values) else "has no pixels")
    return values.astype(np.uint8)


def _parse_floats(text: str, source: str, number: int) -> np.ndarray:
    try:
        values = np.fromstring(text, np.float64, sep=" ")
    except ValueError:
        raise _wrong(source, number, "holds a pixel value that is no number") from None
    if not np.array_equal(values, np.round(values)):
        raise _wrong(source, number, "holds a pixel value that is no whole number in 0..255")
    return values


def _squared(pixels: list[np.ndarray], source: str) -> np.ndarray:
    """Return images, uint8, shape (N, side, side, 1), of rows of gray values."""
    if not pixels:
        return np.empty((0, 1, 1, 1), np.uint8)
    side = isqrt(len(pixels[0]))
    if side * side != len(pixels[0]):
        raise DataError(f"{source} has images of {len(pixels[0])} pixels, which make no square.", _ACTION)
    return np.stack(pixels).reshape(-1, side, side, 1)


def _wrong(source: str, number: int, problem: str) -> DataError:
    return DataError(f"{source}, row {number} {problem}.", "Correct or remove the row.")
