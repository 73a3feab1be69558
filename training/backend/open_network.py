"""The Keras network of a saved run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emoscope.model.errors import RunError
from emoscope.model.runs.run import KERAS_FILE, Run

if TYPE_CHECKING:
    import keras


def open_network(run: Run) -> keras.Model:
    """Open a run's network to train it further.

    Raises:
        RunError: The run holds none.
    """
    file = run.path / KERAS_FILE
    if not file.is_file():
        raise RunError(f"{run.key} holds no {KERAS_FILE}.", "Only a run with its Keras network can be trained further.")
    import keras

    return keras.saving.load_model(file, compile=False, safe_mode=True)
