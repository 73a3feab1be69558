"""Parquet and Arrow files as Hugging Face's ``datasets`` writes them: a column of encoded images, one of labels."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from emoscope.model.dataset.class_order import name_words
from emoscope.model.dataset.columns import is_label_name
from emoscope.model.dataset.folder_form import Progress, broken_note, decode, refuse_many
from emoscope.model.dataset.made_splits import dealt
from emoscope.model.dataset.samples import Split
from emoscope.model.dataset.split_names import ALL, is_split_name
from emoscope.model.dataset.table_form import Parsed
from emoscope.model.errors import DataError, ImageError, reason_of
from emoscope.model.machine import available_cores

BATCH_ROWS = 256
PARQUET_START = b"PAR1"
_ACTION = "Give files with a column of encoded images and one of labels, as datasets.Dataset.to_parquet writes them."


def read_arrow(
    files: Sequence[Path], hint: str, size: tuple[int, int], channels: int, progress: Progress | None = None
) -> Parsed:
    """Read images and labels of Parquet or Arrow files, one for each split or several parts of one.

    Args:
        files: In order; their names or folders tell the splits.
        hint: Names of files and folders, which may tell whose label codes these are.
        size: Height and width to bring the images to.
        channels: 1 for gray, 3 for RGB.
        progress: Called with how many files are read and how many there are.

    Raises:
        DataError: PyArrow is missing, a file is damaged or holds no images, or more than ``MAX_BROKEN`` are broken.
    """
    found = _Collected()
    with ThreadPoolExecutor(min(8, available_cores())) as pool:
        for done, file in enumerate(files, 1):
            _collect(file, found, lambda row: _decoded(row, size, channels), pool)
            if progress is not None:
                progress(done, len(files))
    refuse_many(found.broken, len(found.samples) + len(found.broken))
    if not found.samples:
        raise DataError(f"{files[0].name} holds no image with a label.", _ACTION)
    named = name_words([*found.class_names, *(sample.word for sample in found.samples)], hint, of_pixels=False)
    if len(named.names) < 2:
        raise DataError(f"There is only one class, {named.names[0]}.", "Add images of each further class.")
    labels = np.array([named.label_of[sample.word] for sample in found.samples], np.int64)
    names = [sample.name for sample in found.samples]
    parts, note = dealt([sample.split for sample in found.samples], labels, names)
    splits = {
        split: _split([found.samples[k] for k in part], labels[part])
        for split, every in parts.items()
        if (part := every[labels[every] >= 0]).size
    }
    count = found.unlabelled
    kept_apart = f"{count:,} image{'s' * (count > 1)} without a label, kept apart." if count else ""
    notes = (found.described, *named.notes, note, kept_apart, *broken_note(found.broken_names))
    made = not any(sample.split for sample in found.samples) and ALL not in splits
    return Parsed(named.names, splits, tuple(filter(None, notes)), made)


class _Row(NamedTuple):
    """An encoded image, its label as a word (empty where there is none), and where it comes from."""

    data: bytes
    word: str
    name: str


class _Sample(NamedTuple):
    image: np.ndarray  # uint8, (H, W, C)
    pixel_hash: int
    word: str
    name: str
    split: str


@dataclass
class _Collected:
    """What was read so far."""

    samples: list[_Sample] = field(default_factory=list)
    class_names: list[str] = field(default_factory=list)
    broken: list[DataError] = field(default_factory=list)
    broken_names: list[str] = field(default_factory=list)
    unlabelled: int = 0
    described: str = ""


def _collect(
    file: Path,
    into: _Collected,
    convert: Callable[[_Row], tuple[np.ndarray, int] | DataError],
    pool: ThreadPoolExecutor,
) -> None:
    """Read one file."""
    split = _split_of(file)
    with _opened(file) as (schema, batches):
        image_at, label_at, class_names = _recognise(schema, file.name)
        into.class_names += class_names
        into.described = f"Columns: image from {image_at}, label from {label_at}."
        for first, batch in batches:
            rows = _rows(batch, image_at, label_at, class_names, f"{file.name} row", first)
            labelled = [row for row in rows if row.word]
            into.unlabelled += len(rows) - len(labelled)
            for row, decoded in zip(labelled, pool.map(convert, labelled), strict=True):
                if isinstance(decoded, DataError):
                    into.broken.append(decoded)
                    into.broken_names.append(row.name)
                else:
                    into.samples.append(_Sample(*decoded, row.word, row.name, split))


def _split(samples: Sequence[_Sample], labels: np.ndarray) -> Split:
    hashes = np.array([sample.pixel_hash for sample in samples], np.uint64)
    names = np.array([sample.name for sample in samples])
    return Split(np.stack([sample.image for sample in samples]), labels, hashes, names)


@contextmanager
def _opened(file: Path) -> Iterator[tuple[Any, Iterator[tuple[int, Any]]]]:
    """Open a file: its schema, and its batches with the number of the first row of each, from 1 on."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise DataError(
            "Parquet and Arrow files need PyArrow, which is not installed.", "Run `pip install pyarrow`."
        ) from error
    try:
        with file.open("rb") as stream:
            if stream.read(len(PARQUET_START)) == PARQUET_START:
                table = pq.ParquetFile(file)
                yield table.schema_arrow, _counted(table.iter_batches(BATCH_ROWS))
            else:
                stream.seek(0)
                reader = pa.ipc.open_stream(stream)
                yield reader.schema, _counted(reader)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{file.name} is damaged or no such file ({reason_of(error)}).", "Copy it again.") from error


