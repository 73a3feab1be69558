"""How far a training is and how long it will take, from its curves and the clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from emoscope.dashboard.train.jobs import TrainingJob

RECENT = 3
"""Epochs whose mean time the next ones are expected to take."""


@dataclass(frozen=True)
class Progress:
    """How far a training is.

    Attributes:
        done: Finished epochs.
        epochs: How many there are at most.
        pace: Seconds that an epoch takes; 0 before the first has ended.
        share: Of the whole, 0..1, counting how far the running epoch should be.
        text: The same in words, with the time left.
    """

    done: int
    epochs: int
    pace: float
    share: float
    text: str


def progress(job: TrainingJob, history: Mapping[str, np.ndarray], now: float) -> Progress:
    """Return how far a running training is.

    Args:
        job: The training.
        history: Its curves so far; ``seconds`` holds the time of each epoch.
        now: Seconds since 1970.
    """
    started = job.started or now
    seconds = history.get("seconds", np.zeros(0))
    done = len(seconds)
    pace = float(seconds[-RECENT:].mean()) if done else 0.0
    running = min(now - max(job.epoch_ended() or now, started), pace)  # of the epoch that is not done yet
    if job.stop_file.exists():
        text = "Stopping; every finished epoch is kept."
    elif done >= job.epochs:
        text = "All epochs are done: saving, exporting and evaluating the run."
    elif not done:
        text = f"Loading the data and training the first epoch, {duration(now - started)} so far."
    else:
        left = pace * (job.epochs - done) - running
        text = f"Epoch {done + 1} of {job.epochs}, about {duration(left)} left."
    share = min((done + (running / pace if pace else 0)) / job.epochs, 1.0)
    return Progress(done, job.epochs, pace, share, text)


def duration(seconds: float) -> str:
    """Write a time for people: "45 s", "12 min", "1.5 h"."""
    if seconds < 90:
        return f"{max(seconds, 0):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
