"""Lists of image files with their labels: RAF-DB's text file, AffectNet's CSV, Hugging Face's ``metadata.csv``."""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from emoscope.model.dataset.class_order import ClassFile
from emoscope.model.dataset.columns import FIELD_LIMIT, SNIFFED_BYTES, Columns, delimiter_of, recognise
from emoscope.model.dataset.file_tree import FileTree, is_image_name
from emoscope.model.dataset.split_names import is_split_name
from emoscope.model.dataset.votes import VOTES_NAME

SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl")
CLASS_FILES = ("classes.txt", "class_names.txt", "labels.txt", "categories.txt")
MAX_LISTS = 50
"""A folder with more text files has one for each image, which is another form."""

_WORDS = re.compile(r"[\W_]+")
_CODE_FIRST = re.compile(r"(\d{1,9})[\s:;,.=-]+(\S.*)")
_CODE_LAST = re.compile(r"(\S.*?)[\s:;,.=-]+(\d{1,9})")


@dataclass(frozen=True)
class LabelledFile:
    """One image of a list.

    Attributes:
        path: In the tree.
        word: Its label as written.
        split: Its split as written, or as file names tell it; empty where nothing does.
    """

    path: str
    word: str
    split: str


@dataclass(frozen=True)
class FileList:
    """What the lists of a tree say.

    Attributes:
        sources: The lists' names.
        files: The images with labels, sorted by path.
        missing: How many images that are listed are not there.
    """

    sources: tuple[str, ...]
    files: tuple[LabelledFile, ...]
    missing: int


@dataclass(frozen=True)
class _List:
    columns: Columns
    rows: list[list[str]]


def find_lists(tree: FileTree, only: str | None = None) -> FileList | None:
    """Find the lists of a tree that label images in it; None where there are none.

    A list counts if at least half of the images that it names are there.

    Args:
        tree: With the images.
        only: The path of the one list to use.
    """
    paths = [only] if only is not None else [path for path in tree.paths if _may_be_list(path)]
    if len(paths) > MAX_LISTS:
        return None
    index: dict[str, list[str]] = {}
    found: dict[str, LabelledFile] = {}
    sources, missing = [], 0
    for path in paths:
        if not is_list(tree.start(path, SNIFFED_BYTES), path):
            continue
        listed = _parse(tree.read(path), path)
        if listed is None:
            continue
        index = index or _by_file_name(tree)
        files = list(_files_of(listed, path, index))
        present = [file for file in files if file.path]
        if 2 * len(present) >= len(files) > 0:
            sources.append(PurePosixPath(path).name)
            missing += len(files) - len(present)
            for file in present:
                found.setdefault(file.path, file)
    if not found:
        return None
    return FileList(tuple(dict.fromkeys(sources)), tuple(found[path] for path in sorted(found)), missing)


def is_list(start: bytes, name: str) -> bool:
    """Tell from a file's name and first bytes whether it lists images with labels."""
    return name.lower().endswith(SUFFIXES) and _parse(start, name, whole=False) is not None


def read_class_file(tree: FileTree) -> ClassFile | None:
    """Return the name of a tree's ``classes.txt`` and its classes, each with its number where it has one."""
    files = [path for path in tree.paths if PurePosixPath(path).name.lower() in CLASS_FILES]
    for path in sorted(files, key=lambda path: (path.count("/"), path)):
        if classes := parse_class_file(tree.start(path, SNIFFED_BYTES)):
            return PurePosixPath(path).name, classes
    return None


def parse_class_file(content: bytes) -> list[tuple[int | None, str]]:
    """Return the classes of a ``classes.txt``, each with its number where it has one; none if it holds other things."""
    lines = [line.strip() for line in content.decode("utf-8-sig", "replace").splitlines() if line.strip()]
    classes: list[tuple[int | None, str]] = []
    for line in lines:
        if first := _CODE_FIRST.fullmatch(line):
            classes.append((int(first[1]), first[2]))
        elif last := _CODE_LAST.fullmatch(line):
            classes.append((int(last[2]), last[1]))
        else:
            classes.append((None, line))
    is_mixed = len({code is None for code, _ in classes}) > 1
    is_other = any(is_image_name(word) or len(word) > 40 for _, word in classes)
    return [] if is_mixed or is_other else classes


