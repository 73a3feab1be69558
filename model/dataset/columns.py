"""Which column of somebody's table holds what: by its name, else by what stands in it."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

from emoscope.model.dataset.file_tree import is_image_name

SNIFFED_BYTES = 256 << 10
MIN_PIXELS = 16
FIELD_LIMIT = 32 << 20
"""Longest field, in characters; an image of 1,000 × 1,000 pixels has 4 million."""

_LABEL = ("emotion", "emotions", "expression", "label", "labels", "class", "class_name", "target", "category", "y")
_SPLIT = ("usage", "split", "subset", "set", "partition")
_INDEX = re.compile(r"|index|id|unnamed_\d+|level_0")
_WIDE = re.compile(r"(?:pixels?|pix|px|p|x|)_?\d+|\d+x\d+")
_NUMBERS = re.compile(r"[\s\[\](){},;.\d+-]+")
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True)
class Columns:
    """Where in a row what stands; None where nothing does.

    Attributes:
        names: Of all columns, as the file has them.
        delimiter: Between two cells.
        label: Of the class.
        pixels: Of the gray values: one column, or as many as there are pixels; empty where there are none.
        path: Of the image's file.
        split: Of the split.
    """

    names: tuple[str, ...]
    delimiter: str
    label: int | None
    pixels: tuple[int, ...]
    path: int | None
    split: int | None

    def described(self) -> str:
        """Say in a sentence which columns are used."""
        pixels = f"{self.names[self.pixels[0]]} to {self.names[self.pixels[-1]]}" if len(self.pixels) > 1 else ""
        used = {
            "label": None if self.label is None else self.names[self.label],
            "pixels": pixels or (self.names[self.pixels[0]] if self.pixels else None),
            "file": None if self.path is None or self.pixels else self.names[self.path],
            "split": None if self.split is None else self.names[self.split],
        }
        parts = ", ".join(
            f"{what} from {name or 'the column without a name'}" for what, name in used.items() if name is not None
        )
        return f"Columns separated by {_SEPARATORS[self.delimiter]}: {parts}."


def delimiter_of(header: str) -> str:
    """Return what separates the cells of a table: the most frequent candidate of its first line."""
    bare = re.sub(r'"[^"]*"', "", header)
    return max(_SEPARATORS, key=bare.count)


def sniff(start: bytes) -> Columns | None:
    """Recognise the columns of a table from its first bytes; None where this is no table with a header and a row."""
    text = start[:SNIFFED_BYTES].decode("utf-8-sig", "replace")
    lines = text.splitlines()
    if len(lines) < 2 or "\0" in text[:1024]:
        return None
    csv.field_size_limit(FIELD_LIMIT)
    delimiter = delimiter_of(lines[0])
    try:
        rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
        header, row = next(rows), next(row for row in rows if any(row))
    except (StopIteration, csv.Error):
        return None
    return recognise(header, row, delimiter)


def recognise(header: Sequence[str], row: Sequence[str], delimiter: str) -> Columns:
    """Recognise columns.

    Args:
        header: Their names.
        row: The first row below.
        delimiter: Between two cells.
    """
    keys = [_key(name) for name in header]
    cells = [*row, *[""] * (len(keys) - len(row))]
    pixels: tuple[int, ...] = next(((k,) for k in range(len(keys)) if is_pixels(cells[k])), ())
    wide = tuple(k for k, key in enumerate(keys) if _WIDE.fullmatch(key))
    if not pixels and len(wide) >= MIN_PIXELS:
        pixels = wide
    path = next((k for k in range(len(keys)) if is_image_name(cells[k].strip())), None)
    if path is not None and len(pixels) == 1 and not _is_square(cells[pixels[0]]):
        pixels = ()  # the landmarks of a face, say
    split = _named(keys, _SPLIT, {*pixels, path})
    label = _named(keys, _LABEL, {*pixels, path, split})
    if label is None and (pixels or path is not None):
        rest = [k for k, key in enumerate(keys) if k not in {*pixels, path, split} and not _INDEX.fullmatch(key)]
        label = rest[0] if len(rest) == 1 else None
    return Columns(tuple(name.strip() for name in header), delimiter, label, pixels, path, split)


def is_pixels(cell: str) -> bool:
    """Tell whether a cell holds the gray values of an image."""
    return bool(_NUMBERS.fullmatch(cell)) and len(re.findall(r"\d+", cell[:2000])) >= MIN_PIXELS


def _is_square(cell: str) -> bool:
    count = len(re.findall(r"\d+(?:\.\d*)?", cell))
    return isqrt(count) ** 2 == count


def is_label_name(name: str) -> bool:
    """Tell whether a column is called as columns of labels are."""
    return _key(name) in _LABEL


def _key(name: str) -> str:
    return re.sub(r"[\W_]+", "_", name.casefold()).strip("_")


def _named(keys: Sequence[str], wanted: Sequence[str], taken: set[int | None]) -> int | None:
    return next((k for name in wanted for k, key in enumerate(keys) if key == name and k not in taken), None)
