"""Trainings that the app starts: one folder each, which any process may read and which outlives all of them.

A job's folder holds ``job.json`` (what is trained and in what state it is), ``config.yaml``, ``output.log`` and, once
that was asked for, a file ``stop``. ``dashboard/train/runner.py`` works the queue off in a process of its own.

Runs are data that people pass on, so no job lies among them: the queue is in a folder of this user's alone. Nor does a
job hold a command; what is started is made of its settings, which are checked on reading.

Whether a training runs is told by a lock that its process holds, never by a number in a file: the kernel releases the
lock however the process ends, so no stale process is ever waited for or signalled.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from emoscope.dashboard.train.lock import holder, is_held
from emoscope.model.errors import ConfigError, EmoscopeError, RunError
from emoscope.model.places import module_environment
from emoscope.model.runs import files
from emoscope.model.runs.files import read_json, write_json
from emoscope.model.runs.run import artifacts_root, read_history

State = Literal["queued", "running", "stopped", "finished", "failed"]
LOCK = "lock"
_KEY = re.compile(r"[A-Za-z0-9][\w.-]{0,63}", re.ASCII)


@dataclass(frozen=True)
class TrainingJob:
    """One training and how far it came.

    Attributes:
        folder: Where it is kept.
        key: Name of the run that it makes.
        data: The data set, an absolute path.
        epochs: How many it trains at most.
        queued: Since when it waits, in seconds since 1970; the order of the queue.
        state: As far as the runner has noted it; see :attr:`state` of what :func:`jobs` returns.
        started: When it was last started.
        ended: When it last ended.
        status: Exit status of its process; negative for the signal that killed it.
    """

    folder: Path
    key: str
    data: str
    epochs: int
    queued: float
    state: State = "queued"
    started: float | None = None
    ended: float | None = None
    status: int | None = None

    @property
    def command(self) -> tuple[str, ...]:
        """What the runner starts."""
        return (
            *(sys.executable, "-m", "emoscope.training", "train", str(self.folder / "config.yaml")),
            *(f"--data={self.data}", f"--output={artifacts_root().absolute() / self.key}"),
        )

    @property
    def output(self) -> str:
        """Everything that it printed."""
        file = self.folder / "output.log"
        return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""

    @property
    def stop_file(self) -> Path:
        """Exists from when a stop was asked for."""
        return self.folder / "stop"

    def history(self) -> dict[str, np.ndarray]:
        """Return the curves so far, by column of ``history.csv``; empty before the first epoch has ended."""
        try:
            return read_history(checkpoint_of(self.key).with_suffix(""))
        except RunError:
            return {}

    def epoch_ended(self) -> float | None:
        """Return when the last finished epoch ended, in seconds since 1970."""
        file = checkpoint_of(self.key).with_suffix("") / "history.csv"
        return file.stat().st_mtime if file.is_file() else None

    def save(self) -> None:
        """Write ``job.json``."""
        write_json(self.folder / "job.json", {k: v for k, v in asdict(self).items() if k != "folder"})


def queue_root() -> Path:
    """Return the folder of the jobs that make runs in ``artifacts_root()``, below :func:`state_root`."""
    runs = artifacts_root().absolute()
    return state_root() / "trainings" / f"{runs.name}-{hashlib.blake2b(os.fsencode(runs), digest_size=8).hexdigest()}"


def state_root() -> Path:
    """Return where trainings in hand are kept: ``EMOSCOPE_STATE``, or ``emoscope`` in the user's state folder."""
    if chosen := os.environ.get("EMOSCOPE_STATE"):
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "emoscope"


def checkpoint_of(key: str) -> Path:
    """Return where the training of a run keeps its state; a folder of its name holds the curves meanwhile."""
    return files.checkpoint_of(artifacts_root() / key)


def jobs() -> list[TrainingJob]:
    """Return all jobs in the order of the queue, each in its true state: what was cut off counts as stopped."""
    busy = is_held(queue_root() / LOCK)
    found = [read_job(file.parent) for file in queue_root().glob("*/job.json")]
    return sorted((_settled(job, busy) for job in found if job is not None), key=lambda job: (job.queued, job.key))


def read_job(folder: Path) -> TrainingJob | None:
    """Return a job as its file has it; None where the file is broken."""
    try:
        job = TrainingJob(folder, **read_json(folder / "job.json"))
    except (RunError, TypeError):
        return None
    return job if _is_valid(job) else None


def _is_valid(job: TrainingJob) -> bool:
    texts, times = (job.key, job.data), (job.queued, *(t for t in (job.started, job.ended) if t is not None))
    return (
        all(isinstance(text, str) for text in texts)
        and _KEY.fullmatch(job.key) is not None
        and Path(job.data).is_absolute()
        and job.state in get_args(State)
        and all(isinstance(time, int | float) for time in times)
        and all(isinstance(number, int) for number in (job.epochs, 0 if job.status is None else job.status))
    )


def _settled(job: TrainingJob, busy: bool) -> TrainingJob:
    if job.state == "running" and not busy:
        return cut_off(job)
    return replace(job, state="stopped") if job.state == "queued" and job.stop_file.exists() else job


