"""A file of another program: its bytes, and what they are as text, JSON or a table, each read once."""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from emoscope.model.errors import RunError

MAX_BYTES = 256 << 20
DELIMITERS = ",;\t|"
MISSING = ("", "na", "n/a", "none", "null", "-")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BINARY = (b"\x93NUMPY", b"PK\x03\x04", b"PAR1", b"SQLite format 3\0")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:[ ,.'’\u00a0\u202f]\d{3})+(?:[.,]\d+)?")
_DECIMAL_POINT = re.compile(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?")


_HALF = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True)
class Table:
    """Rows of text below a header.

    Attributes:
        name: Of the file.
        header: Names of the columns, all different.
        rows: Cells, as many in each row as columns.
        lines: Line of each row in the file, from 1 on.
        delimiter: Between cells.
        repeated_headers: Places in ``rows`` before which the header stands again.
    """

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    delimiter: str
    repeated_headers: tuple[int, ...] = ()

    def column(self, name: str) -> list[str]:
        """Return the cells of a column, without spaces around."""
        place = self.header.index(name)
        return [row[place].strip() for row in self.rows]

    def numbers(self, name: str) -> np.ndarray:
        """Return a column as numbers, float64, shape (rows,); NaN where a cell is empty.

        Raises:
            RunError: A cell is no number, or one with separated thousands; names the line.
        """
        return np.array(
            [self._number(cell, name, line) for cell, line in zip(self.column(name), self.lines, strict=True)]
        )

    def is_numeric(self, name: str) -> bool:
        """Tell whether a column holds numbers and empty cells only, at least one number."""
        try:
            return bool(np.isfinite(self.numbers(name)).any())
        except RunError:
            return False

    def _number(self, cell: str, name: str, line: int) -> float:
        try:
            return parse_number(cell, self._decimal_comma)
        except ValueError as error:
            raise RunError(
                f"{self.name}, line {line}: {cell[:40]!r} in column {name} {error}.",
                "Write plain numbers such as 1234.5.",
            ) from None

    @cached_property
    def _decimal_comma(self) -> bool:
        """Whether decimals have a comma: the table is not separated by commas, and no number has a point."""
        cells = [cell.strip() for row in self.rows for cell in row]
        return self.delimiter != "," and not any(_DECIMAL_POINT.fullmatch(cell) for cell in cells)


def parse_number(cell: str, decimal_comma: bool = False) -> float:
    """Return the number that a cell without spaces around holds; NaN where it is empty.

    Raises:
        ValueError: It holds none; says so as the end of a sentence.
    """
    if cell.lower() in MISSING:
        return float("nan")
    if decimal_comma and _DECIMAL_COMMA.fullmatch(cell):
        cell = cell.replace(",", ".")
    try:
        if "_" in cell:  # Python reads 1_000 as a number, no other program does
            raise ValueError
        return float(cell)
    except ValueError:
        is_grouped = _GROUPED.fullmatch(cell)
        raise ValueError("has separators between its thousands" if is_grouped else "is no number") from None


class Source:
    """A file or folder to recognise."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name

    @cached_property
    def content(self) -> bytes:
        """The file's bytes.

        Raises:
            RunError: It cannot be read, is empty or too large.
        """
        if self.path.is_dir():
            raise RunError(f"{self.name} is a folder, and its format is one of a file.", "Name the file in it.")
        try:
            if self.path.stat().st_size > MAX_BYTES:
                raise RunError(f"{self.name} has over {MAX_BYTES >> 20} MB.", "Give the part that matters.")
            content = self.path.read_bytes()
        except OSError as error:
            raise RunError(f"{self.name} cannot be read ({error.strerror or error}).", "Check the path.") from error
        if not content.strip():
            raise RunError(f"{self.name} is empty.", "Write it again with the program that made it.")
        return content

    @cached_property
    def text(self) -> str | None:
        """The content as text; None where it is binary.

        Raises:
            RunError: It is text in an encoding other than UTF-8 or UTF-16.
        """
        if self.content.startswith(_BINARY):
            return None
        encoding = next((name for mark, name in _MARKS if self.content.startswith(mark)), "utf-8")
        try:
            text = self.content.decode(encoding)
        except UnicodeDecodeError:
            if _looks_binary(self.content):
                return None
            raise RunError(
                f"{self.name} is text, but not in UTF-8.", "Save it again with the encoding UTF-8."
            ) from None
        return None if "\0" in text else text

    @cached_property
    def json(self) -> Any:
        """The content as JSON; None where it is not JSON at all.

        Raises:
            RunError: It begins as JSON does and breaks off or has a mistake.
        """
        text = (self.text or "").strip()
        if text[:1] not in "{[" or not text:
            return None
        try:
            return _parsed(text)
        except UnicodeEncodeError:
            raise RunError(
                f"{self.name} holds half of a character, a lone surrogate.", "Write its names again as UTF-8."
            ) from None
        except ValueError as error:
            if self.json_lines is not None:
                return None
            raise RunError(
                f"{self.name} is cut off or no valid JSON ({error}).", "Write it again with the program that made it."
            ) from error
        except RecursionError:
            raise RunError(f"{self.name} is nested too deeply.", "Give a plain JSON file.") from None

    @cached_property
    def json_lines(self) -> list[dict[str, Any]] | None:
        """The JSON objects of a file with one on each line; None where it is no such file."""
        lines = [line for line in (self.text or "").splitlines() if line.strip()]
        if len(lines) < 2 and not self.name.endswith((".jsonl", ".ndjson")):
            return None
        try:
            found = [_parsed(line) for line in lines]
        except (ValueError, RecursionError):
            return None
        return found if found and all(isinstance(row, dict) for row in found) else None

    @cached_property
    def table(self) -> Table | None:
        """The content as a table with a header; None where it is no table.

        Raises:
            RunError: A row has another number of cells than the header, or a name stands twice in it.
        """
        text = self.text
        if text is None or text.lstrip()[:1] in ("{",):
            return None
        first = next(line for line in text.splitlines() if line.strip())
        delimiter = max(DELIMITERS, key=first.count)
        if delimiter not in first:
            return None
        return _parse_table(self.name, text, delimiter)


def _parse_table(name: str, text: str, delimiter: str) -> Table:
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
    rows: list[tuple[str, ...]] = []
    lines: list[int] = []
    repeated: list[int] = []
    header: tuple[str, ...] = ()
    try:
        for cells in reader:
            row = tuple(cells)
            if not any(cell.strip() for cell in row):
                continue
            if not header:
                header = _named(name, row)
            elif _named_alike(row, header):
                repeated.append(len(rows))
            else:
                _check_length(name, row, header, reader.line_num)
                rows.append(row)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise RunError(f"{name}, line {reader.line_num}: the table is broken ({error}).", "Write it again.") from error
    return Table(name, header, tuple(rows), tuple(lines), delimiter, tuple(repeated))


def _named(name: str, row: Sequence[str]) -> tuple[str, ...]:
    header = tuple(cell.strip().lstrip("\ufeff") or f"column {i + 1}" for i, cell in enumerate(row))
    twice = next((cell for cell in header if header.count(cell) > 1), "")
    if twice:
        raise RunError(f"{name} has two columns named {twice[:60]}.", "Give each column a name of its own.")
    return header


def _named_alike(row: Sequence[str], header: Sequence[str]) -> bool:
    return tuple(cell.strip() or f"column {i + 1}" for i, cell in enumerate(row)) == tuple(header)


def _check_length(name: str, row: Sequence[str], header: Sequence[str], line: int) -> None:
    if len(row) != len(header):
        raise RunError(
            f"{name}, line {line} has {len(row)} cells where the header names {len(header)}.",
            "The file may be cut off there; write it again or remove the line.",
        )


def _looks_binary(content: bytes) -> bool:
    head = content[:4096]
    odd = sum(byte < 9 or 13 < byte < 32 for byte in head)
    return b"\0" in head or odd > len(head) / 50


def _parsed(text: str) -> Any:
    """Parse JSON whose strings can be written again; raises UnicodeEncodeError where one holds half of a character."""
    values = json.loads(text)
    if _HALF.search(text):
        json.dumps(values, ensure_ascii=False).encode()
    return values
