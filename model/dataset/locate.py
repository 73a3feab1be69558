"""Where a data set is: the table or the class folders behind a path that its user gave."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal, cast
from zipfile import BadZipFile, ZipFile

from emoscope.model.dataset.columns import SNIFFED_BYTES, sniff
from emoscope.model.dataset.file_tree import FileTree, FolderTree, ZipTree, find_layout_root, is_image_name
from emoscope.model.dataset.label_file import SUFFIXES, is_list
from emoscope.model.dataset.split_names import is_split_name, split_rank, standard_names
from emoscope.model.dataset.votes import VOTES_NAME
from emoscope.model.errors import DataError

TABLE_NAMES = ("fer2013.csv", "icml_face_data.csv")
_COMPRESSIONS = ("", ".xz", ".gz", ".bz2", ".zip")
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz")
GET_DATA = (
    "Download FER-2013 (kaggle.com/datasets/msambare/fer2013, or fer2013.csv of Kaggle's 2013 challenge) into data/, "
    "or set EMOSCOPE_DATA to where it is."
)
ARROW_SUFFIXES = (".parquet", ".arrow")
_AGAIN = "Copy or download the file again."


@dataclass(frozen=True)
class Source:
    """A data set's place on disk.

    Attributes:
        path: The file, or the folder of class folders.
        kind: A table of pixels, one table for each split, folders, a zip archive of folders, or Parquet and
            Arrow files.
        home: The folder in which a vote file may lie beside it.
        labels: Path below ``path`` of the list of files and labels that was named; None where none was.
    """

    path: Path
    kind: Literal["table", "tables", "folders", "zipped folders", "arrow files"]
    home: Path
    labels: str | None = None


def locate(path: Path) -> Source:
    """Find the data set at a path, or the one that a folder holds.

    Raises:
        DataError: There is nothing, or nothing that could be a data set.
    """
    if path.is_file():
        return _locate_file(path)
    if not path.is_dir():
        raise DataError(f"There is no file or folder {path}.", GET_DATA)
    try:
        entries = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise DataError(f"{path} cannot be opened ({error.strerror or error}).", GET_DATA) from error
    if not entries:
        raise DataError(f"The folder {path} is empty.", GET_DATA)
    below = [child for entry in entries if entry.is_dir() for child in _children(entry)]
    for files in (entries, below):
        if tables := sorted((_table_rank(file), file) for file in files if _table_rank(file) < len(_RANKED)):
            return _locate_file(tables[0][1])
    candidates = [file for file in entries if _may_hold_data(file) and file.is_file()]
    tree = FolderTree(path)
    has_images = any(map(is_image_name, tree.paths))
    pixels = [file for file in candidates if file.suffix.lower() != ".csv" or _holds_pixels(file)]
    if not candidates and not has_images:
        return _locate_without_images(path, entries, tree)
    if (has_images and not pixels) or not candidates or find_layout_root(tree) is not None:
        return Source(path, "folders", path)
    if len(pixels) > 1 and len(pixel_tables(tree)) == len(pixels):
        return Source(path, "tables", path)
    if len(pixels) == 1 or len(candidates) == 1:
        return _locate_file((pixels or candidates)[0])
    raise DataError(f"{path} holds several files: {', '.join(f.name for f in candidates[:4])}.", "Name one of them.")


def _locate_without_images(path: Path, entries: list[Path], tree: FolderTree) -> Source:
    """Find Parquet or Arrow files, or the one folder that the data set is in."""
    if arrow_files(path):
        return Source(path, "arrow files", path)
    _refuse_tfrecords(path / name for name in tree.paths)
    if len(entries) == 1 and entries[0].is_dir() and tree.paths:
        return locate(entries[0])
    return Source(path, "folders", path)


def arrow_files(path: Path) -> list[Path]:
    """Return the Parquet and Arrow files at or below a path, without what ``datasets`` caches (``cache-….arrow``)."""
    if path.is_file():
        return [path]
    found = (path / name for name in FolderTree(path).paths if name.lower().endswith(ARROW_SUFFIXES))
    return [file for file in found if not file.name.startswith("cache-")]


def _refuse_tfrecords(files: Iterable[Path]) -> None:
    if record := next((file for file in files if ".tfrecord" in file.name.lower()), None):
        raise DataError(
            f"{record.name} is a TFRecord file, which does not say what its fields mean.",
            "Write the images to <split>/<class>/ folders, or a Parquet file, with the program that made it.",
        )


def pixel_tables(tree: FileTree) -> list[str]:
    """Return the tables of pixels in a tree that are called after a split (``train.csv``), in the order of splits.

    Tables without pixels beside them, such as Kaggle's ``example_submission.csv``, do not count.
    """
    named = [path for path in tree.paths if path.lower().endswith(".csv") and is_split_name(PurePosixPath(path).stem)]
    found = [path for path in named if (columns := sniff(tree.start(path, SNIFFED_BYTES))) and columns.pixels]
    stems = {path: PurePosixPath(path).stem for path in found}
    standard = standard_names(set(stems.values()))
    return sorted(found, key=lambda path: split_rank(standard[stems[path]]))


@contextmanager
def opened_tree(source: Source) -> Iterator[FileTree]:
    """Open the class folders of a source.

    Raises:
        DataError: The archive is damaged.
    """
    if source.path.is_dir():
        yield FolderTree(source.path)
        return
    with _readable(source.path), ZipFile(source.path) as archive:
        yield ZipTree(archive, source.path.name)


@contextmanager
def opened_table(source: Source) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Open a table, decompressed as its first bytes demand, whatever its file is called.

    Yields:
        The stream of text, and the stream of the file below it (for progress).

    Raises:
        DataError: The file is damaged or cut short, also when that shows only while reading.
    """
    file = source.path
    with _readable(file), ExitStack() as stack:
        raw = stack.enter_context(file.open("rb"))
        if _is_zip(file):
            tree = ZipTree(stack.enter_context(ZipFile(raw)), file.name)
            yield cast(BinaryIO, stack.enter_context(tree.open(_table_member(tree, file)))), raw
        elif _is_tar(file):
            yield stack.enter_context(_opened_tar_member(raw, file)), raw
        else:
            yield _decompressed(raw), raw


