"""Which pictures a command means: files, folders and patterns, and where their annotated copies go."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

PICTURE_SUFFIXES = frozenset(
    (
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".webp",
        ".bmp",
        ".dib",
        ".tif",
        ".tiff",
        ".gif",
        ".avif",
        ".pgm",
        ".ppm",
    )
)


@dataclass(frozen=True)
class PictureFile:
    """One input of a command.

    Attributes:
        path: As the user would write it.
        relative: Its place below the folder that was named, or its bare name.
    """

    path: Path
    relative: PurePath


def find_pictures(names: Iterable[str], leave_out: Path | None = None) -> Iterator[PictureFile]:
    """Yield the pictures that paths and patterns mean, each once, in the order given and by name within a folder.

    A folder means every file below it that is called like a picture; hidden ones are left out. A file that is named is
    always taken, also if it does not exist, so that whoever opens it can say what is wrong.

    Args:
        names: Files, folders and patterns such as ``photos/**/*.jpg``.
        leave_out: A folder whose content is not meant, such as where results are written.
    """
    seen: set[str] = set()
    for name in names:
        matches = [name] if os.path.lexists(name) else sorted(glob.glob(name, recursive=True)) or [name]  # noqa: PTH207
        for match in matches:
            for file in _below(Path(match), leave_out):
                real = os.path.realpath(file.path)
                if real not in seen:
                    seen.add(real)
                    yield file


def _below(path: Path, leave_out: Path | None) -> Iterator[PictureFile]:
    if not path.is_dir():
        yield PictureFile(path, PurePath(path.name))
        return
    excluded = os.path.realpath(leave_out) if leave_out else None
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(f for f in folders if f[0] != "." and os.path.realpath(Path(folder) / f) != excluded)
        for name in sorted(files):
            if name[0] != "." and PurePath(name).suffix.lower() in PICTURE_SUFFIXES:
                file = Path(folder) / name
                yield PictureFile(file, file.relative_to(path))


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
