"""FER-2013 as one CSV table: one row per image, 48×48 gray values in one field."""

from __future__ import annotations

import csv
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import BinaryIO

import numpy as np

from emoscope.model.dataset.samples import FER2013_CLASSES, FER2013_SPLITS, Split, hash_images
from emoscope.model.errors import DataError

SIDE = 48
PIXELS = SIDE * SIDE
COLUMNS = ("emotion", "pixels", "usage")
BLOCK_BYTES = 4 << 20
# A row takes at most 4 bytes per pixel; a "line" far longer than that means a file without line ends.
LONGEST_LINE = 64 * PIXELS

_EMOTIONS = {str(code).encode(): code for code in range(len(FER2013_CLASSES))}
_USAGES = {usage.encode(): code for code, usage in enumerate(FER2013_SPLITS)}


class OtherTableError(DataError):
    """A table whose columns are not FER-2013's."""


def read_csv(stream: BinaryIO, source: str, on_block: Callable[[], object] | None = None) -> dict[str, Split]:
    """Parse the table.

    Column order, spaces around column names, quotes, a byte order mark and Windows line ends do not matter. The text
    is parsed in blocks, so memory stays near the size of the result (1 byte per pixel).

    Args:
        stream: The decompressed text as bytes.
        source: File name for messages.
        on_block: Called after each block.

    Returns:
        Non-empty splits in FER-2013's order.

    Raises:
        DataError: The file is empty or has other columns, or a row is wrong; the message names the row.
    """
    kept: list[list[tuple[np.ndarray, ...]]] = [[] for _ in FER2013_SPLITS]
    places = None
    with closing(_line_blocks(stream, source)) as blocks:
        for first, lines in blocks:
            if places is None:
                places = _column_places(lines[0], source)
            # The header is row 0; blank lines are counted and skipped.
            numbered = [(row, line) for row, line in enumerate(lines, first) if row > 0 and line.strip()]
            if numbered:
                pixels, emotions, usages = _parse_block(numbered, places, source)
                rows = np.array([row for row, _ in numbered])
                for code in np.unique(usages):
                    chosen = usages == code
                    kept[code].append((pixels[chosen], emotions[chosen], rows[chosen]))
            if on_block is not None:
                on_block()
    if places is None:
        raise DataError(f"{source} is empty.", _AGAIN)
    if not any(kept):
        raise DataError(f"{source} has a header and no rows.", _AGAIN)
    splits = {}
    for usage, parts in zip(FER2013_SPLITS, kept, strict=True):
        if parts:
            pixels, emotions, rows = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
            parts.clear()
            images = pixels.reshape(-1, SIDE, SIDE, 1)
            splits[usage] = Split(images, emotions, hash_images(images), np.array([f"row {row}" for row in rows]))
    return splits


def _line_blocks(stream: BinaryIO, source: str) -> Generator[tuple[int, list[bytes]], None, None]:
    """Yield lists of lines with the number of their first; the next block is decompressed while one is parsed."""
    rest = b""
    first = 0
    with ThreadPoolExecutor(1) as reader:
        pending = reader.submit(stream.read, BLOCK_BYTES)
        while block := pending.result():
            pending = reader.submit(stream.read, BLOCK_BYTES)
            cut = block.rfind(b"\n") + 1
            if not cut:
                rest += block
                if len(rest) > LONGEST_LINE:
                    raise DataError(f"{source} is no CSV table: it has a line of over {LONGEST_LINE:,} bytes.", _ACTION)
                continue
            lines = (rest + block[:cut]).splitlines()
            yield first, lines
            first += len(lines)
            rest = block[cut:]
    if rest:
        yield first, rest.splitlines()


_AGAIN = "Copy or download the file again."
_ACTION = "Use fer2013.csv or icml_face_data.csv as Kaggle gives it."


