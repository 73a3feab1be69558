"""Plotly figures of saved runs, as the app draws them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from emoscope.model.evaluation.calibration import calibration_data, reliability
from emoscope.model.evaluation.metrics import confusion_counts
from emoscope.model.runs.run import Run, opened, own_labels

if TYPE_CHECKING:
    import plotly.graph_objects as go


def confusion(run: str | Path | Run, split: str | None = None) -> go.Figure:
    """Draw the confusion matrix of a run, each row in percent of its class.

    Args:
        run: A run, its key or its folder.
        split: By default the test split where it was scored on that.

    Raises:
        RunError: There is no such run, or it was not scored on that split.
    """
    from emoscope.dashboard.charts.confusion import confusion_matrix

    saved = opened(run)
    found = saved.predictions(split or _first_split(saved))
    names = saved.info.class_names
    return confusion_matrix(confusion_counts(found.label, found.probabilities.argmax(1), len(names)), names, "row")


def training_curves(*runs: str | Path | Run, quantity: str = "Accuracy") -> go.Figure:
    """Draw the training curves of runs over one another.

    Args:
        *runs: Runs, keys or folders.
        quantity: ``Accuracy``, ``Loss``, ``Generalisation gap`` or ``Learning rate``.

    Raises:
        RunError: There is no such run, or its history is no table of numbers.
    """
    from emoscope.dashboard.charts import curves

    chosen = {run.key: run for run in map(opened, runs)}
    histories = {key: run.history for key, run in chosen.items() if curves.has_quantity(run.history, quantity)}
    best = {key: run.info.best_epoch for key, run in chosen.items()}
    return curves.training_curves(histories, quantity, best_epochs=best, names=list(chosen))


def calibration(run: str | Path | Run, split: str | None = None) -> go.Figure:
    """Draw the accuracy of a run at each confidence.

    Args:
        run: A run, its key or its folder.
        split: By default the test split where it was scored on that.

    Raises:
        RunError: There is no such run, or it was not scored on that split.
    """
    from emoscope.dashboard.charts.calibration import reliability_diagram

    saved = opened(run)
    probabilities, truth = calibration_data(saved, split or _first_split(saved))
    return reliability_diagram({saved.key: reliability(truth, probabilities)})


def _first_split(run: Run) -> str:
    return own_labels(run, run.splits[0]) if run.splits else "any split"
