"""Arrays that took long to compute, kept in a file together with what they were computed from."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from emoscope.model.errors import EmoscopeError, make_room
from emoscope.model.runs.files import write_atomically


def content_hash(array: np.ndarray) -> str:
    """Return a hash of an array's bytes."""
    return hashlib.blake2b(np.ascontiguousarray(array).data, digest_size=16).hexdigest()


def read_cached(file: Path, identity: Mapping[str, Any]) -> dict[str, np.ndarray] | None:
    """Read arrays by name; None where the file is absent or damaged, or its arrays were computed from something else.

    Args:
        file: As :func:`write_cached` wrote it.
        identity: What the arrays depend on, as JSON can hold it.
    """
    try:
        with np.load(file, allow_pickle=False) as archive:
            if json.loads(str(archive["identity"])) != identity:
                return None
            return {name: archive[name] for name in archive.files if name != "identity"}
    except (OSError, ValueError, KeyError, BadZipFile):
        return None


def write_cached(file: Path, identity: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays by name and what they depend on.

    Raises:
        EmoscopeError: The file cannot be written.
    """
    buffer = io.BytesIO()
    content: dict[str, Any] = {"identity": np.array(json.dumps(identity)), **arrays}
    np.savez(buffer, **content)
    try:
        write_atomically(file, buffer.getvalue())
    except OSError as error:
        raise EmoscopeError(
            f"The teacher's predictions could not be written ({error.strerror}).", f"{make_room(error, file.parent)}."
        ) from error
