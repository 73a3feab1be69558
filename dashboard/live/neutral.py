"""A person's neutral face: measured over seconds of live video, then subtracted from the network's predictions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from emoscope.model.entities import Prediction
from emoscope.model.errors import BaselineError
from emoscope.model.faces.baseline import NeutralBaseline, measure_baseline

BASELINE_SECONDS = 3.0


class NeutralFace:
    """The measurement and its result; not thread-safe, so its owner's lock is held.

    Attributes:
        baseline: The measured neutral face; None before one was measured.
        problem: Why the last measurement gave none; None where it did, or none was made.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Forget measurement and result."""
        self.baseline: NeutralBaseline | None = None
        self.problem: BaselineError | None = None
        self.stop()

    def measure(self) -> None:
        """Learn the neutral face from the seconds that begin with the first readable face."""
        self._samples: list[np.ndarray] | None = []
        self._started: float | None = None
        self.problem = None

    def stop(self) -> None:
        """End a measurement without a result."""
        self._samples, self._started = None, None

    def collect(self, predictions: list[Prediction], at: float) -> None:
        """Take in the largest readable face of an analysis at a time in seconds, while it is measured."""
        if self._samples is None or not predictions or predictions[0].warnings:
            return
        self._started = at if self._started is None else self._started
        self._samples.append(predictions[0].probabilities)
        if at - self._started >= BASELINE_SECONDS:
            samples = np.stack(self._samples)
            self.stop()
            try:
                self.baseline = measure_baseline(samples, predictions[0].class_names)
            except BaselineError as error:
                self.problem = error

    def progress(self, now: float) -> float | None:
        """Return the share of the measurement that is done, 0..1; None while nothing is measured."""
        if self._samples is None:
            return None
        return 0.0 if self._started is None else min(1.0, (now - self._started) / BASELINE_SECONDS)

    def corrected(self, predictions: list[Prediction]) -> list[Prediction]:
        """Return predictions with the neutral face taken off, where one was measured for these classes."""
        baseline = self.baseline
        if baseline is None or not predictions or baseline.class_names != predictions[0].class_names:
            return predictions
        return [replace(p, probabilities=baseline.correct(p.probabilities)) for p in predictions]
