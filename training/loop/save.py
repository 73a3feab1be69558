"""From a finished training to saved runs: one folder per head, in the format that everything else opens."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import keras

from emoscope.model.dataset import Dataset
from emoscope.model.networks.architectures import deploy, multiply_adds
from emoscope.model.runs.run import KERAS_FILE, DatasetInfo, Run, RunInfo, write_history, write_run_info
from emoscope.training.config.schema import TrainConfig
from emoscope.training.loop.train import Trained

LABELS_OF_SOURCES: dict[str, Literal["fer", "ferplus", "votes"]] = {
    "dataset": "fer",
    "ferplus-majority": "ferplus",
    "votes": "votes",
}
LABEL_SOURCES: dict[str, str] = {head: source for source, head in LABELS_OF_SOURCES.items()}
LICENCE = "Weights: MIT. Trained on {dataset}, whose own terms hold for the images."


def save_runs(trained: Trained, config: TrainConfig, dataset: Dataset, output: Path, note: str = "") -> list[Run]:
    """Write a saved run for every head of a trained network.

    Args:
        trained: From :func:`emoscope.training.loop.train.train`.
        config: That it was trained with.
        dataset: That it was trained on.
        output: Folder of the first head's run; those of further heads are named ``<output>-<head>``.
        note: Free text for people.

    Returns:
        The runs, the first head's first.
    """
    runs = []
    for position, (head, class_names) in enumerate(trained.classes.items()):
        folder = config.run_folders(output)[head]
        model = deploy(trained.network, head)
        folder.mkdir(parents=True, exist_ok=True)
        save_network(model, folder / KERAS_FILE)
        write_history(folder, trained.history)
        info = RunInfo(
            name=config.name if not position else f"{config.name} ({head})",
            architecture=config.architecture,
            class_names=class_names,
            input_size=config.input_size,
            channels=config.channels,
            normalization=config.normalization,
            label_source=LABEL_SOURCES[head],
            dataset=DatasetInfo(dataset.name, dict(dataset.split_sizes), dataset.fingerprint),
            config=asdict(config),
            seed=config.seed,
            environment=trained.environment,
            parameters=model.count_params(),
            multiply_adds=multiply_adds(model),
            best_epoch=trained.best_epoch,
            training_seconds=round(trained.seconds, 1),
            licence=LICENCE.format(dataset=dataset.name),
            note=note,
        )
        write_run_info(folder, info)
        runs.append(Run(folder.resolve(), info))
    return runs


def save_network(model: keras.Model, file: Path) -> None:
    """Write a Keras network so that the file is whole or absent."""
    partial = file.with_name(f".part-{os.getpid()}.keras")
    try:
        model.save(partial)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
