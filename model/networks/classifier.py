"""Networks behind one call: faces in, class probabilities and evidence maps out.

LiteRT runs a saved run's ``.tflite`` file without importing TensorFlow; Keras, imported only when needed, runs a run
that has nothing but ``model.keras``. Both may be called from any number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from emoscope.model.errors import RunError
from emoscope.model.networks.preprocessing import prepare_faces
from emoscope.model.networks.trial import noise
from emoscope.model.runs.run import RunInfo

# Faces per forward pass. Time per face stops falling at about 8, and memory grows with the batch.
BATCH_SIZE = 32


class NotFiniteError(RunError):
    """A network whose outputs are not numbers."""


@dataclass(frozen=True, eq=False)
class Classification:
    """A network's predictions of N faces.

    Attributes:
        probabilities: float32, shape (N, C), rows summing to 1.
        activation_maps: Evidence for each class by place, in logits, float32, shape (N, h, w, C); None where the
            network gives none.
    """

    probabilities: np.ndarray
    activation_maps: np.ndarray | None = None


class Classifier(Protocol):
    """A network that is ready to classify faces; safe to share between threads."""

    @property
    def info(self) -> RunInfo:
        """The run that the network belongs to."""
        ...

    def classify(self, faces: Sequence[np.ndarray] | np.ndarray) -> Classification:
        """Classify faces: uint8 crops of any size, shape (H, W), (H, W, 1) or (H, W, 3) RGB; none is allowed."""
        ...

    def close(self) -> None:
        """Free the network's memory; later calls fail."""
        ...


class Network:
    """What both backends share: batching, the meaning of the outputs, temperature and checks."""

    def __init__(self, file: Path, info: RunInfo, temperature: float | None) -> None:
        if temperature is not None and not 0.01 <= temperature <= 100:
            raise RunError(f"A temperature of {temperature} is outside 0.01..100.", "Fit the calibration again.")
        self.file = file
        self.info = info
        self.temperature = temperature
        self._normalization = info.normalization  # of pixels, before the network takes them
        self._from_logits = False

    def classify(self, faces: Sequence[np.ndarray] | np.ndarray) -> Classification:
        """Classify faces in batches of at most :data:`BATCH_SIZE`.

        Args:
            faces: N crops, uint8, shape (H, W), (H, W, 1) or (H, W, 3) RGB, any size; N may be 0.

        Raises:
            RunError: The network's outputs are not numbers.
        """
        if not len(faces):
            return Classification(np.zeros((0, len(self.info.class_names)), np.float32))
        batches = (faces[start : start + BATCH_SIZE] for start in range(0, len(faces), BATCH_SIZE))
        results = [self._run(prepare_faces(list(batch), self.info, self._normalization)) for batch in batches]
        probabilities = self._probabilities(np.concatenate([scores for scores, _ in results]))
        maps = [found for _, found in results if found is not None]
        return Classification(probabilities, np.concatenate(maps) if maps else None)

    def _run(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Return scores (N, C) and activation maps (N, h, w, C) or None for a normalised batch (N, H, W, channels)."""
        raise NotImplementedError

    def _check(self) -> None:
        """Try the network on noise: finds a misfit when loading, and whether it ends in a softmax."""
        shape = (*self.info.input_size, self.info.channels)
        scores, _ = self._run(prepare_faces([noise(shape, np.uint8)], self.info, self._normalization))
        if not np.isfinite(scores).all():
            raise NotFiniteError(*self._misfit_words("gives values that are not numbers"))
        self._from_logits = not _are_probabilities(scores)

    def _probabilities(self, scores: np.ndarray) -> np.ndarray:
        if not np.isfinite(scores).all():
            raise NotFiniteError(*self._misfit_words("gives values that are not numbers"))
        if not self._from_logits and self.temperature is None:
            positive = np.maximum(scores, 1e-12)
            return (positive / positive.sum(1, keepdims=True)).astype(np.float32)
        logits = scores if self._from_logits else np.log(np.maximum(scores, 1e-12))
        logits = logits / (self.temperature or 1.0)
        exponentials = np.exp(logits - logits.max(1, keepdims=True))
        return (exponentials / exponentials.sum(1, keepdims=True)).astype(np.float32)

    def _select(self, outputs: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray | None]:
        """Tell scores (rank 2) from activation maps (rank 4) by shape."""
        classes = len(self.info.class_names)
        scores = [o for o in outputs if o.ndim == 2 and o.shape[1] == classes]
        maps = [o for o in outputs if o.ndim == 4 and o.shape[3] == classes]
        if len(scores) != 1:
            shapes = ", ".join(str(o.shape[1:]) for o in outputs)
            raise self._misfit(f"gives outputs of shape {shapes} per face, not one of {classes} values")
        return scores[0], maps[0] if maps else None

    def _misfit(self, what: str) -> RunError:
        return RunError(*self._misfit_words(what))

    def _misfit_words(self, what: str) -> tuple[str, str]:
        return (
            f"The network {self.file.parent.name}/{self.file.name} {what}, so it cannot be used with its run.json.",
            "Export or copy the run again, or choose another.",
        )


def _are_probabilities(scores: np.ndarray) -> bool:
    # Quantised outputs come in steps of 1/256, so a row may miss 1 by half a step per class.
    return bool(scores.min() >= 0 and np.abs(scores.sum(1) - 1).max() <= 0.01 + scores.shape[1] / 512)
