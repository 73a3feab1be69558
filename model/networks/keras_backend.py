"""Keras networks, for runs that have no LiteRT file."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from emoscope.model.errors import RunError, reason_of
from emoscope.model.networks.classifier import Network
from emoscope.model.runs.run import RunInfo


class KerasClassifier(Network):
    """A ``.keras`` network, opened in safe mode; imports Keras when made.

    Outputs may be one array, a list, or a dictionary with ``probabilities`` and ``activation_map``.

    Args:
        file: The ``.keras`` file.
        info: The run that it belongs to.
        temperature: As for :func:`load_classifier`.

    Raises:
        RunError: Keras is not installed, or the file is no Keras network, holds code, or does not fit ``info``.
    """

    def __init__(self, file: Path, info: RunInfo, temperature: float | None = None) -> None:
        super().__init__(file, info, temperature)
        try:
            import keras
        except ImportError as error:
            raise RunError(
                "Only Keras can open this run, and it is not installed.", "Run `pip install tensorflow`."
            ) from error
        self._lock = threading.Lock()
        try:
            self._model: Any = keras.saving.load_model(file, compile=False, safe_mode=True)
            if len(self._model.inputs) != 1:
                raise self._misfit(f"takes {len(self._model.inputs)} inputs, not one image")
            # A network that was built on a list or a dictionary of inputs wants it so, also if there is but one.
            structure = None if isinstance(self._model, keras.Sequential) else self._model.input
            self._wrap: Callable[[np.ndarray], Any] = lambda batch: keras.tree.map_structure(lambda _: batch, structure)
            self._check()
        except RunError:
            raise
        except Exception as error:  # Keras raises nearly anything on a file that is foreign or broken
            raise RunError(
                f"{file.parent.name}/{file.name} does not open as a Keras network in safe mode ({reason_of(error)}).",
                "Save it again as a plain .keras file without Lambda layers.",
            ) from error

    def close(self) -> None:
        """Drop the network."""
        self._model = None

    def _run(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        with self._lock:
            if self._model is None:
                raise ValueError("This classifier is closed; load it again.")
            # Compiled, which is twenty times as fast for one face as a call of the network itself.
            outputs = self._model.predict_on_batch(self._wrap(batch))
        if isinstance(outputs, dict):
            if "probabilities" in outputs:
                outputs = {k: outputs[k] for k in ("probabilities", "activation_map") if k in outputs}
            outputs = list(outputs.values())
        elif not isinstance(outputs, (list, tuple)):
            outputs = [outputs]
        return self._select([np.asarray(output, np.float32) for output in outputs])
