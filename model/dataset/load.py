"""Find a data set, whatever form its user holds it in, and load it."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, cast
from zipfile import BadZipFile, ZipFile

import numpy as np

from model.dataset.cache import file_key, read_cached, write_cached
from model.dataset.csv_form import read_csv
from model.dataset.samples import FER2013_CLASSES, Dataset, Split, fingerprint
from model.dataset.votes import VoteTable, read_votes
from model.errors import DataError
from model.preprocessing import resize_face

CSV_NAMES = ("fer2013.csv", "icml_face_data.csv")
CSV_SUFFIXES = ("", ".xz", ".gz", ".zip", ".bz2")
VOTES_NAME = "fer2013new.csv"
GET_DATA = (
    "Download FER-2013 from kaggle.com/datasets/msambare/fer2013 (or fer2013.csv from Kaggle's 2013 challenge) into "
    "data/, or set EMOSCOPE_DATA to where it is."
)


def find_dataset() -> Path | None:
    """Return where the user's data set should be read from: ``EMOSCOPE_DATA``, else ``data/`` beside the code.

    Returns:
        None where ``EMOSCOPE_DATA`` is not set and there is no ``data/`` folder with something in it.
    """
    if chosen := os.environ.get("EMOSCOPE_DATA"):
        return Path(chosen).expanduser()
    folder = Path(__file__).resolve().parents[2] / "data"
    visible = [entry for entry in folder.iterdir() if not entry.name.startswith(".")] if folder.is_dir() else []
    return folder if visible else None


def load_dataset(
    path: Path | str,
    votes: Path | str | None = None,
    size: tuple[int, int] = (48, 48),
    channels: int = 1,
    cache: bool = True,
) -> Dataset:
    """Load a data set with its labels.

    Args:
        path: A file or folder in any of the supported forms, or a folder that holds one.
        votes: FER+ vote file; by default ``fer2013new.csv`` beside the data, if it is there.
        size: Height and width to bring the images to.
        channels: 1 for gray, 3 for RGB.
        cache: Keep the parsed arrays in the user's cache folder, keyed by content.

    Raises:
        DataError: There is no data set, or something in it is wrong; the message names file and row.
    """
    path = Path(path).expanduser()
    file = _csv_file(path)
    key = file_key(file) if cache else ""
    splits = read_cached(key) if cache else None
    if splits is None:
        with _opened(file) as stream:
            splits = read_csv(stream, file.name)
        if cache:
            write_cached(key, splits)
    identity = fingerprint(splits)
    beside = file.parent / VOTES_NAME
    if votes is not None or beside.is_file():
        splits = join_votes(splits, read_votes(Path(votes) if votes is not None else beside))
    if (*size, channels) != (48, 48, 1):
        splits = {name: _resized(split, size, channels) for name, split in splits.items()}
    return Dataset("FER-2013", FER2013_CLASSES, splits, identity)


def _csv_file(path: Path) -> Path:
    if path.is_file():
        return path
    if not path.exists():
        raise DataError(f"There is no {path}.", GET_DATA)
    for name in CSV_NAMES:
        for suffix in CSV_SUFFIXES:
            if (path / f"{name}{suffix}").is_file():
                return path / f"{name}{suffix}"
    raise DataError(f"{path} holds no data set.", GET_DATA)


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    suffix = file.suffix.lower()
    try:
        if suffix == ".zip":
            with ZipFile(file) as archive:
                names = [n for n in archive.namelist() if n.lower().endswith(".csv")]
                if not names:
                    raise DataError(f"{file.name} holds no CSV file.", GET_DATA)
                with archive.open(names[0]) as member:
                    yield cast(BinaryIO, member)
        else:
            openers: dict[str, Any] = {".xz": lzma.open, ".gz": gzip.open, ".bz2": bz2.open}
            opener = openers.get(suffix, open)
            with opener(file, "rb") as stream:
                yield cast(BinaryIO, stream)
    except (OSError, EOFError, lzma.LZMAError, zlib.error, BadZipFile) as error:
        raise DataError(f"{file.name} cannot be read ({error}).", "Copy or download the file again.") from error


def join_votes(splits: dict[str, Split], table: VoteTable) -> dict[str, Split]:
    """Give each sample of a CSV its FER+ votes, by row order."""
    joined = {}
    for name, split in splits.items():
        rows = np.array([int(str(sample).removeprefix("row ")) - 1 for sample in split.names])
        if rows.max() >= len(table.votes) or (table.usages[rows] != name).any():
            raise DataError("The vote file belongs to other data: its rows and Usage do not match.", "")
        joined[name] = replace(split, votes=table.votes[rows])
    return joined


def _resized(split: Split, size: tuple[int, int], channels: int) -> Split:
    images = np.empty((len(split), *size, channels), np.uint8)
    for k, image in enumerate(split.images):
        images[k] = resize_face(image, size, channels)
    return replace(split, images=images)
