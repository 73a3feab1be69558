"""Opens a saved run's network with the backend that can run it."""

from __future__ import annotations

from emoscope.model.errors import RunError
from emoscope.model.networks.classifier import Classifier
from emoscope.model.runs.run import KERAS_FILE, Run


def load_classifier(run: Run, threads: int = 1, temperature: float | None = None) -> Classifier:
    """Load a saved run's network: its LiteRT file where there is one, else its Keras file.

    Args:
        run: The saved run.
        threads: Cores that one call may use (LiteRT only).
        temperature: Divides the log-probabilities, so that a value above 1 makes the network less confident; None
            leaves its probabilities as they are.

    Raises:
        RunError: The run holds no network, or one that is broken or does not fit its ``run.json``.
    """
    if run.litert_file and _litert_installed():
        from emoscope.model.networks.litert import LiteRTClassifier

        return LiteRTClassifier(run.litert_file, run.info, threads, temperature)
    if (run.path / KERAS_FILE).is_file():
        from emoscope.model.networks.keras_backend import KerasClassifier

        return KerasClassifier(run.path / KERAS_FILE, run.info, temperature)
    if run.litert_file:
        raise RunError(
            f"{run.key} is a LiteRT model, and LiteRT is not installed.", "Run `pip install ai-edge-litert`."
        )
    raise RunError(
        f"{run.key} holds no network: neither model.tflite nor {KERAS_FILE} is there.",
        "Copy the run again or choose another.",
    )


def _litert_installed() -> bool:
    from importlib.util import find_spec

    return find_spec("ai_edge_litert") is not None
