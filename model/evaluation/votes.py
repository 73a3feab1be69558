"""How near a network is to people: its predictions beside the ten votes that each image has.

A data set's label is one verdict; ten votes are a distribution, and they also tell how far people agree with one
another. That is the measure here: two people asked about the same face, and a network and a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emoscope.model.errors import DataError, RunError
from emoscope.model.evaluation.calibration import DEFAULT_BINS, Reliability, reliability
from emoscope.model.evaluation.label_errors import AgreementCurve, accuracy_by_agreement
from emoscope.model.evaluation.statistics import RESAMPLES, bootstrap_mean, percentile_interval
from emoscope.model.runs.predictions import Predictions
from emoscope.model.votes import vote_counts, vote_distribution


@dataclass(frozen=True, eq=False)
class VoteFigures:
    """A network's predictions beside people's votes.

    Attributes:
        n: Images of which at least half of the votes name one of the classes.
        clear: Those of them on which more than half of all people agree.
        accuracy: Share of these on which the network predicts what most people said, with the ends of its bootstrap
            95 % interval.
        person_accuracy: The same of one person against the majority of the others, as people vote.
        agreement: Probability that a person names the class that the network predicts.
        person_agreement: Probability that two people name the same class.
        best_agreement: Share of the most frequent vote: the highest possible agreement with people.
        divergence: Mean Kullback-Leibler divergence from the votes' distribution to the network's, in nats.
        brier: Mean squared distance from the votes' distribution, summed over the classes.
        person_brier: The same of one person's vote as a prediction of what the others say.
        reliability: Share of people who name the predicted class, by its confidence.
        recall: Of each class on the images on which most agree, NaN where there is none; shape (classes,).
        support: Images of each class on which most agree, int64, shape (classes,).
        by_agreement: Accuracy by the share of people that agree, over all n images.
    """

    n: int
    clear: int
    accuracy: tuple[float, float, float]
    person_accuracy: float
    agreement: float
    person_agreement: float
    best_agreement: float
    divergence: float
    brier: float
    person_brier: float
    reliability: Reliability
    recall: np.ndarray
    support: np.ndarray
    by_agreement: AgreementCurve

    def scalars(self) -> dict[str, float]:
        """Return the figures that are one number, as ``metrics.json`` holds them."""
        names = ("person_accuracy", "agreement", "person_agreement", "best_agreement", "divergence", "brier")
        return {name: getattr(self, name) for name in (*names, "person_brier")} | {"ece": self.reliability.ece}


def compare_with_votes(
    found: Predictions, class_names: Sequence[str], resamples: int = RESAMPLES, bins: int = DEFAULT_BINS
) -> VoteFigures:
    """Set predictions beside votes.

    Args:
        found: With votes.
        class_names: That the probabilities are of.
        resamples: Bootstrap replicates behind the intervals.
        bins: Of the reliability diagram.

    Raises:
        RunError: There are no votes, or none for the classes, or only predicted classes are known.
    """
    found.need_probabilities("A comparison with people's votes")
    if found.votes is None:
        raise RunError("These images have no votes.", "Evaluate the run on FER-2013 with FER+ votes.")
    try:
        shares, usable = vote_distribution(found.votes, class_names)
    except DataError as error:
        raise RunError(str(error)) from error
    if not usable.any():
        raise RunError("No image has enough votes for these classes.", "Evaluate the run on FER-2013 with FER+ votes.")
    shares, part = shares[usable].astype(np.float64), found.take(usable)
    assert part.votes is not None  # they were there before some images were left out
    counts, cast = vote_counts(part.votes, class_names), part.votes.sum(1).astype(np.float64)
    predicted, rows = part.probabilities.argmax(1), np.arange(len(shares))
    top, said = counts.argmax(1), counts.max(1)
    clear = 2 * said > cast
    right = (predicted == top)[clear]
    known = np.maximum(shares, 1e-12)
    return VoteFigures(
        n=len(shares),
        clear=int(clear.sum()),
        accuracy=_with_interval(right, resamples),
        person_accuracy=_person_accuracy(counts, cast),
        agreement=float(shares[rows, predicted].mean()),
        person_agreement=_person_agreement(counts),
        best_agreement=float(shares.max(1).mean()),
        divergence=float((shares * np.log(known / np.maximum(part.probabilities, 1e-7))).sum(1).mean()),
        brier=float(((part.probabilities - shares) ** 2).sum(1).mean()),
        person_brier=_person_brier(counts),
        reliability=reliability(shares, part.probabilities, bins),
        recall=_recall(predicted[clear], top[clear], len(class_names)),
        support=np.bincount(top[clear], minlength=len(class_names)),
        by_agreement=accuracy_by_agreement(_labelled(part, top), counts / cast[:, None], resamples=resamples),
    )


def _labelled(part: Predictions, top: np.ndarray) -> Predictions:
    return Predictions(part.index, part.pixel_hash, top, part.probabilities)


def _with_interval(right: np.ndarray, resamples: int) -> tuple[float, float, float]:
    if not len(right):
        return np.nan, np.nan, np.nan
    if not resamples:
        return float(right.mean()), np.nan, np.nan
    low, high = percentile_interval(bootstrap_mean(right.astype(np.float64), resamples, 0))
    return float(right.mean()), float(low), float(high)


def _person_accuracy(counts: np.ndarray, cast: np.ndarray) -> float:
    """Leave each person out: how often is what that one says what more than half of the others say?"""
    right = asked = 0.0
    for k in range(counts.shape[1]):
        others = counts.copy()
        others[:, k] -= 1
        clear = (counts[:, k] > 0) & (2 * others.max(1) > cast - 1)
        right += counts[clear & (others.argmax(1) == k), k].sum()
        asked += counts[clear, k].sum()
    return float(right / asked) if asked else float("nan")


def _person_agreement(counts: np.ndarray) -> float:
    """Draw two people without replacement from those who named one of the classes."""
    totals = counts.sum(1)
    several = totals > 1
    pairs = (counts * (counts - 1)).sum(1)[several] / (totals * (totals - 1))[several]
    return float(pairs.mean()) if several.any() else float("nan")


def _person_brier(counts: np.ndarray) -> float:
    """Leave each person out: the squared distance of that one's vote from the distribution of the others'."""
    totals = counts.sum(1)
    counts, totals = counts[totals > 1], totals[totals > 1]
    if not len(counts):
        return float("nan")
    distance = np.zeros(len(counts))
    for k in range(counts.shape[1]):
        others = (counts - np.eye(counts.shape[1])[k]) / (totals - 1)[:, None]
        distance += counts[:, k] * ((np.eye(counts.shape[1])[k] - others) ** 2).sum(1)
    return float((distance / totals).mean())


def _recall(predicted: np.ndarray, top: np.ndarray, classes: int) -> np.ndarray:
    support = np.bincount(top, minlength=classes)
    hits = np.bincount(top[predicted == top], minlength=classes)
    return np.divide(hits, support, out=np.full(classes, np.nan), where=support > 0)
