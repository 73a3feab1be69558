"""All files that the browser engine consists of, but for a run's network, under one version."""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from pathlib import Path

from emoscope.model.browser.runtime import LOCK_FILE, runtime_file, runtime_names
from emoscope.model.browser.setup import detector_files

WEB = Path(__file__).with_name("web")
PAGE = Path(__file__).with_name("page")
"""What a page of its own has besides, which the app does not serve."""

MEDIA_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".wasm": "application/wasm",
    ".json": "application/json",
    ".tflite": "application/octet-stream",
}


@cache
def own_files() -> dict[str, bytes]:
    """Return the modules and the detector's networks, by name."""
    files = {file.name: file.read_bytes() for file in sorted(WEB.iterdir()) if file.suffix in MEDIA_TYPES}
    return files | detector_files()


def bundle_names() -> list[str]:
    """Return the names of all files."""
    return sorted([*own_files(), *runtime_names()])


@cache
def bundle_version() -> str:
    """Return a name for the content of all files: 16 hexadecimal digits."""
    digest = hashlib.sha256(LOCK_FILE.read_bytes())
    for name, content in own_files().items():
        digest.update(name.encode() + hashlib.sha256(content).digest())
    return digest.hexdigest()[:16]


def bundle_file(name: str) -> bytes:
    """Return a file.

    Raises:
        EngineError: A file of the runtime is missing or damaged.
        KeyError: There is none of this name.
    """
    if name in own_files():
        return own_files()[name]
    if name not in runtime_names():
        raise KeyError(name)
    return runtime_file(name)


def compressed_file(name: str) -> bytes:
    """Return a file as gzip compresses it, which is done once; raises as :func:`bundle_file` does."""
    if name in own_files():
        return _compressed(name)
    if name not in runtime_names():
        raise KeyError(name)
    return runtime_file(f"{name}.gz")


@cache
def _compressed(name: str) -> bytes:
    return gzip.compress(own_files()[name], 9, mtime=0)