def _column_places(header: bytes, source: str) -> tuple[int, tuple[int, int, int]]:
    """Return the number of columns, and where emotion, pixels and Usage are."""
    try:
        fields = next(csv.reader([header.decode("utf-8-sig")]), [])
    except (UnicodeDecodeError, csv.Error):
        raise DataError(f"{source} is not a UTF-8 text file.", _ACTION) from None
    names = [field.strip().lower() for field in fields]
    missing = [name for name in COLUMNS if names.count(name) != 1]
    if missing:
        found = ", ".join(field.strip()[:20] or "(nothing)" for field in fields[:6])
        wanted = "the columns emotion, pixels and Usage once each are expected"
        raise OtherTableError(f"{source} has the wrong columns: {wanted}, its first row reads {found}.", _ACTION)
    return len(names), (names.index("emotion"), names.index("pixels"), names.index("usage"))


def _parse_block(
    numbered: list[tuple[int, bytes]], places: tuple[int, tuple[int, int, int]], source: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pixels uint8 (n, 2304), emotion codes int64 (n,) and usage codes int64 (n,)."""
    columns, (emotion_at, pixels_at, usage_at) = places
    pixels, emotions, usages = [], [], []
    for row, line in numbered:
        fields = line.split(b",") if b'"' not in line else _quoted_fields(line)
        if len(fields) != columns:
            raise _row_error(source, row, f"is cut short or damaged: it has {len(fields)} of {columns} columns")
        emotion = _EMOTIONS.get(fields[emotion_at])
        usage = _USAGES.get(fields[usage_at])
        emotions.append(_parse_emotion(fields[emotion_at], row, source) if emotion is None else emotion)
        usages.append(_parse_usage(fields[usage_at], row, source) if usage is None else usage)
        pixels.append(_parse_pixels(fields[pixels_at], row, source))
    return np.stack(pixels), np.array(emotions, np.int64), np.array(usages, np.int64)


def _quoted_fields(line: bytes) -> list[bytes]:
    try:
        fields = next(csv.reader([line.decode("utf-8", "replace")]), [])
    except csv.Error:
        return []
    return [field.encode() for field in fields]


def _parse_pixels(text: bytes, row: int, source: str) -> np.ndarray:
    """Parse one field of 2304 gray values: uint8, shape (2304,)."""
    try:
        values = np.fromstring(text, np.int64, sep=" ")
    except ValueError:
        values = np.empty(0, np.int64)
    if len(values) != PIXELS or values.min() < 0 or values.max() > 255:
        raise _row_error(source, row, _pixels_problem(text))
    return values.astype(np.uint8)


def _pixels_problem(text: bytes) -> str:
    """Describe what is wrong with a field that is not 2304 gray values."""
    fields = text.split()
    bad = next((field for field in fields if not field.isdigit()), None)
    if bad is not None:
        return f"holds the pixel value {_shown(bad)}, which is no whole number in 0..255"
    too_large = next((field for field in fields if len(field) > 9 or int(field) > 255), None)
    if too_large is not None:
        return f"holds the pixel value {_shown(too_large)}, outside 0..255"
    return f"has {len(fields)} pixels where {PIXELS} (48×48) are expected"


def _parse_emotion(field: bytes, row: int, source: str) -> int:
    code = _EMOTIONS.get(field.strip())
    if code is None:
        raise _row_error(source, row, f"has the emotion {_shown(field)}, which is none of the codes 0..6")
    return code


def _parse_usage(field: bytes, row: int, source: str) -> int:
    code = _USAGES.get(field.strip())
    if code is None:
        raise _row_error(source, row, f"has the Usage {_shown(field)}, which is none of {', '.join(FER2013_SPLITS)}")
    return code


def _shown(field: bytes) -> str:
    text = field.decode("utf-8", "replace").strip()
    return f"“{text[:20]}…”" if len(text) > 20 else f"“{text}”"


def _row_error(source: str, row: int, problem: str) -> DataError:
    return DataError(f"{source}, row {row} (line {row + 1}) {problem}.", _AGAIN)