def _may_be_list(path: str) -> bool:
    name = PurePosixPath(path).name.lower()
    return name.endswith(SUFFIXES) and name != VOTES_NAME and name not in CLASS_FILES


def _parse(content: bytes, name: str, whole: bool = True) -> _List | None:
    """Parse a list; None where it is none. The last line is left out unless the content is whole."""
    text = content.decode("utf-8-sig", "replace")
    if "\0" in text[:1024]:
        return None
    lines = [line for line in text.splitlines() if line.strip()]
    if not whole and len(content) >= SNIFFED_BYTES:
        lines = lines[:-1]
    if not lines:
        return None
    try:
        if name.lower().endswith(".jsonl"):
            return _from_objects([json.loads(line) for line in lines])
        return _from_lines(lines)
    except (ValueError, csv.Error):
        return None


def _from_objects(objects: Sequence[object]) -> _List | None:
    if not all(isinstance(found, Mapping) for found in objects):
        return None
    header = list(objects[0]) if isinstance(objects[0], Mapping) else []
    rows = [[str(found.get(key, "")) for key in header] for found in objects if isinstance(found, Mapping)]
    return _checked(recognise(header, rows[0], ","), rows)


def _from_lines(lines: Sequence[str]) -> _List | None:
    csv.field_size_limit(FIELD_LIMIT)
    delimiter = delimiter_of(lines[0])
    if delimiter in lines[0]:
        rows = [row for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True) if any(row)]
    else:
        rows = [line.rsplit(maxsplit=1) for line in lines]
    header = rows.pop(0)
    if any(is_image_name(cell.strip()) for cell in header):  # there is none
        if len(header) != 2:
            return None
        rows.insert(0, header)
        header = ["label" if not is_image_name(cell.strip()) else "file" for cell in header]
    return _checked(recognise(header, rows[0], delimiter), rows) if rows else None


def _checked(columns: Columns, rows: list[list[str]]) -> _List | None:
    is_list = columns.path is not None and columns.label is not None and not columns.pixels
    return _List(columns, rows) if is_list else None


def _files_of(listed: _List, source: str, index: Mapping[str, list[str]]) -> Iterator[LabelledFile]:
    """Yield the images of a list that have a label; with an empty path where they are not in the tree."""
    columns, folder = listed.columns, source.rpartition("/")[0]
    of_list = _split_in(_WORDS.split(PurePosixPath(source).stem)) or _split_in(folder.split("/"))
    for row in listed.rows:
        if len(row) < len(columns.names) or columns.path is None or columns.label is None:
            continue
        wanted, word = row[columns.path].strip().replace("\\", "/"), row[columns.label].strip()
        if wanted and word:
            path = _found(wanted, folder, index)
            named = row[columns.split].strip() if columns.split is not None else ""
            yield LabelledFile(path, word, named or of_list or _split_of_path(path or wanted))


def _split_of_path(path: str) -> str:
    *folders, file = path.split("/")
    return _split_in(folders) or _split_in(_WORDS.split(file)[:1])


def _split_in(words: Sequence[str]) -> str:
    return next((word for word in words if is_split_name(word)), "")


def _by_file_name(tree: FileTree) -> dict[str, list[str]]:
    """Return the images of a tree by their file's name without its ending; RAF-DB's ``_aligned`` does not count."""
    index = defaultdict(list)
    for path in tree.paths:
        if is_image_name(path):
            index[PurePosixPath(path).stem.removesuffix("_aligned")].append(path)
    return index


def _found(wanted: str, folder: str, index: Mapping[str, list[str]]) -> str:
    """Return the image that a list means; empty where it is not there.

    Of several with the name that is the one at the end of whose path stands what is written, below the list's folder if
    there is one; RAF-DB's aligned image goes before the photo that it is cut from.
    """
    stem = PurePosixPath(wanted).stem
    candidates = index.get(stem) or index.get(PurePosixPath(wanted).name) or []
    parents = PurePosixPath(wanted).parent.parts
    below = [path for path in candidates if PurePosixPath(path).parent.parts[-len(parents) :] == parents or not parents]
    near = [path for path in below if folder and path.startswith(f"{folder}/")]
    chosen = near or below or (candidates if len(candidates) == 1 else [])
    aligned = [path for path in chosen if PurePosixPath(path).stem.endswith("_aligned")]
    return next(iter(aligned or chosen), "")