def _decompressed(raw: BinaryIO) -> BinaryIO:
    start = raw.read(6)
    raw.seek(0)
    if start.startswith(b"\xfd7zXZ\x00"):
        return cast(BinaryIO, lzma.open(raw))
    if start.startswith(b"\x1f\x8b"):
        return cast(BinaryIO, gzip.open(raw))
    if start.startswith(b"BZh"):
        return cast(BinaryIO, bz2.open(raw))
    return raw


@contextmanager
def _opened_tar_member(raw: BinaryIO, file: Path) -> Iterator[BinaryIO]:
    """Stream the table out of Kaggle's ``fer2013.tar.gz``."""
    with tarfile.open(fileobj=raw, mode="r|*") as archive:
        for member in archive:
            if PurePosixPath(member.name).name in TABLE_NAMES and (stream := archive.extractfile(member)) is not None:
                yield cast(BinaryIO, stream)
                return
    raise DataError(f"{file.name} holds no {' or '.join(TABLE_NAMES)}.", "Unpack it and name the folder.")


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    """Turn what the decompressors raise into one sentence."""
    try:
        yield
    except EOFError as error:
        raise DataError(f"{file.name} is cut short: its compressed data ends too early.", _AGAIN) from error
    except (BadZipFile, lzma.LZMAError, zlib.error, tarfile.TarError) as error:
        raise DataError(f"{file.name} is damaged ({error}).", _AGAIN) from error
    except OSError as error:
        raise DataError(f"{file.name} cannot be read ({error.strerror or error}).", _AGAIN) from error


def _locate_file(file: Path) -> Source:
    _refuse_tfrecords([file])
    try:
        if file.stat().st_size == 0:
            raise DataError(f"{file.name} is empty.", _AGAIN)
        if file.name.lower().endswith(ARROW_SUFFIXES):
            return Source(file, "arrow files", file.parent)
        if _is_zip(file):
            with _readable(file), ZipFile(file) as archive:
                return _locate_in_zip(ZipTree(archive, file.name), file)
    except OSError as error:
        raise DataError(f"{file.name} cannot be read ({error.strerror or error}).", _AGAIN) from error
    if _is_list(file):
        return _beside_images(file)
    return Source(file, "table", file.parent)


