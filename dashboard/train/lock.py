"""A lock on a file that says who holds it: one training at a time, whatever crashes.

The lock belongs to an open file. The runner opens it and the training inherits it, so it is held until both have ended,
and the kernel releases it then.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

PATIENCE = 1.0
"""Seconds to try for: somebody who only looks whether the lock is held holds it for a moment."""


def can_lock() -> bool:
    """Tell whether this system has such locks."""
    return fcntl is not None


@contextmanager
def held(path: Path) -> Iterator[int | None]:
    """Hold the lock.

    Yields:
        The open file, for :func:`note` and for a process to inherit; None where somebody else holds it.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        deadline = time.monotonic() + PATIENCE
        while not (got := _try(file, fcntl.LOCK_EX)) and time.monotonic() < deadline:
            time.sleep(0.1)
        if got:
            note(file, {})
        yield file if got else None
    finally:
        os.close(file)


def note(file: int, values: Mapping[str, Any]) -> None:
    """Write down who holds the lock and what for."""
    content = json.dumps(values).encode()
    os.ftruncate(file, 0)
    os.pwrite(file, content, 0)


def is_held(path: Path) -> bool:
    """Tell whether anybody holds the lock."""
    if not path.exists():
        return False
    file = os.open(path, os.O_RDONLY)
    try:
        return not _try(file, fcntl.LOCK_SH)
    finally:
        os.close(file)


def holder(path: Path) -> dict[str, Any] | None:
    """Return what the holder noted; None where nobody holds the lock."""
    if not is_held(path):
        return None
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}


def _try(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
