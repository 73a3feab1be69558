"""Normalisation and class order of a network from elsewhere, inferred on validation images.

A network file says neither. Each normalisation in use is tried, and for each the assignment of outputs to classes that
gives the highest validation accuracy. If one of the usual orders does as well, that order is taken. Normalisations
of about equal accuracy are told apart by log loss, which is lowest for the one it was trained with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from emoscope.model.emotions import emotion_key
from emoscope.model.errors import RunError
from emoscope.model.evaluation.calibration import log_losses
from emoscope.model.evaluation.metrics import confusion_counts
from emoscope.model.runs.run import Normalization
from emoscope.training.evaluation.labels import class_lookup

NORMALIZATIONS: Mapping[str, Normalization] = {
    "0..1": Normalization("rescale", 1 / 255, 0.0),
    "-1..1": Normalization("rescale", 2 / 255, -1.0),
    "0..255": Normalization("rescale", 1.0, 0.0),
    "standardize": Normalization("standardize"),
}
# The orders in which FER networks are published: FER-2013's codes, folders by alphabet, FER+'s columns.
USUAL_ORDERS: Mapping[str, tuple[str, ...]] = {
    "FER-2013's codes": ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"),
    "alphabetical": ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"),
    "FER+'s columns": ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt"),
    "alphabetical with contempt": ("angry", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise"),
}
# Differences of validation accuracy below this are noise: a usual order is preferred, the lower log loss decides.
TOLERANCE = 0.01

Classify = Callable[[str], np.ndarray | None]


@dataclass(frozen=True)
class Conventions:
    """Normalisation and class order of a network.

    Attributes:
        normalization: Its name among :data:`NORMALIZATIONS`.
        class_names: In the order of the outputs.
        order: Where the order comes from: ``given``, one of :data:`USUAL_ORDERS`, or ``fitted``.
        accuracy: On the validation images that were tried.
        tried: By normalisation, the best accuracy reached with it.
        n: Images tried.
        chance: Share of the commonest class among them.
    """

    normalization: str
    class_names: tuple[str, ...]
    order: str
    accuracy: float
    tried: Mapping[str, float]
    n: int
    chance: float

    def __str__(self) -> str:
        tried = ", ".join(f"{name} {100 * accuracy:.1f} %" for name, accuracy in self.tried.items())
        return (
            f"Tried on {self.n:,} validation images: normalisation {tried}. Taken: {self.normalization}, class order "
            f"{self.order} ({', '.join(self.class_names)}), {100 * self.accuracy:.1f} % right."
        )


def find_conventions(
    classify: Classify,
    label: np.ndarray,
    data_names: Sequence[str],
    outputs: int,
    normalizations: Sequence[str] = tuple(NORMALIZATIONS),
    class_names: Sequence[str] | None = None,
) -> Conventions:
    """Find the normalisation and the class order under which a network is most accurate.

    Args:
        classify: Gives the network's probabilities, shape (N, outputs), under a named normalisation; None where they
            are no numbers.
        label: Indices into ``data_names`` of the same N validation images.
        data_names: Class names of the data.
        outputs: Number of the network's outputs, at least as many as ``data_names``.
        normalizations: Which to try.
        class_names: The order of the outputs if it is known.

    Raises:
        RunError: There are fewer outputs than classes, or names.
    """
    if class_names is not None and len(class_names) != outputs:
        raise RunError(
            f"The network has {outputs} outputs, but --classes names {len(class_names)}.", "Name them all, in order."
        )
    if class_names is None and outputs < len(data_names):
        raise RunError(
            f"The network has {outputs} outputs, fewer than the {len(data_names)} classes of the data.",
            "Name its classes in order with --classes: it is then scored on the images of these.",
        )
    readings: dict[str, tuple[float, tuple[str, ...], str]] = {}
    losses: dict[str, float] = {}
    for name in normalizations:
        probabilities = classify(name)
        if probabilities is None:
            continue
        answers = confusion_counts(label, probabilities.argmax(1), len(data_names), outputs)
        readings[name] = _best_order(answers, data_names, class_names)
        places = [_place(data_name, readings[name][1]) for data_name in data_names]
        losses[name] = float(log_losses(np.array(places)[label], probabilities).mean())
    if not readings:
        raise RunError(
            "The network gives values that are not numbers, however its input is normalised.", "Save it again."
        )
    most = max(accuracy for accuracy, _, _ in readings.values())
    best = min((name for name in readings if readings[name][0] >= most - TOLERANCE), key=losses.__getitem__)
    accuracy, names, order = readings[best]
    tried = {name: found[0] for name, found in readings.items()}
    return Conventions(best, names, order, accuracy, tried, len(label), float(np.bincount(label).max() / len(label)))


def _best_order(
    answers: np.ndarray, data_names: Sequence[str], class_names: Sequence[str] | None
) -> tuple[float, tuple[str, ...], str]:
    """Return accuracy, class names and their source for counts of label by output, shape (classes, outputs)."""
    if class_names is not None:
        return _accuracy(answers, data_names, class_names), tuple(class_names), "given"
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(answers, maximize=True)
    best = answers[rows, columns].sum() / answers.sum()
    candidates = {"the data's own": tuple(data_names), **USUAL_ORDERS}
    scores = {
        source: _accuracy(answers, data_names, names)
        for source, names in candidates.items()
        if len(names) == answers.shape[1] and {emotion_key(n) for n in data_names} <= {emotion_key(n) for n in names}
    }
    source = max(scores, key=scores.__getitem__, default="")
    if source and scores[source] >= best - TOLERANCE:
        return scores[source], _in_words_of(data_names, candidates[source]), source
    fitted = dict(zip(columns.tolist(), (data_names[row] for row in rows), strict=True))
    left_over = (name for name in ("contempt", *(f"other {k}" for k in range(1, 100))) if name not in data_names)
    names = tuple(fitted.get(k) or next(left_over) for k in range(answers.shape[1]))
    return float(best), names, "fitted"


def _accuracy(answers: np.ndarray, data_names: Sequence[str], class_names: Sequence[str]) -> float:
    return float(sum(answers[i, _place(name, class_names)] for i, name in enumerate(data_names)) / answers.sum())


def _place(name: str, class_names: Sequence[str]) -> int:
    """Return which output stands for a class of the data."""
    return int(class_lookup([name], class_names)[0])


def _in_words_of(data_names: Sequence[str], order: Sequence[str]) -> tuple[str, ...]:
    words = {emotion_key(name): name for name in data_names}
    return tuple(words.get(emotion_key(name), name) for name in order)