def _beside_images(file: Path) -> Source:
    """Take the folder of a list for the data set, or the one above where the images lie beside the list's folder."""
    folder = file.parent
    has_images = any(map(is_image_name, FolderTree(folder).paths))
    root = folder if has_images else folder.resolve().parent
    return Source(root, "folders", root, file.resolve().relative_to(root.resolve()).as_posix())


def _is_list(file: Path) -> bool:
    """Tell whether a file lists image files with their labels."""
    if not file.name.lower().endswith(SUFFIXES):
        return False
    with file.open("rb") as stream:
        return is_list(stream.read(SNIFFED_BYTES), file.name)


def _locate_in_zip(tree: ZipTree, file: Path) -> Source:
    tables = _tables(tree)
    is_known = any(PurePosixPath(path).name.lower() in TABLE_NAMES for path in tables)
    if not is_known and len(pixel_tables(tree)) > 1:
        return Source(file, "tables", file.parent)
    has_images = any(map(is_image_name, tree.paths))
    if tables and (not has_images or is_known or any(_are_pixels(tree.start(path, SNIFFED_BYTES)) for path in tables)):
        return Source(file, "table", file.parent)
    if not has_images:
        raise DataError(f"{file.name} holds neither a CSV file nor <split>/<class>/ images.", GET_DATA)
    return Source(file, "zipped folders", file.parent)


def _holds_pixels(file: Path) -> bool:
    """Tell whether a file is a table of pixels."""
    with file.open("rb") as stream:
        return _are_pixels(stream.read(SNIFFED_BYTES))


def _are_pixels(start: bytes) -> bool:
    """Tell from a file's first bytes whether it is a table of pixels; what is not plain text may be one."""
    columns = sniff(start)
    return columns is None or bool(columns.pixels)


def _table_member(tree: ZipTree, file: Path) -> str:
    tables = _tables(tree)
    if not tables:
        raise DataError(f"{file.name} holds no CSV file.", GET_DATA)
    if known := [path for path in tables if PurePosixPath(path).name.lower() in TABLE_NAMES]:
        return known[0]
    pixels = [path for path in tables if (found := sniff(tree.start(path, SNIFFED_BYTES))) and found.pixels]
    if len(tables) > 1 and len(pixels) != 1:
        raise DataError(f"{file.name} holds several CSV files: {', '.join(tables[:4])}.", "Unpack it and name one.")
    return (pixels or tables)[0]


def _tables(tree: ZipTree) -> list[str]:
    csv_files = [path for path in tree.paths if path.lower().endswith(".csv")]
    return [path for path in csv_files if PurePosixPath(path).name.lower() != VOTES_NAME]


_RANKED = (*(name + compression for compression in _COMPRESSIONS for name in TABLE_NAMES), "fer2013.tar.gz")


def _table_rank(file: Path) -> int:
    """Order the tables of one folder: the quickest to open first; others come last."""
    name = file.name.lower()
    return _RANKED.index(name) if name in _RANKED and file.is_file() else len(_RANKED)


def _may_hold_data(file: Path) -> bool:
    name = file.name.lower()
    is_table = any(name.endswith(f".csv{compression}") for compression in _COMPRESSIONS)
    return name != VOTES_NAME and (is_table or name.endswith(_ARCHIVES))


def _is_zip(file: Path) -> bool:
    # Unlike zipfile.is_zipfile this also knows a zip whose end is missing.
    with file.open("rb") as stream:
        return stream.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def _is_tar(file: Path) -> bool:
    return file.name.lower().endswith(_ARCHIVES[1:])


def _children(folder: Path) -> list[Path]:
    # Only few entries decide; a class folder with thousands of images is not worth listing to its end.
    try:
        return [folder / name for name in _RANKED if (folder / name).is_file()]
    except OSError:
        return []
