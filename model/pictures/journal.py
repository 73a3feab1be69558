"""What a command has finished, kept on disk as it goes, so that a killed command goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from emoscope.model.pictures.files import PictureFile
from emoscope.model.pictures.result_files import writing
from emoscope.model.pictures.results import PictureEntry


class Journal:
    """Entries of finished pictures, a JSON line each, in the order of the command's files.

    Args:
        path: Where the journal lies while the command is not finished.
        settings: What the entries depend on besides the pictures; a journal of other settings is dropped.
    """

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        self._path = path
        self._settings = json.dumps(settings).encode() + b"\n"
        self._stream: BinaryIO | None = None
        self._empty = True

    def __enter__(self) -> Self:
        """Open the journal, empty if there is none that fits.

        Raises:
            OutputError: It cannot be written.
        """
        with writing():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = stream = self._path.open("a+b")
            stream.seek(0)
            if stream.readline() != self._settings:
                stream.truncate(0)
                stream.write(self._settings)
                stream.flush()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the journal, and delete it if the command came to its end or nowhere."""
        assert self._stream is not None
        with writing():
            self._stream.close()
            if kind is None or self._empty:
                self._path.unlink()

    def replay(self, files: Sequence[PictureFile]) -> Iterator[PictureEntry]:
        """Yield the entries of the leading files that were finished and have not changed since; forget all others."""
        assert self._stream is not None
        stream = self._stream
        stream.seek(len(self._settings))
        whole = stream.tell()
        for file in files:
            line = stream.readline()
            try:
                record = json.loads(line) if line.endswith(b"\n") else {}
            except ValueError:  # the machine went down while it was written
                record = {}
            if record.get("file") != str(file.path) or record.get("stamp") != _stamp(file.path):
                break
            whole = stream.tell()
            self._empty = False
            yield record["entry"]
        stream.truncate(whole)

    def append(self, file: PictureFile, entry: PictureEntry) -> None:
        """Note a finished picture."""
        assert self._stream is not None
        record = {"file": str(file.path), "stamp": _stamp(file.path), "entry": entry}
        with writing():
            self._stream.write(json.dumps(record).encode() + b"\n")
            self._stream.flush()
        self._empty = False


def _stamp(path: Path) -> list[int] | None:
    """Return size and time of change, which tell whether a file is still the same; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]
