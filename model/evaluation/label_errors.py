"""Which mistakes are the network's, and which labels are probably wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emoscope.model.dataset import Dataset
from emoscope.model.emotions import emotion_key
from emoscope.model.evaluation.metrics import confusion_counts
from emoscope.model.evaluation.statistics import RESAMPLES, percentile_interval, resample_counts
from emoscope.model.runs.predictions import Predictions
from emoscope.model.splits import images_of

AGREEMENT_EDGES = (0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True, eq=False)
class Suspects:
    """Samples whose label is probably wrong.

    Attributes:
        position: In the predictions' arrays, int64, shape (K,), the likeliest error first.
        suggested: Class that the network (and the annotators, where there are votes) prefer, int64, shape (K,).
        score: Probability of the suggested class minus that of the label, shape (K,).
        votes_for_label, votes_for_suggested: Share of the annotators' votes, shape (K,); NaN without votes.
    """

    position: np.ndarray
    suggested: np.ndarray
    score: np.ndarray
    votes_for_label: np.ndarray
    votes_for_suggested: np.ndarray


@dataclass(frozen=True, eq=False)
class AgreementCurve:
    """Accuracy where annotators agree more or less.

    Attributes:
        low, high: Ends of each group's share of votes for the top emotion, shape (K,).
        n: Samples per group.
        accuracy: NaN where a group is empty.
        accuracy_low, accuracy_high: Ends of the bootstrap 95 % interval.
    """

    low: np.ndarray
    high: np.ndarray
    n: np.ndarray
    accuracy: np.ndarray
    accuracy_low: np.ndarray
    accuracy_high: np.ndarray


def confident_mistakes(predictions: Predictions) -> np.ndarray:
    """Return the positions of all mistakes, the most confident first, int64."""
    wrong = np.flatnonzero(predictions.probabilities.argmax(1) != predictions.label)
    return wrong[np.argsort(-predictions.probabilities[wrong].max(1), kind="stable")]


def votes_of(dataset: Dataset, split: str, found: Predictions) -> np.ndarray | None:
    """Return the annotators' votes on each prediction's image: float32, shape (N, 10), zeros where it is not found.

    Returns:
        None where the copy has no votes on this split, or holds other images.
    """
    own = dataset.splits.get(images_of(split))
    if own is None or own.votes is None or not len(own):
        return None
    index = np.clip(found.index, 0, len(own) - 1)
    same = own.pixel_hash[index] == found.pixel_hash
    return np.where(same[:, None], own.votes[index], 0).astype(np.float32) if same.any() else None


def vote_shares(votes: np.ndarray, vote_names: Sequence[str], class_names: Sequence[str]) -> np.ndarray:
    """Return the share of each sample's votes that each class got.

    Args:
        votes: Counts, shape (N, V).
        vote_names: The V columns, in FER+'s words or any other known to :func:`emotion_key`.
        class_names: The C classes; one that is no column gets 0.

    Returns:
        float64, shape (N, C); rows sum to 1 or less (votes for other columns), NaN where there are no votes at all.
    """
    columns = {emotion_key(name): i for i, name in enumerate(vote_names)}
    totals = votes.sum(1, dtype=np.float64)
    shares = np.zeros((len(votes), len(class_names)))
    for i, name in enumerate(class_names):
        if emotion_key(name) in columns:
            shares[:, i] = votes[:, columns[emotion_key(name)]]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(totals[:, None] > 0, shares / totals[:, None], np.nan)


def likely_label_errors(predictions: Predictions, shares: np.ndarray | None = None) -> Suspects:
    """Find samples whose label is probably wrong.

    By the network alone: confident learning. A sample is suspected when the network prefers another class with at least
    the mean probability that it gives that class on the samples labelled so. With annotators' votes, a sample is
    suspected when the network and the annotators' top choice name the same other class; network and people err
    independently, so that list is far purer.

    Args:
        predictions: Of networks that did not train on these samples.
        shares: Votes by class from :func:`vote_shares`, shape (N, C), or None.

    Source: Northcutt, Jiang, Chuang, Journal of Artificial Intelligence Research 70, 2021 (arXiv 1911.00068).
    """
    label, probabilities = predictions.label, predictions.probabilities.astype(np.float64)
    rows = np.arange(len(label))
    predicted = probabilities.argmax(1)
    own = probabilities[rows, label]
    nothing = np.full(len(label), np.nan)
    if shares is None:
        counts = np.bincount(label, minlength=probabilities.shape[1])
        sums = np.bincount(label, own, probabilities.shape[1])
        expected = np.divide(sums, counts, out=np.ones_like(sums), where=counts > 0)
        sure = np.where(probabilities >= expected, probabilities, -1.0)
        suggested = sure.argmax(1)
        suspected = (sure[rows, suggested] >= 0) & (suggested != label) & (predicted != label)
        for_label = for_suggested = nothing
    else:
        suggested = predicted
        votes = np.nan_to_num(shares)
        for_label, for_suggested = votes[rows, label], votes[rows, suggested]
        suspected = (suggested != label) & (for_suggested > for_label) & (votes.argmax(1) == suggested)
    score = probabilities[rows, suggested] - own
    position = np.flatnonzero(suspected)
    weight = score if shares is None else score + for_suggested - for_label
    position = position[np.argsort(-weight[position], kind="stable")]
    return Suspects(position, suggested[position], score[position], for_label[position], for_suggested[position])


def accuracy_by_agreement(
    predictions: Predictions, shares: np.ndarray, edges: Sequence[float] = AGREEMENT_EDGES, resamples: int = RESAMPLES
) -> AgreementCurve:
    """Group samples by how far annotators agree, and score each group.

    Args:
        predictions: Of one split.
        shares: Votes by class, shape (N, C), from :func:`vote_shares`; the agreement is a row's maximum.
        edges: Of the groups; each is open below and closed above.
        resamples: Bootstrap replicates behind the intervals.
    """
    agreement = np.nan_to_num(shares, nan=-1.0).max(1)
    right = predictions.probabilities.argmax(1) == predictions.label
    low, high = np.array(edges[:-1]), np.array(edges[1:])
    group = np.searchsorted(np.array(edges), agreement - 1e-9, side="right") - 1
    n = np.array([(group == k).sum() for k in range(len(low))])
    hits = np.array([(right & (group == k)).sum() for k in range(len(low))])
    accuracy = np.divide(hits, n, out=np.full(len(n), np.nan), where=n > 0)
    ends = [
        percentile_interval(resample_counts(np.array([h, total - h]), resamples)[:, 0] / max(total, 1))
        if total
        else (np.nan, np.nan)
        for h, total in zip(hits, n, strict=True)
    ]
    return AgreementCurve(low, high, n, accuracy, np.array([e[0] for e in ends]), np.array([e[1] for e in ends]))


def disagreement_matrix(label: np.ndarray, other: np.ndarray, classes: int, other_classes: int) -> np.ndarray:
    """Count samples by one label (row) and another (column), e.g. FER and FER+: int64, shape (classes, other_classes).

    Samples whose other label is negative (none could be derived) are left out.
    """
    known = other >= 0
    return confusion_counts(label[known], other[known], classes, other_classes)