def cut_off(job: TrainingJob) -> TrainingJob:
    """Return in what state a job is whose end nobody noted: its runner was killed, or the machine went down."""
    figures = artifacts_root() / job.key / "metrics.json"  # the last file that a training writes
    done = figures.is_file() and figures.stat().st_mtime >= (job.started or 0)
    return replace(job, state="finished" if done else "stopped", ended=job.ended or time.time())


def enqueue(key: str, config: str, epochs: int, data: Path) -> TrainingJob:
    """Put a training into the queue and see to it that somebody works it off.

    Args:
        key: Name of the run to make.
        config: Content of its configuration file, YAML.
        epochs: How many it asks for.
        data: The data set.

    Raises:
        ConfigError: The name cannot be a run's, or is taken.
        EmoscopeError: The disk does not take it.
    """
    check_key(key)
    queued = time.time()
    folder = queue_root() / f"{queued:.3f}-{key}"
    job = TrainingJob(folder, key, str(data.absolute()), epochs, queued)
    try:
        queue_root().mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir()
        (folder / "config.yaml").write_text(config, encoding="utf-8")
        job.save()
    except OSError as error:
        raise EmoscopeError(f"The training cannot be noted in {folder.parent} ({error.strerror}).") from error
    start_runner()
    return job


def check_key(key: str) -> None:
    """Refuse a name that cannot be a new run's.

    Raises:
        ConfigError: It is taken, or no plain name.
    """
    if not _KEY.fullmatch(key):
        raise ConfigError(
            f"{key!r} cannot be the name of a run.", "Use up to 64 letters, digits, dots, hyphens and underscores."
        )
    if (artifacts_root() / key).exists() or checkpoint_of(key).exists() or any(job.key == key for job in jobs()):
        raise ConfigError(f"There is already a run or a training called {key}.", f"Try {free_key(key)}.")


def free_key(stem: str) -> str:
    """Return a name that no run and no training has: the stem with the next free number."""
    stem = re.sub(r"-\d+$", "", stem)
    taken = {job.key for job in jobs()} | {path.name for path in artifacts_root().glob("*/")}
    taken |= {path.stem for path in (artifacts_root() / files.CHECKPOINTS).glob("*.npz")}
    return next(name for n in range(1, len(taken) + 2) if (name := f"{stem}-{n}") not in taken)


def resume(job: TrainingJob) -> None:
    """Put a stopped or failed training at the end of the queue; its command goes on after the last finished epoch."""
    job.stop_file.unlink(missing_ok=True)
    replace(job, state="queued", queued=time.time(), started=None, ended=None, status=None).save()
    start_runner()


def stop(job: TrainingJob, hard: bool = False) -> None:
    """End a training after its last finished epoch, or take it out of the queue.

    Args:
        job: As :func:`jobs` returned it.
        hard: Do not wait for it to end by itself; nothing that was saved is lost by that either.
    """
    job.stop_file.touch()
    held_by = holder(queue_root() / LOCK)
    if held_by is None or held_by.get("job") != job.folder.name:
        return
    with suppress(ProcessLookupError):  # it has just ended
        os.killpg(held_by["group"], signal.SIGKILL if hard else signal.SIGINT)


def discard(job: TrainingJob) -> None:
    """Forget a training that does not run, with its checkpoint; a finished run stays."""
    if job.state != "finished":
        checkpoint_of(job.key).unlink(missing_ok=True)
        shutil.rmtree(checkpoint_of(job.key).with_suffix(""), ignore_errors=True)
    shutil.rmtree(job.folder, ignore_errors=True)


def start_runner() -> None:
    """Start the process that works the queue off; where one is at it already, this one leaves at once."""
    queue_root().mkdir(parents=True, exist_ok=True, mode=0o700)
    with (queue_root() / "runner.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "emoscope.dashboard.train.runner", str(queue_root().absolute())],
            env=module_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # outlives the app, and the Ctrl-C that ends it
        )
    threading.Thread(target=process.wait, daemon=True).start()  # leaves no zombie


def problem_of(job: TrainingJob) -> EmoscopeError:
    """Return why a training failed, in the sentence it ended with; the log holds more."""
    last = next((line for line in reversed(job.output.splitlines()) if line.strip()), "")
    if last.startswith("error: "):
        return EmoscopeError(last.removeprefix("error: "))
    if job.status == -signal.SIGKILL:
        return EmoscopeError(
            f"The training of {job.key} was killed, most likely because memory ran out.",
            "Close other programs or lower batch_size, and resume.",
        )
    return EmoscopeError(
        f"The training of {job.key} ended unexpectedly (status {job.status}).",
        "The end of its log says where; resume goes on after the last finished epoch.",
    )


def resolved(config: str) -> dict[str, Any]:
    """Return a configuration with every default filled in, as the training itself reads it.

    Args:
        config: Content of the file, YAML.

    Raises:
        ConfigError: A key or a value is not possible.
    """
    with tempfile.TemporaryDirectory(prefix="emoscope-") as folder:
        file = Path(folder) / "config.yaml"
        file.write_text(config, encoding="utf-8")
        command = [sys.executable, "-m", "emoscope.training", "config", str(file)]
        done = subprocess.run(command, env=module_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        sentence = (done.stderr.strip().splitlines() or ["The configuration cannot be read."])[-1]
        raise ConfigError(sentence.removeprefix("error: ").replace(str(file), "The configuration"))
    return json.loads(done.stdout)
