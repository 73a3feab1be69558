"""The files of a run: read with a sentence on what is wrong, written atomically."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emoscope.model.errors import RunError

CHECKPOINTS = ".checkpoints"
"""Beside the runs: what unfinished trainings need to resume."""
MAX_TEXT_BYTES = 64 << 20
"""Of a JSON or CSV file; larger ones are refused unread."""


def read_text(file: Path) -> str:
    """Read a text file of a run.

    Raises:
        OSError: It cannot be read.
        ValueError: It is larger than :data:`MAX_TEXT_BYTES`, or not UTF-8.
    """
    if file.stat().st_size > MAX_TEXT_BYTES:
        raise ValueError(f"it is larger than {MAX_TEXT_BYTES >> 20} MB")
    return file.read_text(encoding="utf-8")


def read_json(file: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        RunError: The file cannot be read or is no JSON object, or it holds half characters, which no page can show.
    """
    try:
        values = json.loads(read_text(file))
        json.dumps(values, ensure_ascii=False).encode()  # fails on half of a surrogate pair
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"{file.parent.name}/{file.name} cannot be read ({error}).", "Copy the run again.") from error
    if not isinstance(values, dict):
        raise RunError(f"{file.parent.name}/{file.name} holds no JSON object.", "Copy the run again.")
    return values


def checkpoint_of(output: Path) -> Path:
    """Return where the unfinished state of a run's training is kept; its history lies in the folder of that name."""
    return output.parent / CHECKPOINTS / f"{output.name}.npz"


def write_atomically(file: Path, content: bytes | str) -> None:
    """Write a file so that a reader or a crash sees either the old content or the new, never half of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.part")
    if isinstance(content, str):
        partial.write_text(content, encoding="utf-8")
    else:
        partial.write_bytes(content)
    partial.replace(file)


def write_json(file: Path, values: Mapping[str, Any]) -> None:
    """Write a JSON object, indented, atomically."""
    write_atomically(file, json.dumps(values, indent=2, ensure_ascii=False) + "\n")
