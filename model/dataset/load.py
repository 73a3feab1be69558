"""Load a data set, in whichever form its user has it."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from emoscope.model.dataset.arrow_form import read_arrow
from emoscope.model.dataset.cache import cache_key, file_hash, read_cached, write_cached
from emoscope.model.dataset.class_order import ClassFile
from emoscope.model.dataset.csv_form import OtherTableError, read_csv
from emoscope.model.dataset.folder_form import Progress, layout_key, left_out, read_images
from emoscope.model.dataset.label_file import CLASS_FILES, parse_class_file, read_class_file
from emoscope.model.dataset.layout import recover_layout
from emoscope.model.dataset.locate import Source, arrow_files, locate, opened_table, opened_tree, pixel_tables
from emoscope.model.dataset.samples import FER2013_CLASSES, Dataset, Split, fingerprint
from emoscope.model.dataset.table_form import Parsed, join_tables, read_rows
from emoscope.model.dataset.votes import VOTES_NAME, join_votes, read_votes
from emoscope.model.errors import DataError
from emoscope.model.networks.preprocessing import resize_face
from emoscope.model.places import working_folder

FER2013_ROWS = 35_887


def find_dataset() -> Path | None:
    """Return where the user's data set is: ``EMOSCOPE_DATA``, else a ``data/``.

    Returns:
        None where ``EMOSCOPE_DATA`` is not set and there is no ``data/`` folder with something in it in the
        :func:`~emoscope.model.places.working_folder`.
    """
    if chosen := os.environ.get("EMOSCOPE_DATA"):
        return Path(chosen).expanduser()
    folder = working_folder() / "data"
    has_content = folder.is_dir() and any(not entry.name.startswith(".") for entry in folder.iterdir())
    return folder if has_content else None


def load_dataset(
    path: Path | str,
    votes: Path | str | None = None,
    size: tuple[int, int] = (48, 48),
    channels: int = 1,
    cache: bool = True,
    progress: Progress | None = None,
) -> Dataset:
    """Load a data set with its labels.

    Reads FER-2013 as one table (``fer2013.csv`` or ``icml_face_data.csv``, plain or compressed) and as folders; any
    ``<split>/<class>/<image>`` or ``<class>/<image>`` folders or a zip of them; other tables of pixels; lists of files
    and labels; Parquet and Arrow files. What was recognised stands in the notes.

    Args:
        path: The file or folder, or a folder that holds one such.
        votes: FER+ vote file; by default ``fer2013new.csv`` beside the data, if it is there.
        size: Height and width to bring the images to.
        channels: 1 for gray, 3 for RGB.
        cache: Keep the parsed arrays in the user's cache folder, keyed by content.
        progress: Called with how much is read and how much there is.

    Raises:
        DataError: There is no data set, or something in it is wrong; the message names file and row.
    """
    source = locate(Path(path).expanduser())
    if source.kind == "table":
        dataset = _load_table(source, size, channels, cache, progress)
    elif source.kind == "tables":
        dataset = _load_tables(source, size, channels, progress)
    elif source.kind == "arrow files":
        dataset = _load_arrow(source, size, channels, progress)
    else:
        dataset = _load_folders(source, size, channels, cache, progress)
    dataset = replace(dataset, notes=(*dataset.notes, *_absent_classes(dataset)))
    return _with_votes(dataset, source, Path(votes).expanduser() if votes is not None else None)


def _load_table(
    source: Source, size: tuple[int, int], channels: int, cache: bool, progress: Progress | None
) -> Dataset:
    key = cache_key(file_hash(source.path)) if cache else ""
    splits = read_cached(key) if cache else None
    if splits is None:
        total = source.path.stat().st_size
        try:
            with opened_table(source) as (stream, raw):
                on_block = (lambda: progress(raw.tell(), total)) if progress is not None else None
                splits = read_csv(stream, source.path.name, on_block)
        except DataError as error:
            return _load_other_table(source, size, channels, progress, error)
        if cache:
            write_cached(key, splits)
    identity = fingerprint(splits)
    splits = {name: _resized(split, size, channels) for name, split in splits.items()}
    return Dataset("FER-2013", FER2013_CLASSES, splits, identity, form=f"table ({source.path.name})")


def _load_other_table(
    source: Source, size: tuple[int, int], channels: int, progress: Progress | None, refused: DataError
) -> Dataset:
    """Read a table that is not quite FER-2013's.

    Raises:
        DataError: It cannot be read either; ``refused`` where the columns are FER-2013's, since it names the row.
    """
    total = source.path.stat().st_size
    try:
        with opened_table(source) as (stream, raw):
            on_rows = (lambda: progress(raw.tell(), total)) if progress is not None else None
            rows = read_rows(stream, source.path.name, on_rows)
        parsed = join_tables([rows], f"{source.path.parent.name}/{source.path.name}", _class_file(source.home))
    except DataError as error:
        raise error if isinstance(refused, OtherTableError) else refused from None
    return _dataset(source.path.name.split(".")[0], parsed, f"table ({source.path.name})", size, channels)


def _class_file(folder: Path) -> ClassFile | None:
    """Return the ``classes.txt`` beside a table."""
    files = [folder / name for name in CLASS_FILES if (folder / name).is_file()]
    found = [(file.name, classes) for file in files if (classes := parse_class_file(file.read_bytes()))]
    return found[0] if found else None


def _load_tables(source: Source, size: tuple[int, int], channels: int, progress: Progress | None) -> Dataset:
    """Read one table for each split."""
    with opened_tree(source) as tree:
        paths = pixel_tables(tree)
        tables = []
        for done, path in enumerate(paths):
            tables.append(read_rows(io.BytesIO(tree.read(path)), PurePosixPath(path).name))
            if progress is not None:
                progress(done + 1, len(paths))
        parsed = join_tables(tables, source.path.name, read_class_file(tree))
    names = ", ".join(table.source for table in tables)
    return _dataset(source.path.resolve().stem, parsed, f"tables ({names})", size, channels)


def _load_arrow(source: Source, size: tuple[int, int], channels: int, progress: Progress | None) -> Dataset:
    files = arrow_files(source.path)
    parsed = read_arrow(files, f"{source.path.parent.name}/{source.path.name}", size, channels, progress)
    names = ", ".join(file.name for file in files[:4])
    return _dataset(source.path.resolve().stem, parsed, f"Parquet or Arrow ({names})", size, channels)


def _dataset(name: str, parsed: Parsed, form: str, size: tuple[int, int], channels: int) -> Dataset:
    splits = {split: _resized(found, size, channels) for split, found in parsed.splits.items()}
    return Dataset(name, parsed.class_names, splits, fingerprint(parsed.splits), parsed.notes, form, parsed.made_splits)


def _load_folders(
    source: Source, size: tuple[int, int], channels: int, cache: bool, progress: Progress | None
) -> Dataset:
    with opened_tree(source) as tree:
        layout = recover_layout(tree, source.labels)
        key = cache_key(f"{layout_key(tree, layout)}-{size[0]}x{size[1]}x{channels}") if cache else ""
        splits = read_cached(key) if cache else None
        if splits is None:
            splits = read_images(tree, layout, size, channels, progress)
            if cache:
                write_cached(key, splits)
    notes = (*layout.notes, *left_out(layout, splits))
    name = source.path.stem if source.kind == "zipped folders" else source.path.resolve().name
    if layout.class_names == FER2013_CLASSES:
        rows = sum(len(split) for split in splits.values())
        if layout.has_fer2013_splits:
            name = "FER-2013"
        elif rows == FER2013_ROWS:
            name = f"FER-2013 in another split ({'/'.join(splits)})"
    labels = f" with labels of {layout.labels_from}" if layout.labels_from else ""
    form = f"{source.kind}{labels} ({'/'.join(layout.files)})"
    return Dataset(name, layout.class_names, splits, fingerprint(splits), notes, form, layout.made_splits)


def _absent_classes(dataset: Dataset) -> Iterator[str]:
    for name, split in dataset.splits.items():
        counts = split.class_counts(len(dataset.class_names))
        absent = [dataset.class_names[label] for label in np.flatnonzero(counts == 0)]
        if absent:
            yield f"{name} has no image of {', '.join(absent)}."


def _with_votes(dataset: Dataset, source: Source, votes: Path | None) -> Dataset:
    """Join the FER+ votes; a file that merely lies beside the data and does not belong to it gives a note."""
    beside = source.home / VOTES_NAME
    if votes is None and not (beside.is_file() and dataset.class_names == FER2013_CLASSES):
        return dataset
    table = read_votes(votes or beside)
    try:
        return replace(dataset, splits=join_votes(dataset.splits, table))
    except DataError as error:
        if votes is not None:
            raise
        return replace(dataset, notes=(*dataset.notes, f"FER+ votes not joined: {error.message}"))


def _resized(split: Split, size: tuple[int, int], channels: int) -> Split:
    if split.images.shape[1:] == (*size, channels):
        return split
    images = np.empty((len(split), *size, channels), np.uint8)
    for k, image in enumerate(split.images):
        images[k] = resize_face(image, size, channels)
    return replace(split, images=images)
