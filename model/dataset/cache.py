"""Parsed data sets on disk, keyed by content, so that a second start takes a fraction of a second."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from emoscope.model.dataset.samples import Split

# Part of every key: raise it whenever a change to the readers changes what they return.
READER_VERSION = 1
KEPT_ENTRIES = 6
ABANDONED_SECONDS = 24 * 3600

_FIELDS = ("images", "labels", "pixel_hash", "names")


def cache_root() -> Path:
    """Return the folder of cached arrays: ``EMOSCOPE_CACHE``, or ``emoscope`` in the user's cache folder."""
    if chosen := os.environ.get("EMOSCOPE_CACHE"):
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "emoscope"


def cache_key(content: str) -> str:
    """Return the name of the entry for what a hash of the source and its options identify."""
    return f"v{READER_VERSION}-{content}"


def file_hash(file: Path) -> str:
    """Hash a file's content: 32 hexadecimal digits."""
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16))
    return digest.hexdigest()


def read_cached(key: str) -> dict[str, Split] | None:
    """Return the cached splits, or None where there are none or the entry is damaged.

    The entry is an uncompressed ``.npz``, whose checksums are verified on reading.
    """
    file = cache_root() / f"{key}.npz"
    try:
        with np.load(file, allow_pickle=False) as archive:
            splits = {
                name: Split(**{field: archive[f"{name}/{field}"] for field in _FIELDS})
                for name in archive["splits"].tolist()
            }
        with contextlib.suppress(OSError):
            file.touch()
        return splits
    except (OSError, KeyError, ValueError, EOFError, RuntimeError, BadZipFile):
        return None


def write_cached(key: str, splits: Mapping[str, Split]) -> None:
    """Keep splits for the next start; do nothing where the cache folder cannot be written.

    The entry appears under its name only when it is whole, so a crash or a second process leaves no half of one. The
    oldest entries beyond ``KEPT_ENTRIES`` are removed, and what a killed process left.
    """
    root = cache_root()
    partial = None
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=root, prefix=".partial-", suffix=".npz", delete=False) as stream:
            partial = Path(stream.name)
            arrays = {f"{name}/{field}": getattr(split, field) for name, split in splits.items() for field in _FIELDS}
            np.savez(stream, allow_pickle=False, splits=np.array(list(splits)), **arrays)
        partial.replace(root / f"{key}.npz")
        _prune(root)
    except OSError:  # read-only or full: the next start parses again
        if partial is not None:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)


def _prune(root: Path) -> None:
    for file in root.glob(".partial-*"):
        if time.time() - file.stat().st_mtime > ABANDONED_SECONDS:
            file.unlink(missing_ok=True)
    entries = sorted(root.glob("v*-*.npz"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in entries[KEPT_ENTRIES:]:
        file.unlink(missing_ok=True)
