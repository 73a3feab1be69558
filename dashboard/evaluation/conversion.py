"""Formats of a network that are made when somebody asks: in the app's cache, so that saved runs stay as they are.

Each conversion is a process of its own, one at a time; it goes on when the page is left.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import streamlit as st

from emoscope.model.dataset import find_dataset
from emoscope.model.dataset.cache import cache_root
from emoscope.model.errors import EmoscopeError, RunError
from emoscope.model.places import module_environment
from emoscope.model.runs.exports import ORIGINAL, Exported, read_exports
from emoscope.model.runs.run import EXPORTS_FOLDER, KERAS_FILE, Run, load_run

_LOG = "conversion.log"


@dataclass(frozen=True)
class Conversion:
    """A conversion at work, or one that has ended.

    Attributes:
        run_key: Whose network it converts.
        variant: To which format.
        process: The process that converts.
        log: What it prints.
        started: When it began, in seconds since 1970.
    """

    run_key: str
    variant: str
    process: subprocess.Popen[bytes]
    log: Path
    started: float

    @property
    def is_running(self) -> bool:
        """Whether it still works."""
        return self.process.poll() is None

    @property
    def problem(self) -> str:
        """The sentence that it ended with, where it failed; else empty."""
        if not self.process.poll():
            return ""
        lines = [line for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
        notes = [line for line in lines if line.startswith(("note: ", "error: "))]
        return (notes or lines or ["error: the conversion ended without a word."])[-1].split(": ", 1)[-1]


class Converter:
    """The one worker of this process; its methods may be called from any session."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest: Conversion | None = None

    @property
    def latest(self) -> Conversion | None:
        """The conversion at work, or the last one that was."""
        return self._latest

    def start(self, run: Run, variant: str) -> None:
        """Begin a conversion.

        Raises:
            RunError: The run has no Keras network to convert.
            EmoscopeError: Another conversion is at work, or the cache cannot be written.
        """
        if not (run.path / KERAS_FILE).is_file():
            raise RunError(
                f"{run.key} holds no {KERAS_FILE}, which other formats are made from.",
                "Train it again, or choose another run.",
            )
        with self._lock:
            if self._latest and self._latest.is_running:
                raise EmoscopeError(
                    f"{self._latest.run_key} is being converted.", "Wait for it to end; one is made at a time."
                )
            try:
                folder = _copy(run)
            except OSError as error:
                raise EmoscopeError(
                    f"The cache cannot be written ({error.strerror or error}).",
                    "Free some space, or name another folder in EMOSCOPE_CACHE.",
                ) from error
            log = folder / _LOG
            data = find_dataset()  # named as the place to look at, so that other data than the run's are left out
            settings = {"EMOSCOPE_DATA": str(data)} if data else {}
            command = [sys.executable, "-m", "emoscope.training", "export", str(folder), "--variants", variant]
            with log.open("wb") as stream:
                process = subprocess.Popen(
                    command,
                    env=module_environment(TF_CPP_MIN_LOG_LEVEL="3", **settings),
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                )
            self._latest = Conversion(run.key, variant, process, log, time.time())


@st.cache_resource(show_spinner=False)
def converter() -> Converter:
    """Return the one converter of this process."""
    return Converter()


def made(run: Run) -> dict[str, Exported]:
    """Return the formats of a run that were made on demand, by variant."""
    folder = _folder(run)
    if not (folder / "run.json").is_file():
        return {}
    return {form.variant: form for form in read_exports(load_run(folder)) if form.variant != ORIGINAL}


def _folder(run: Run) -> Path:
    """Return where the copy of a run lies whose network is this one."""
    network = (run.path / KERAS_FILE).stat() if (run.path / KERAS_FILE).is_file() else None
    stamp = f"{run.path.resolve()} {network.st_size} {network.st_mtime_ns}" if network else str(run.path.resolve())
    return cache_root() / EXPORTS_FOLDER / blake2b(stamp.encode(), digest_size=8).hexdigest() / run.path.name


def _copy(run: Run) -> Path:
    """Copy a run without its exports into the cache, unless it is there; return its folder."""
    folder = _folder(run)
    if not (folder / "run.json").is_file():
        left_out = shutil.ignore_patterns(EXPORTS_FOLDER, "exports.json")
        shutil.copytree(run.path, folder, ignore=left_out, dirs_exist_ok=True)
    return folder