def _counted(batches: Any) -> Iterator[tuple[int, Any]]:
    first = 1
    for batch in batches:
        yield first, batch
        first += batch.num_rows


def _recognise(schema: Any, source: str) -> tuple[str, str, list[str]]:
    """Return the columns of images and of labels, and the names of the label codes where the file holds them."""
    import pyarrow as pa

    def holds_images(kind: Any) -> bool:
        if pa.types.is_struct(kind):
            return kind.get_field_index("bytes") >= 0
        return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)

    images = [column.name for column in schema if holds_images(column.type)]
    features = _features(schema)
    of_classes = [name for name, feature in features.items() if name in schema.names and "names" in feature]
    labels = of_classes or [name for name in schema.names if name not in images and is_label_name(name)]
    if not images or not labels:
        missing = "image bytes" if not images else "labels"
        raise DataError(f"{source} has no column of {missing}; it has {', '.join(schema.names[:6])}.", _ACTION)
    return images[0], labels[0], [str(name) for name in features.get(labels[0], {}).get("names", ())]


def _features(schema: Any) -> dict[str, dict[str, Any]]:
    """Return what ``datasets`` says of the columns."""
    try:
        found = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = found["info"]["features"]
        return {name: feature for name, feature in features.items() if isinstance(feature, dict)}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _rows(batch: Any, image_at: str, label_at: str, class_names: Sequence[str], prefix: str, first: int) -> list[_Row]:
    """Return the rows of a batch, whose first is row ``first`` of its file."""
    rows = []
    cells = zip(batch.column(image_at).to_pylist(), batch.column(label_at).to_pylist(), strict=True)
    for number, (image, label) in enumerate(cells, first):
        data, path = (image.get("bytes"), image.get("path")) if isinstance(image, dict) else (image, None)
        is_code = isinstance(label, int) and not isinstance(label, bool)
        if is_code and class_names:
            word = class_names[label] if 0 <= label < len(class_names) else ""
        else:
            word = "" if label is None or (is_code and label < 0) else str(label).strip()
        rows.append(_Row(data or b"", word, str(path) if path else f"{prefix} {number}"))
    return rows


def _decoded(row: _Row, size: tuple[int, int], channels: int) -> tuple[np.ndarray, int] | DataError:
    try:
        return decode(row.data, size, channels)
    except ImageError as error:
        return DataError(f"{row.name}: {error.message}", "Remove or replace this image.")


def _split_of(file: Path) -> str:
    """Return the split that a file's name (``train-00000-of-00001.parquet``) or else its folder tells."""
    words = [*re.split(r"[\W_]+", file.stem), file.parent.name]
    return next((word for word in words if is_split_name(word)), "")
