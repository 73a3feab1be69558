"""``.notes.json`` beside the runs: what the owner of a folder of runs notes of them.

Notes and tags are no result. They stay out of the runs' own folders, so that a run that ships, or is passed on, says
what it said when it was made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from emoscope.model.errors import RunError
from emoscope.model.runs.checks import checked_fields, listed, named, text
from emoscope.model.runs.files import read_json, write_json

NOTES_FILE = ".notes.json"
MOST_CHARACTERS = 2000
"""Of a note; a tag has at most 40."""


@dataclass(frozen=True)
class Note:
    """What somebody noted of a run: tags that it can be found and grouped by, and a free text."""

    tags: tuple[str, ...] = ()
    text: str = ""

    @classmethod
    def of(cls, tags: tuple[str, ...] | list[str], words: str) -> Note:
        """Make a note of what somebody typed: no empty or doubled tags, nothing beyond the limits."""
        kept = dict.fromkeys(tag.strip()[:40] for tag in tags)
        return cls(tuple(tag for tag in kept if tag), words.strip()[:MOST_CHARACTERS])


def read_notes(root: Path) -> dict[str, Note]:
    """Return the notes on the runs of a folder by key; empty where there are none.

    Raises:
        RunError: The file is broken.
    """
    file = root / NOTES_FILE
    if not file.is_file():
        return {}
    try:
        return named(read_json(file), "the file", _note)
    except ValueError as error:
        raise RunError(f"{file} holds no notes ({error}).", "Correct or delete it.") from error


def write_note(root: Path, keys: list[str], note: Note) -> None:
    """Set the note on some runs of a folder; an empty one takes it away. The runs' folders stay as they are.

    Raises:
        RunError: The file is broken, or cannot be written.
    """
    notes: Mapping[str, Note] = {**read_notes(root), **dict.fromkeys(keys, note)}
    try:
        write_json(root / NOTES_FILE, {key: asdict(kept) for key, kept in notes.items() if kept != Note()})
    except OSError as error:
        raise RunError(f"Notes cannot be written to {root} ({error.strerror}).", "Allow writing there.") from error


def _note(value: Any, what: str) -> Note:
    found = checked_fields(
        value, what, {"tags": lambda tags, name: tuple(text(tag, name) for tag in listed(tags, name)), "text": text}
    )
    return Note(**found)
