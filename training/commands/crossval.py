"""``python -m training crossval``: one network per fold of the training split, each scored on the images it never saw.

The validation split still chooses each network's epoch, so that the images of its fold decide nothing, and the test
split stays out. Copies of an image are kept in one fold. A finished fold is not repeated.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from emoscope.model.dataset import Dataset, Split
from emoscope.model.dataset.samples import fingerprint
from emoscope.model.errors import DataError, EmoscopeError, RunError, make_room
from emoscope.model.networks.load import load_classifier
from emoscope.model.runs.figures import Scalar
from emoscope.model.runs.files import checkpoint_of
from emoscope.model.runs.predictions import write_predictions
from emoscope.model.runs.run import Run, artifacts_root, load_run, write_run_info
from emoscope.model.splits import NAMES, find_split
from emoscope.training.commands.arguments import add_data_arguments, load_data_at
from emoscope.training.commands.train import keep
from emoscope.training.config.schema import TrainConfig, add_config_flags, config_names, config_overrides, load_config
from emoscope.training.evaluation.evaluate import predict_split, with_metrics
from emoscope.training.inputs.samples import without_absent_votes
from emoscope.training.inputs.sampling import stratified_folds

FIGURES: dict[Scalar, str] = {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "macro_f1": "macro F1"}


def cross_validate(config: TrainConfig, dataset: Dataset, folds: int, output: Path, fresh: bool = False) -> list[Run]:
    """Train and score a network for each fold, and gather their predictions.

    Args:
        config: What to train; every fold has its seed.
        dataset: Its training split is divided.
        folds: How many, at least 2.
        output: Folder of the out-of-fold run; those of the folds are named ``<output>-fold1`` and so on.
        fresh: Forget finished and unfinished folds.

    Returns:
        For each head the run whose predictions of the training split come from the networks that were not trained on
        the image in question.

    Raises:
        DataError: There is no training split, or it lacks what the configuration needs.
        ConfigError: A class has fewer images than there are folds.
        EmoscopeError: A result cannot be written; finished folds are kept.
    """
    if dataset.train is None:
        raise DataError(f"{dataset.name} has no training split.", "Name one of its folders `train`.")
    train = dataset.train
    parts = stratified_folds(train.labels, folds, config.seed, train.pixel_hash, dataset.class_names)
    runs: list[list[Run]] = []
    for number, (fit, held_out) in enumerate(parts, 1):
        print(f"Fold {number} of {folds}: {len(fit):,} images to train on, {len(held_out):,} held out", flush=True)
        fold_config = replace(config, name=f"{config.name}, fold {number} of {folds}")
        folder = output.with_name(f"{output.name}-fold{number}")
        done = None if fresh else _finished(fold_config, dataset, folder, len(held_out))
        runs.append(done or _train_fold(fold_config, dataset, fit, held_out, folder, fresh))
        print(f"{runs[-1][0].key}: accuracy {100 * _figure(runs[-1][0], 'accuracy'):.2f} % of the images held out")
    try:
        gathered = [
            _gather(config, list(of_head), folder)
            for of_head, folder in zip(zip(*runs, strict=True), config.run_folders(output).values(), strict=True)
        ]
    except OSError as error:
        raise EmoscopeError(
            f"The gathered predictions could not be written ({error.strerror or error}).",
            f"{make_room(error, output.parent)}; the same command gathers them again.",
        ) from error
    return gathered


def _train_split(splits: Iterable[str]) -> str:
    name = find_split("training", splits)
    assert name is not None, "cross_validate has refused data without one"
    return name


def _select(split: Split, chosen: np.ndarray) -> Split:
    votes = split.votes[chosen] if split.votes is not None else None
    return Split(split.images[chosen], split.labels[chosen], split.pixel_hash[chosen], split.names[chosen], votes)


def _finished(config: TrainConfig, dataset: Dataset, folder: Path, held_out: int) -> list[Run] | None:
    """Return the runs of a fold that an earlier command finished, or None."""
    wanted = json.loads(json.dumps(asdict(config)))
    runs = []
    for of_head in config.run_folders(folder).values():
        try:
            run = load_run(of_head)
            same = run.info.config == wanted and run.info.dataset.fingerprint == dataset.fingerprint
            if not same or not run.metrics or len(run.predictions(_train_split(dataset.splits)).index) > held_out:
                return None
        except RunError:
            return None
        runs.append(run)
    return runs


def _train_fold(
    config: TrainConfig, dataset: Dataset, fit: np.ndarray, held_out: np.ndarray, folder: Path, fresh: bool
) -> list[Run]:
    from emoscope.training.loop.train import train

    name = _train_split(dataset.splits)
    splits = {**dataset.splits, name: _select(dataset.splits[name], fit)}
    rest = replace(dataset, splits=splits, fingerprint=fingerprint(splits))
    trained = train(config, rest, checkpoint_of(folder), fresh=fresh)
    note = f"{config.name}: its predictions of {name} are of images that it was not trained on."
    runs = []
    scored = [split for split in dataset.splits if split in NAMES["validation"]]
    for run in keep(trained, config, dataset, folder, note, scored):
        classifier = load_classifier(run)
        try:
            found = predict_split(classifier, dataset, _select(dataset.splits[name], held_out), title=name)
        finally:
            classifier.close()
        write_predictions(run.path, name, replace(found, index=held_out[found.index]))
        runs.append(with_metrics(run))
    return runs


def _figure(run: Run, name: Scalar) -> float:
    return run.metrics[_train_split(run.metrics)][name]


def spread(runs: list[Run]) -> dict[Scalar, tuple[float, float]]:
    """Return the mean and the sample standard deviation over folds, by figure."""
    values = {name: np.array([_figure(run, name) for run in runs]) for name in FIGURES}
    return {name: (float(found.mean()), float(found.std(ddof=1))) for name, found in values.items()}


def _gather(config: TrainConfig, runs: list[Run], folder: Path) -> Run:
    """Write the run of all out-of-fold predictions."""
    name = _train_split(runs[0].splits)
    predicted = [run.predictions(name) for run in runs]
    parts = [one.arrays() for one in predicted]
    joined: dict[str, Any] = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    found = replace(predicted[0], **joined)
    figures = ", ".join(f"{FIGURES[k]} {100 * mean:.2f} ± {100 * sd:.2f} %" for k, (mean, sd) in spread(runs).items())
    info = replace(
        runs[0].info,
        name=f"{config.name}, {len(runs)}-fold cross-validation",
        config=asdict(config) | {"folds": len(runs)},
        best_epoch=None,
        training_seconds=round(sum(run.info.training_seconds for run in runs), 1),
        note=f"Out-of-fold predictions of {len(runs)} networks, mean ± standard deviation over folds: {figures}.",
    )
    write_run_info(folder, info)
    write_predictions(folder, name, found.take(np.argsort(found.index)))
    return with_metrics(Run(folder.resolve(), info))


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags of ``python -m training crossval``."""
    known = ", ".join(config_names())
    parser.add_argument("config", help=f"YAML file or one of: {known}")
    add_data_arguments(parser)
    parser.add_argument("--folds", type=int, default=5, help="parts of the training split (default 5)")
    parser.add_argument("--output", type=Path, help="folder of the out-of-fold run (default: artifacts/<config>-cv)")
    parser.add_argument("--fresh", action="store_true", help="forget finished and unfinished folds")
    add_config_flags(parser)


def run(args: Namespace) -> int:
    """Train one network per fold; the same command resumes where it was stopped."""
    config = load_config(args.config, config_overrides(args))
    output = args.output or artifacts_root() / f"{Path(args.config).stem}-cv"
    dataset = load_data_at(args, config.input_size, config.channels)
    config = without_absent_votes(config, dataset)
    try:
        gathered = cross_validate(config, dataset, args.folds, output, args.fresh)
    except KeyboardInterrupt:
        print("\nStopped. The same command resumes with the first fold that is not finished.")
        return 130
    for found in gathered:
        print(f"{found.key}: {found.info.note}")
    return 0
