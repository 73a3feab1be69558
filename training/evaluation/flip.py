"""Flip test-time augmentation: a network's mean prediction of an image and its mirror image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from emoscope.model.dataset import Dataset
from emoscope.model.errors import RunError
from emoscope.model.networks.classifier import Classification, Classifier
from emoscope.model.networks.load import load_classifier
from emoscope.model.runs.run import Run, RunInfo, load_run, write_run_info
from emoscope.training.evaluation.evaluate import evaluate_with
from emoscope.training.evaluation.other_data import beside

CONFIG_KEY = "flip_average_of"


class FlipAverage:
    """A classifier that averages another's predictions of faces and their mirror images.

    Args:
        classifier: Is closed with this one.
    """

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = classifier

    @property
    def info(self) -> RunInfo:
        """The run that the network belongs to."""
        return self.classifier.info

    def classify(self, faces: Sequence[np.ndarray] | np.ndarray) -> Classification:
        """Average the probabilities of faces, uint8 (H, W), (H, W, 1) or (H, W, 3), and of their mirror images."""
        plain = self.classifier.classify(faces).probabilities
        mirrored = self.classifier.classify([face[:, ::-1] for face in faces]).probabilities
        return Classification((plain + mirrored) / 2)

    def close(self) -> None:
        """Free the network's memory."""
        self.classifier.close()


def evaluate_flip_average(
    run: Run, dataset: Dataset, splits: Sequence[str] | None = None, threads: int = 1, place: Run | None = None
) -> Run:
    """Score a run's flip average as a run of its own, ``<run>-flip``, beside the plain one.

    It holds predictions and figures, so that both can be compared; the network stays in the plain run.

    Args:
        run: Holds the network.
        dataset: Any size.
        splits: Which to score; all but the training split where None.
        threads: Cores that the network may use.
        place: The run that the plain figures on these data belong to, where that is another.

    Raises:
        RunError: The network cannot be used, or another run has the name.
        DataError: A split is not there, or its labels cannot be derived.
    """
    place = place or run
    folder = beside(place, "flip")
    if (folder / "run.json").is_file() and load_run(folder).info.config.get(CONFIG_KEY) != run.key:
        raise RunError(f"{folder.name} exists and is another run.", "Rename its folder, then give the command again.")
    classifier = FlipAverage(load_classifier(run, threads=threads))
    try:
        info = replace(
            place.info,
            name=f"{place.info.name}, flip average",
            config={**place.info.config, CONFIG_KEY: run.key},
            multiply_adds=2 * run.info.multiply_adds,
            note=f"Mean prediction of {run.key} on each image and its mirror image; its network is there.",
        )
        write_run_info(folder, info)
        return evaluate_with(classifier, Run(folder.resolve(), info), dataset, splits)
    finally:
        classifier.close()
