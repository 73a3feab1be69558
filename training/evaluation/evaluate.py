"""Score a network: predictions on every held-out split, and the figures that follow from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from emoscope.model.dataset import Dataset, Split
from emoscope.model.errors import DataError
from emoscope.model.evaluation.metrics import METRIC_TITLES, SCALARS, metrics_of
from emoscope.model.evaluation.votes import compare_with_votes
from emoscope.model.networks.classifier import Classifier
from emoscope.model.networks.load import load_classifier
from emoscope.model.runs.files import write_json
from emoscope.model.runs.predictions import Predictions, write_predictions
from emoscope.model.runs.run import Run
from emoscope.model.splits import by_votes, is_training
from emoscope.model.votes import clear_majority
from emoscope.training.evaluation.labels import labels_for

CHUNK = 512


def evaluate_run(
    run: Run, dataset: Dataset, splits: Sequence[str] | None = None, threads: int = 1, place: Run | None = None
) -> Run:
    """Write ``predictions/<split>.npz`` and ``metrics.json`` of a saved run, and return the run with them.

    Args:
        run: Holds the network.
        dataset: Any size; images are brought to the network's.
        splits: Which to score; all but the training split where None.
        threads: Cores that the network may use.
        place: The run to write into where that is another, as for data that are not its own.

    Raises:
        RunError: The run or its network cannot be used, or has no output for a class of the data.
        DataError: A split is not there, or its labels cannot be derived.
    """
    classifier = load_classifier(run, threads=threads)
    try:
        return evaluate_with(classifier, place or run, dataset, splits)
    finally:
        classifier.close()


def evaluate_with(classifier: Classifier, run: Run, dataset: Dataset, splits: Sequence[str] | None = None) -> Run:
    """Score a network that is open already; as :func:`evaluate_run`.

    Args:
        classifier: The network.
        run: Where the predictions are written.
        dataset: Any size.
        splits: Which to score; all but the training split where None.
    """
    for name in choose_splits(dataset, splits):
        write_predictions(run.path, name, predict_split(classifier, dataset, dataset.splits[name], title=name))
    return with_metrics(run)


def choose_splits(dataset: Dataset, splits: Sequence[str] | None = None) -> tuple[str, ...]:
    """Return the named splits, or every split but the training one.

    Raises:
        DataError: A named split is not there, or there is none but the training split.
    """
    if splits is None:
        splits = [name for name in dataset.splits if not is_training(name)]
        if not splits:
            raise DataError(
                f"{dataset.name} has a training split only.", "Name it with --splits to score it all the same."
            )
    for name in splits:
        if name not in dataset.splits:
            raise DataError(f"{dataset.name} has no split {name}.", f"Its splits: {', '.join(dataset.splits)}.")
    return tuple(splits)


def predict_split(classifier: Classifier, dataset: Dataset, split: Split, title: str = "") -> Predictions:
    """Classify the labelled samples of a split.

    Args:
        classifier: The network.
        dataset: That the split is part of.
        split: The samples.
        title: Shown with the progress bar; empty for none.

    Raises:
        RunError, DataError: As in :func:`emoscope.training.evaluation.labels.labels_for`.
    """
    kept, labels = labels_for(classifier.info, dataset, split)
    probabilities = classify_images(classifier, split.images[kept], title)
    votes = None if split.votes is None else split.votes[kept].astype(np.uint8)
    return Predictions(kept, split.pixel_hash[kept], labels, probabilities, votes)


def classify_images(classifier: Classifier, images: np.ndarray, title: str = "") -> np.ndarray:
    """Classify many images, uint8 (N, H, W, C), with a progress bar if a title is given: float32 (N, classes)."""
    from tqdm import tqdm

    probabilities = []
    with tqdm(total=len(images), desc=title, unit="face", disable=None if title else True, leave=False) as bar:
        for start in range(0, len(images), CHUNK):
            part = images[start : start + CHUNK]
            probabilities.append(classifier.classify(part).probabilities)
            bar.update(len(part))
    return np.concatenate(probabilities)


def with_metrics(run: Run) -> Run:
    """Compute ``metrics.json`` of a run anew from all its saved predictions, and return the run with it."""
    run = replace(run)  # what it has cached of its files may be outdated
    names = run.info.class_names
    figures = {}
    for split in run.splits:
        found = run.predictions(split)
        figures[split] = metrics_of(run, split)
        if found.votes is not None and _are_voted(found.votes, names):
            judged = metrics_of(run, by_votes(split))
            figures[by_votes(split)] = judged | {"people": compare_with_votes(found, names, resamples=0).scalars()}
    write_json(run.path / "metrics.json", figures)
    return run


def _are_voted(votes: np.ndarray, class_names: Sequence[str]) -> bool:
    """Tell whether there is an image with a majority for one of these classes."""
    try:
        return bool((clear_majority(votes, class_names) >= 0).any())
    except DataError:
        return False


def metrics_table(run: Run) -> str:
    """Format ``metrics.json`` for a terminal: one line per figure, one column per split, intervals in brackets."""
    width = max(len(title) for title in METRIC_TITLES.values())
    lines = [" " * width + "".join(f"  {name + ' (n=' + str(m['n']) + ')':>26}" for name, m in run.metrics.items())]
    for scalar in SCALARS:
        cells = []
        for figures in run.metrics.values():
            low, high = figures["intervals"][scalar]
            shown = [figures[scalar], low, high]
            if scalar == "log_loss":
                cells.append("{:.3f} [{:.3f}, {:.3f}]".format(*shown))
            else:
                cells.append("{:.2f} % [{:.2f}, {:.2f}]".format(*(100 * v for v in shown)))
        lines.append(f"{METRIC_TITLES[scalar]:<{width}}" + "".join(f"  {cell:>26}" for cell in cells))
    return "\n".join(lines)
