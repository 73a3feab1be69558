"""What was predicted elsewhere, brought to the classes and the images of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

import numpy as np

from emoscope.model.emotions import class_places, emotion_key
from emoscope.model.errors import RunError
from emoscope.model.runs.foreign.columns import checked_split
from emoscope.model.runs.foreign.results import Counts, Report, Samples
from emoscope.model.runs.predictions import Predictions
from emoscope.model.runs.reports import StatedReport
from emoscope.model.runs.run import BrokenRun, DatasetInfo, Run, iter_runs
from emoscope.model.splits import NAMES

Scored = Samples | Counts | Report
FEWEST = 100
"""Labels in the order of a known split are no coincidence from so many on."""


@dataclass(frozen=True, eq=False)
class KnownImages:
    """A split of a saved run whose images are those of imported predictions.

    Attributes:
        split: Its name.
        class_names: Of the run, in the order of the imported classes.
        predictions: The run's own.
        dataset: The run's.
    """

    split: str
    class_names: tuple[str, ...]
    predictions: Predictions
    dataset: DatasetInfo


def class_names_of(scored: Scored) -> tuple[str, ...]:
    """Return the classes of predictions, a matrix or a report, in their order."""
    return tuple(row.name for row in scored.classes) if isinstance(scored, Report) else scored.class_names


def with_classes(scored: Scored, class_names: tuple[str, ...], source: str) -> Scored:
    """Return the same in another order of the classes.

    Raises:
        RunError: It knows other classes.
    """
    own = class_names_of(scored)
    places = class_places(own, class_names)
    if places is None:
        raise RunError(
            f"{source} has the classes {', '.join(own[:8])}, another file {', '.join(class_names[:8])}.",
            "Name them alike in all files, or with --classes.",
        )
    if isinstance(scored, Report):
        rows = tuple(replace(scored.classes[k], name=name) for k, name in zip(places, class_names, strict=True))
        return replace(scored, classes=rows)
    if isinstance(scored, Counts):
        return replace(scored, class_names=class_names, matrix=scored.matrix[np.ix_(places, places)])
    new = np.argsort(places)  # from their index to ours
    probabilities = None if scored.probabilities is None else scored.probabilities[:, places]
    return replace(
        scored,
        class_names=class_names,
        label=new[scored.label],
        predicted=new[scored.predicted],
        probabilities=probabilities,
    )


def split_name(scored: Scored) -> str:
    """Return the split that a file is of; the test split where it names none."""
    return checked_split(scored.split or NAMES["test"][1])


def predictions_of(scored: Samples | Counts, known: KnownImages | None = None) -> Predictions:
    """Return samples or a confusion matrix, with classes in the run's order, as a run's predictions.

    Args:
        scored: Of another program.
        known: The images that the samples are of; None where they are not known.

    Returns:
        Of a matrix, predictions on samples that nothing identifies.
    """
    classes = len(scored.class_names)
    if isinstance(scored, Counts):
        label, predicted = np.nonzero(scored.matrix)
        repeats = scored.matrix[label, predicted]
        return Predictions.of_classes(np.repeat(label, repeats), np.repeat(predicted, repeats), classes, None, "")
    pixel_hash = identities(scored) if known is None else known.predictions.pixel_hash
    if scored.probabilities is None:
        found = Predictions.of_classes(scored.label, scored.predicted, classes, pixel_hash, "")
    else:
        found = Predictions(np.arange(len(scored.label)), pixel_hash, scored.label, scored.probabilities)
    return found if known is None else replace(found, index=known.predictions.index, votes=known.predictions.votes)


def with_known_images(scored: Scored, root: Path | None = None) -> tuple[Scored, KnownImages | None]:
    """Return the same with the class names and the split of the images that it is of, where these are found."""
    known = known_images(scored, root) if isinstance(scored, Samples) else None
    if known is None or not isinstance(scored, Samples):
        return scored, None
    return replace(scored, class_names=known.class_names, split=scored.split or known.split), known


def stated(report: Report) -> StatedReport:
    """Return a report as ``reports.json`` holds it."""
    found: StatedReport = {
        "classes": [
            {"name": r.name, "precision": r.precision, "recall": r.recall, "f1": r.f1, "support": r.support}
            for r in report.classes
        ],
        "accuracy": report.accuracy,
        "macro_f1": report.macro_f1,
    }
    if report.decimals is not None:
        found["decimals"] = report.decimals
    return found


def identities(samples: Samples) -> np.ndarray:
    """Return what identifies each sample: its id, or else its place among rows with just these labels; uint64 (N,).

    So the predictions of two programs can be compared image by image where their ids, or the labels of all rows in
    their order, are the same.
    """
    if samples.ids is not None:
        texts: Iterable[str] = samples.ids
    else:
        names = [emotion_key(name) for name in samples.class_names]
        rows = "\n".join(names[k] for k in samples.label)
        order = blake2b(rows.encode(), digest_size=16).hexdigest()
        texts = (f"{order} {row}" for row in range(len(samples.label)))
    digests = b"".join(blake2b(text.encode(), digest_size=8).digest() for text in texts)
    return np.frombuffer(digests, "<u8").astype(np.uint64)


def known_images(samples: Samples, root: Path | None = None) -> KnownImages | None:
    """Find the split of a saved run that has the same labels in the same order, so that the images are the same.

    Args:
        samples: Of another program. Classes without names, 0 to C-1, are taken in the order of the run's.
        root: Another folder of saved runs, looked through besides the usual ones.

    Returns:
        None where there is none, or there are too few samples to tell.
    """
    if len(samples.label) < FEWEST:
        return None
    for run in (*iter_runs(), *(iter_runs(root) if root else ())):
        if isinstance(run, BrokenRun):
            continue
        names = _names_in_order(samples.class_names, run)
        if names is None:
            continue
        for split in run.predicted_splits:
            found = _matching(run, split, samples, names)
            if found is not None:
                return KnownImages(split, names, found, run.info.dataset)
    return None


def _names_in_order(theirs: Sequence[str], run: Run) -> tuple[str, ...] | None:
    """Return a run's class names in the order of other ones; None where they are other classes."""
    own = run.info.class_names
    if tuple(theirs) == tuple(str(k) for k in range(len(own))):
        return own
    places = class_places(own, theirs)
    return None if places is None else tuple(own[k] for k in places)


def _matching(run: Run, split: str, samples: Samples, names: tuple[str, ...]) -> Predictions | None:
    try:
        found = run.predictions(split)
    except RunError:
        return None
    if found.detail == "counts" or len(found.label) != len(samples.label):
        return None
    places = np.array([names.index(name) for name in run.info.class_names])
    return found if np.array_equal(places[found.label], samples.label) else None
