"""Named columns of a table, whichever format holds it: CSV, JSON, NPZ or Parquet."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any
from zipfile import ZipFile

import numpy as np

from emoscope.model.errors import RunError, reason_of
from emoscope.model.runs.foreign.results import counted
from emoscope.model.runs.foreign.source import MAX_BYTES, Source
from emoscope.model.splits import KNOWN, NAMES

Columns = Mapping[str, np.ndarray]
_PARTS = (
    ("PrivateTest",),
    ("PublicTest",),
    ("test", "testing", "heldout"),
    ("validation", "valid", "val", "dev"),
    ("train", "training"),
)
_NAMED = ("PrivateTest", "PublicTest", "test", "validation", "train")


def columns_of_file(source: Source) -> Columns | None:
    """Return the columns of a table: text as ``str``, numbers as float64 or int64, shape (N,) or (N, K) each.

    Returns:
        None for a file that holds no table.

    Raises:
        RunError: The table is broken, or its columns differ in length.
    """
    if not source.path.is_file():
        return None
    if source.content.startswith(b"PAR1"):
        return _parquet(source)
    if source.content.startswith(b"PK"):
        return _npz(source)
    if source.text is None:
        return None
    if source.json is not None:
        return _of_json(source.json, source.name)
    if source.json_lines is not None:
        return _of_json(source.json_lines, source.name)
    table = source.table
    return None if table is None else {name: np.array(table.column(name)) for name in table.header}


def split_of(name: str) -> str:
    """Return the split that a file's name mentions; empty where it mentions none."""
    words = [word.lower() for word in re.split(r"[^A-Za-z]+", PurePath(name).stem) if word]
    for mentioned, split in zip(_PARTS, _NAMED, strict=True):
        if any(word.lower() in words for word in mentioned):
            return split
    return ""


def checked_split(split: str) -> str:
    """Return a split's name that can be a file's.

    Raises:
        RunError: It cannot.
    """
    if not re.fullmatch(r"[\w.-]{1,64}", split, re.ASCII):
        raise RunError(f"{split[:60]!r} cannot name a split.", f"Use a word such as {NAMES['test'][1]}.")
    return next((known for known in KNOWN if known.lower() == split.lower()), split)


def _of_json(values: Any, name: str) -> Columns | None:
    if isinstance(values, list) and values and all(isinstance(row, Mapping) for row in values):
        names = dict.fromkeys(key for row in values for key in row)
        lists = {key: [row.get(key) for row in values] for key in names}
    elif isinstance(values, Mapping):
        lists = {str(key): cells for key, cells in values.items() if isinstance(cells, list)}
    else:
        return None
    columns = {key: found for key, cells in lists.items() if (found := _array(cells)) is not None}
    return columns or None


def _array(cells: list[Any]) -> np.ndarray | None:
    """Return JSON values as an array of numbers or text; None where they are neither."""
    if cells and all(isinstance(cell, Mapping) for cell in cells):
        return None
    if cells and all(isinstance(cell, list) for cell in cells):
        try:
            return np.array(cells, np.float64)
        except (ValueError, TypeError):
            return None
    if all(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in cells):
        return np.array(cells, np.float64)
    return np.array(["" if cell is None else str(cell) for cell in cells])


def _npz(source: Source) -> Columns | None:
    try:
        with ZipFile(io.BytesIO(source.content)) as archive:
            names = archive.namelist()
            if not names or not all(name.endswith(".npy") for name in names):
                return None
            if sum(entry.file_size for entry in archive.infolist()) > MAX_BYTES:
                raise RunError(f"{source.name} unpacks to over {MAX_BYTES >> 20} MB.", "Give the part that matters.")
            found = {name.removesuffix(".npy"): read_npy(archive.read(name), source.name) for name in names}
    except RunError:
        raise
    except Exception as error:  # on damaged bytes the readers of zip raise anything
        raise RunError(f"{source.name} is a broken archive ({reason_of(error)}).", "Write it again.") from error
    columns = {name: values for name, values in found.items() if values.ndim in (1, 2)}
    return {name: values.astype(str) if values.dtype.kind in "SU" else values for name, values in columns.items()}


def read_npy(content: bytes, name: str) -> np.ndarray:
    """Read an array in NumPy's format.

    Raises:
        RunError: It is broken, claims more values than it has, or holds Python objects, which are not unpickled.
    """
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = header(stream)
        if dtype.hasobject:
            raise RunError(
                f"{name} holds Python objects, which are not opened here.",
                "Save arrays of numbers or text: np.asarray(values).astype(str) for names.",
            )
        if math.prod(shape) * dtype.itemsize > len(content):
            raise RunError(f"{name} is cut off.", "Write it again.")
        stream.seek(0)
        return np.lib.format.read_array(stream, allow_pickle=False)
    except RunError:
        raise
    except Exception as error:  # on a damaged header NumPy's reader raises what Python's own does
        raise RunError(f"{name} is no NumPy array that can be read ({reason_of(error)}).", "Write it again.") from error


def _parquet(source: Source) -> Columns:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise RunError(
            f"{source.name} is a Parquet file, and pyarrow is not installed.",
            "Run `pip install pyarrow`, or give a CSV.",
        ) from error
    try:
        table = pyarrow.parquet.read_table(io.BytesIO(source.content))
        lists = {name: table.column(name).to_pylist() for name in table.column_names}
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise RunError(f"{source.name} is a broken Parquet file ({reason_of(error)}).", "Write it again.") from error
    return {name: found for name, cells in lists.items() if (found := _array(cells)) is not None}


def same_length(columns: Columns, name: str) -> int:
    """Return the number of rows.

    Raises:
        RunError: Columns differ in length, or there are no rows.
    """
    lengths = {key: len(values) for key, values in columns.items()}
    if len(set(lengths.values())) > 1:
        some = ", ".join(f"{key} {counted(length, 'row')}" for key, length in lengths.items())
        raise RunError(f"The columns of {name} differ in length ({some}).", "Write one row per sample.")
    rows = next(iter(lengths.values()), 0)
    if not rows:
        raise RunError(f"{name} holds no samples.", "Write one row per sample.")
    return rows
