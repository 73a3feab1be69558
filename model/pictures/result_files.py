"""Files of results, written picture by picture: CSV, JSON and Parquet."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from emoscope.model.errors import OutputError
from emoscope.model.pictures.results import PictureEntry, face_columns, face_rows

Writer = Callable[[PictureEntry], None]
"""Takes the entry of one picture (:func:`~emoscope.model.pictures.results.picture_entry` or ``error_entry``)."""

# Rows kept in memory before they become a row group; fewer would make Parquet files large and slow.
_ROW_GROUP = 50_000


@contextmanager
def writing() -> Iterator[None]:
    """Turn what the file system refuses into an :class:`~emoscope.model.errors.OutputError`."""
    try:
        yield
    except BrokenPipeError:  # whoever reads our output has seen enough; no matter of places
        raise
    except OSError as error:
        name = error.filename or "The output"
        raise OutputError(f"{name} cannot be written ({error.strerror}).", "Choose another place.") from error


@contextmanager
def csv_file(name: str, class_names: Sequence[str]) -> Iterator[Writer]:
    """Open a CSV file, ``-`` for standard output, with one row per face.

    Raises:
        OutputError: It cannot be written.
    """
    with _text_file(name) as stream:
        table = csv.DictWriter(stream, face_columns(class_names), lineterminator="\n")
        table.writeheader()

        def write(entry: PictureEntry) -> None:
            with writing():
                table.writerows(face_rows(entry, class_names))

        yield write


@contextmanager
def json_file(name: str, run_key: str, detector_name: str) -> Iterator[Writer]:
    """Open a JSON file, ``-`` for standard output: one object with one entry per picture.

    Raises:
        OutputError: It cannot be written.
    """
    with _text_file(name) as stream:
        head = json.dumps({"run": run_key, "detector": detector_name}, ensure_ascii=False)
        stream.write(head[:-1] + ', "pictures": [')
        separator = "\n"

        def write(entry: PictureEntry) -> None:
            nonlocal separator
            with writing():
                stream.write(separator + json.dumps(entry, ensure_ascii=False))
            separator = ",\n"

        try:
            yield write
        finally:  # also what was stopped half-way is to be read
            stream.write("\n]}\n")


@contextmanager
def parquet_file(path: Path, class_names: Sequence[str]) -> Iterator[Writer]:
    """Open a Parquet file with one row per face; it appears under its name once it is whole.

    Raises:
        OutputError: It cannot be written, or PyArrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise OutputError(
            "Parquet files need PyArrow, which is not installed.", "Run `pip install pyarrow`."
        ) from error
    types = dict.fromkeys(("file", "emotion", "warnings", "detector"), pa.string())
    types |= dict.fromkeys(("face", "turned"), pa.int32())
    schema = pa.schema([(name, types.get(name, pa.float32())) for name in face_columns(class_names)])
    partial = path.with_name(f".{path.name}.part")
    rows: list[dict[str, Any]] = []
    with writing():
        if path.is_dir():
            raise IsADirectoryError(21, "Is a directory", str(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        table = pq.ParquetWriter(partial, schema, compression="zstd")

    def flush() -> None:
        with writing():
            table.write_table(pa.Table.from_pylist(rows, schema))
        rows.clear()

    def write(entry: PictureEntry) -> None:
        for row in face_rows(entry, class_names):
            rows.append({**row, "file": row["file"].encode("utf-8", "backslashreplace").decode()})
        if len(rows) >= _ROW_GROUP:
            flush()

    try:
        yield write
        if rows:
            flush()
        with writing():
            table.close()
            partial.replace(path)
    finally:
        table.close()
        partial.unlink(missing_ok=True)


@contextmanager
def _text_file(name: str) -> Iterator[TextIO]:
    if name == "-":
        yield sys.stdout
        return
    with writing():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        # A file name may hold bytes that are no text; they are written as escapes.
        stream = Path(name).open("w", encoding="utf-8", errors="backslashreplace", newline="")  # noqa: SIM115
    try:
        yield stream
    finally:
        with writing():
            stream.close()
