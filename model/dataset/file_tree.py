"""The files below a folder or inside a zip archive, behind one interface."""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from pathlib import Path
from typing import IO, Protocol
from zipfile import ZipFile, ZipInfo

from emoscope.model.errors import DataError
from emoscope.model.images import PICTURE_SUFFIXES

MAX_FILE_BYTES = 256 << 20
MAX_DEPTH = 6
MAX_FOLDERS = 20_000
_IS_UTF8 = 0x800
"""The bit of a zip archive's member that says so of its name."""


class FileTree(Protocol):
    """Files by relative POSIX path, without hidden ones (``.DS_Store``, ``Thumbs.db``, ``__MACOSX/…``).

    Attributes:
        name: For messages and as the data set's name.
        paths: Relative paths in sorted order.
        empty_folders: Relative paths of folders with nothing visible in them, in sorted order.
    """

    name: str
    paths: tuple[str, ...]
    empty_folders: tuple[str, ...]

    def stamp(self, path: str) -> tuple[int, ...]:
        """Return numbers that change whenever the file's content does."""
        ...

    def read(self, path: str) -> bytes:
        """Return a file's content; called from several threads."""
        ...

    def start(self, path: str, size: int) -> bytes:
        """Return the first bytes of a file."""
        ...


class FolderTree:
    """The files below a folder, links followed, at most ``MAX_DEPTH`` folders deep.

    Raises:
        DataError: There are so many folders below that this can be no data set (a home folder, say).
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.name = root.name
        found: list[str] = []
        empty: list[str] = []
        # The links may form a circle; the limit on depth ends it.
        for folders, (folder, children, files) in enumerate(os.walk(root, followlinks=True)):
            if folders > MAX_FOLDERS:
                raise DataError(f"{root} holds over {MAX_FOLDERS:,} folders.", "Name the data set's own folder.")
            relative = os.path.relpath(folder, root).replace(os.sep, "/")
            if relative.count("/") >= MAX_DEPTH - 1:
                children.clear()
            children[:] = [child for child in children if not _is_hidden(child)]
            visible = [file for file in files if not _is_hidden(file)]
            if not visible and not children:
                empty.append(relative)
            found += visible if relative == "." else [f"{relative}/{file}" for file in visible]
        self.paths = tuple(sorted(found))
        self.empty_folders = tuple(sorted(empty))

    def stamp(self, path: str) -> tuple[int, ...]:
        """Return size and times; the time of the last change of status (ctime) cannot be set back."""
        status = os.stat(f"{self.root}/{path}")  # noqa: PTH116  a third of the time of pathlib's, 36,000 times
        return status.st_size, status.st_mtime_ns, status.st_ctime_ns

    def read(self, path: str) -> bytes:
        """Return a file's content."""
        file = self.root / path
        if file.stat().st_size > MAX_FILE_BYTES:
            raise _too_large(path)
        return file.read_bytes()

    def start(self, path: str, size: int) -> bytes:
        """Return the first bytes of a file."""
        with (self.root / path).open("rb") as stream:
            return stream.read(size)


class ZipTree:
    """The files inside an opened zip archive; nothing is unpacked to disk.

    Archives made on Windows may have backslashes between folders and names in an old code page.
    """

    def __init__(self, archive: ZipFile, name: str) -> None:
        self.archive = archive
        self.name = name
        members = {_member_path(info): info for info in archive.infolist()}
        visible = {path: info for path, info in members.items() if not any(map(_is_hidden, path.split("/")))}
        self._members = {path: info for path, info in visible.items() if not path.endswith("/")}
        self.paths = tuple(sorted(self._members))
        filled = {folder for path in self.paths for folder in _folders_above(path)}
        self.empty_folders = tuple(sorted({path.rstrip("/") for path in visible if path.endswith("/")} - filled))

    def stamp(self, path: str) -> tuple[int, ...]:
        """Return size and checksum as the archive states them."""
        info = self._members[path]
        return info.file_size, info.CRC

    def open(self, path: str) -> IO[bytes]:
        """Open a member.

        Raises:
            DataError: It is encrypted, or packed by a method that Python cannot unpack.
        """
        try:
            return self.archive.open(self._members[path])
        except (RuntimeError, NotImplementedError) as error:
            raise DataError(f"{path} cannot be unpacked ({error}).", "Unpack the archive first.") from error

    def read(self, path: str) -> bytes:
        """Return a member's content."""
        if self._members[path].file_size > MAX_FILE_BYTES:
            raise _too_large(path)
        with self.open(path) as stream:
            return stream.read()

    def start(self, path: str, size: int) -> bytes:
        """Return the first bytes of a member."""
        with self.open(path) as stream:
            return stream.read(size)


def _member_path(info: ZipInfo) -> str:
    """Return a member's path with slashes, in the alphabet that its writer meant.

    A name without the mark of UTF-8 should be in code page 437. Some programs write UTF-8 all the same; Windows writes
    its own code page, in Western Europe 850, which shows in letters where 437 has lines and signs.
    """
    name = info.filename
    if not info.flag_bits & _IS_UTF8 and not name.isascii():
        written = name.encode("cp437", "replace")
        by_850 = written.decode("cp850")
        try:
            name = written.decode()
        except UnicodeDecodeError:
            name = by_850 if _strange_signs(by_850) < _strange_signs(name) else name
    return name.replace("\\", "/").removeprefix("./")


def _strange_signs(name: str) -> int:
    return sum(not (letter.isascii() or unicodedata.category(letter).startswith("L")) for letter in name)


def find_layout_root(tree: FileTree) -> str | None:
    """Find the folder within a tree whose children are splits and grandchildren are classes with images in them.

    Returns:
        Its relative path, ``.`` for the tree itself; None where there is no such folder.

    Raises:
        DataError: Several folders of the tree look like that, and they are not copies of each other.
    """
    images: dict[str, set[str]] = defaultdict(set)
    for path in tree.paths:
        root, *inside = path.rsplit("/", 3) if path.count("/") > 2 else (".", *path.split("/"))
        if len(inside) == 3 and is_image_name(path):
            images[root].add("/".join(inside))
    roots = sorted(images, key=lambda root: (0 if root == "." else 1 + root.count("/"), root))
    others = [root for root in roots[1:] if images[root] != images[roots[0]]]
    if others:
        raise DataError(
            f"{tree.name} holds several folders of <split>/<class>/ images: {', '.join([roots[0], *others][:4])}.",
            "Name one of them.",
        )
    return roots[0] if roots else None


def is_image_name(path: str) -> bool:
    """Tell whether a file name ends as an image's does, in whatever case."""
    return os.path.splitext(path)[1].lower() in PICTURE_SUFFIXES  # noqa: PTH122  pathlib takes ten times as long


def _folders_above(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in ("__macosx", "thumbs.db", "desktop.ini")


def _too_large(path: str) -> DataError:
    return DataError(f"{path} is larger than {MAX_FILE_BYTES >> 20} MB.", "Scale the image down or remove it.")
