"""What Ray runs on the hosts of a cluster for one training: each worker's share, and the reaction to a lost one."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emoscope.model.dataset import Dataset, load_dataset
from emoscope.model.errors import ConfigError, EmoscopeError, reason_of
from emoscope.training.config.schema import TrainConfig
from emoscope.training.loop.checkpoint import Checkpoint

TRIES = 3  # of one epoch, before it is given up


@dataclass(frozen=True)
class Work:
    """What every worker gets.

    Attributes:
        config: What to train.
        data: Absolute path of the data set.
        votes: Of the FER+ votes, or None for those beside the data.
        checkpoint_file: Where the first worker keeps the state, and all find it.
        folder: Where the command was given; other paths may be relative to it.
    """

    config: TrainConfig
    data: Path
    votes: Path | None
    checkpoint_file: Path
    folder: Path

    def load(self) -> Dataset:
        """Read the data set."""
        return load_dataset(self.data, votes=self.votes, size=self.config.input_size, channels=self.config.channels)


def train_share(settings: dict[str, Any]) -> dict[str, str]:
    """Train as one of the workers; return what it ran on."""
    from ray.train.collective import broadcast_from_rank_zero

    work: Work = settings["work"]
    if work.folder.is_dir():
        os.chdir(work.folder)
    dataset = work.load()
    checkpoint = Checkpoint.load(work.checkpoint_file)
    found = [dataset.fingerprint, len(checkpoint.history) if checkpoint else 0]
    if found != broadcast_from_rank_zero(found):
        raise ConfigError(
            f"The hosts do not find the same data at {work.data}, or not the same state at {work.checkpoint_file}.",
            "Put both on storage that all hosts share.",
        )
    # Where TensorFlow is installed, Keras would load it for nothing but to seed it: seconds and memory a worker.
    sys.modules.setdefault("tensorflow", None)  # type: ignore[arg-type]
    from emoscope.training.backend.devices import all_devices
    from emoscope.training.loop.train import environment, train

    with _trusting(), all_devices():
        train(work.config, dataset, work.checkpoint_file)
        return environment()


@contextlib.contextmanager
def _trusting() -> Iterator[None]:
    """Do not let JAX compare among all processes each value that Keras assigns: seven exchanges per step.

    They cannot differ: all come from the same seed, data and checkpoint.
    """
    from jax.experimental import multihost_utils

    compare = multihost_utils.assert_equal
    multihost_utils.assert_equal = lambda *_, **__: None
    try:
        yield
    finally:
        multihost_utils.assert_equal = compare


def on_loss(checkpoint_file: Path, losses: Path) -> Any:
    """Return a callback that notes lost workers, and ends the training where another try would fail the same way."""
    from ray.train import UserCallback

    class OnLoss(UserCallback):
        """Lives in Ray Train's controller, on the host where the command was given."""

        def __init__(self) -> None:
            self.states: list[int] = []

        def after_exception(self, run_context: Any, worker_exceptions: dict[int, Exception]) -> None:
            for error in worker_exceptions.values():
                if own := own_error(error):
                    raise own
            self.states.append(checkpoint_file.stat().st_mtime_ns if checkpoint_file.exists() else 0)
            error = next(iter(worker_exceptions.values()))
            if self.states[-TRIES:] == [self.states[-1]] * TRIES:
                raise EmoscopeError(
                    f"Workers failed {TRIES} times in the same epoch, the last time with: {last_line(error)}",
                    "Look at the cluster's logs; the same command resumes after the last finished epoch.",
                )
            with losses.open("a", encoding="utf-8") as file:
                file.write(f"{last_line(error)}\n")

    return OnLoss()


def own_error(error: BaseException | None) -> EmoscopeError | None:
    """Return the error for people that Ray's error wraps, if any."""
    while error is not None and not isinstance(error, EmoscopeError):
        wrapped = getattr(error, "_base_exc", None) or getattr(error, "controller_failure", None)
        error = wrapped or error.__cause__
    return error


def last_line(error: BaseException) -> str:
    """Return an error in one line."""
    return reason_of(error, last=True)
