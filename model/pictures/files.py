"""Which pictures a command means: files, folders, patterns and lists, and where their annotated copies go."""

from __future__ import annotations

import csv
import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from emoscope.model.errors import DataError
from emoscope.model.images import PICTURE_SUFFIXES

LIST_SUFFIXES = frozenset((".csv", ".parquet"))
_NAMED = 5  # of the files that are left out
_LIST_COLUMNS = ("file", "path", "image", "filename")


@dataclass(frozen=True)
class PictureFile:
    """One input of a command.

    Attributes:
        path: As the user would write it.
        relative: Its place below the folder that was named, or its bare name.
    """

    path: Path
    relative: PurePath


def find_pictures(
    names: Iterable[str], leave_out: Path | None = None, others: list[Path] | None = None
) -> Iterator[PictureFile]:
    """Yield the pictures that paths and patterns mean, each once, in the order given and by name within a folder.

    A folder means every file below it that is called like a picture; hidden ones are left out. A CSV or Parquet file
    means the files named in its column ``file``, ``path``, ``image`` or ``filename``, seen from its own folder. A file
    that is named is always taken, also if it does not exist, so that whoever opens it can say what is wrong.

    Args:
        names: Files, folders, lists and patterns such as ``photos/**/*.jpg``.
        leave_out: A folder whose content is not meant, such as where results are written.
        others: Takes in the visible files of folders that are not called like pictures, to be told of.

    Raises:
        DataError: A list cannot be read, or has no such column.
    """
    seen: set[str] = set()
    for name in names:
        matches = [name] if os.path.lexists(name) else sorted(glob.glob(name, recursive=True)) or [name]  # noqa: PTH207
        for match in matches:
            listed = Path(match).suffix.lower() in LIST_SUFFIXES
            for file in _listed(Path(match)) if listed else _below(Path(match), leave_out, others):
                real = os.path.realpath(file.path)
                if real not in seen:
                    seen.add(real)
                    yield file


def left_out(others: Sequence[Path]) -> str:
    """Return the sentence on files that are not called like pictures; empty if there are none."""
    if not others:
        return ""
    names = ", ".join([*(path.name for path in others[:_NAMED]), *(["…"] if len(others) > _NAMED else [])])
    count = "1 file was" if len(others) == 1 else f"{len(others):,} files were"
    return f"{count} left out, which {'is no picture' if len(others) == 1 else 'are no pictures'}: {names}"


def _below(path: Path, leave_out: Path | None, others: list[Path] | None) -> Iterator[PictureFile]:
    if not path.is_dir():
        yield PictureFile(path, PurePath(path.name))
        return
    excluded = os.path.realpath(leave_out) if leave_out else None
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(f for f in folders if f[0] != "." and os.path.realpath(Path(folder) / f) != excluded)
        for name in sorted(files):
            if name[0] == ".":
                continue
            file = Path(folder) / name
            if file.suffix.lower() in PICTURE_SUFFIXES:
                yield PictureFile(file, file.relative_to(path))
            elif others is not None:
                others.append(file)


def _listed(path: Path) -> Iterator[PictureFile]:
    try:
        for name in _parquet_column(path) if path.suffix.lower() == ".parquet" else _csv_column(path):
            if name:
                # Kept as written: absolute, or below the list's own folder.
                file = path.parent / name
                parts = [part for part in PurePath(name).parts if part not in ("..", PurePath(name).anchor)]
                yield PictureFile(file, PurePath(*parts))
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as a list of pictures ({error}).", "Check the file.") from error


def _csv_column(path: Path) -> Iterator[str]:
    with path.open(newline="", encoding="utf-8-sig") as stream:
        table = csv.DictReader(stream)
        column = _column(path, table.fieldnames or ())
        for row in table:
            yield row[column]


def _parquet_column(path: Path) -> Iterator[str]:
    try:
        import pyarrow.parquet as pq
    except ImportError as error:
        raise DataError("Parquet files need PyArrow, which is not installed.", "Run `pip install pyarrow`.") from error
    with pq.ParquetFile(path) as table:
        column = _column(path, table.schema_arrow.names)
        for batch in table.iter_batches(columns=[column]):
            yield from (str(name) for name in batch.column(0).to_pylist() if name is not None)


def _column(path: Path, names: Sequence[str]) -> str:
    found = next((column for column in _LIST_COLUMNS if column in names), None)
    if found is None:
        raise DataError(
            f"{path} has no column {', '.join(_LIST_COLUMNS[:-1])} or {_LIST_COLUMNS[-1]}.",
            "Name the column with the pictures' paths so.",
        )
    return found


def annotated_paths(files: Iterable[PictureFile], folder: Path) -> list[Path]:
    """Say where each picture's annotated copy goes: below ``folder``, no two the same, and never over an input."""
    files = list(files)
    taken = {os.path.normcase(os.path.realpath(file.path)) for file in files}
    paths = []
    for file in files:
        plain = folder / file.relative.with_suffix(".png")
        path, number = plain, 1
        while (key := os.path.normcase(os.path.realpath(path))) in taken:
            number += 1
            path = plain.with_stem(f"{plain.stem} ({number})")
        taken.add(key)
        paths.append(path)
    return paths
