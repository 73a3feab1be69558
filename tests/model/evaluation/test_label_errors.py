"""Mistakes of the network and mistakes of the label, on samples whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from emoscope.model.dataset import VOTE_NAMES
from emoscope.model.evaluation.label_errors import (
    accuracy_by_agreement,
    confident_mistakes,
    disagreement_matrix,
    likely_label_errors,
    vote_shares,
)
from emoscope.model.runs.predictions import Predictions
from tests.factories import FER7, make_predictions


def with_wrong_labels(share: float = 0.05) -> tuple[Predictions, np.ndarray, np.ndarray]:
    """Return predictions with some labels replaced, where they are, and the true labels."""
    p = make_predictions(2000, accuracy=0.85, sharpness=1.5)
    rng = np.random.default_rng(0)
    truth = p.label.copy()
    spoiled = rng.random(2000) < share
    label = np.where(spoiled, (truth + rng.integers(1, 7, 2000)) % 7, truth)
    return Predictions(p.index, p.pixel_hash, label, p.probabilities), spoiled, truth


def test_confident_mistakes_are_all_mistakes_surest_first() -> None:
    p = make_predictions(500)
    wrong = confident_mistakes(p)
    assert set(wrong) == set(np.flatnonzero(p.probabilities.argmax(1) != p.label))
    assert (np.diff(p.probabilities[wrong].max(1)) <= 0).all()


def test_wrong_labels_are_found_from_the_network_alone() -> None:
    p, spoiled, truth = with_wrong_labels()
    found = likely_label_errors(p)
    first = found.position[:50]
    assert spoiled[first].mean() > 0.6  # by chance 0.05
    assert (found.suggested[:50] == truth[first]).mean() > 0.6
    assert np.isnan(found.votes_for_label).all()
    assert (found.score > 0).all()


def test_votes_tell_wrong_labels_from_mistakes_of_the_network() -> None:
    p, spoiled, truth = with_wrong_labels()
    votes = np.random.default_rng(1).multinomial(10, np.eye(7)[truth] * 0.65 + 0.05)
    found = likely_label_errors(p, votes / 10)
    assert spoiled[found.position].mean() > 0.9
    assert (found.votes_for_suggested > found.votes_for_label).all()
    assert spoiled[found.position].sum() > 0.7 * spoiled.sum()


def test_perfect_predictions_raise_no_suspicion() -> None:
    label = np.arange(7)
    p = Predictions(label, label.astype(np.uint64), label, np.eye(7, dtype=np.float32))
    assert len(likely_label_errors(p).position) == len(confident_mistakes(p)) == 0


def test_vote_shares_follow_the_class_names_whatever_they_are_called() -> None:
    votes = np.zeros((3, 10))
    votes[0, VOTE_NAMES.index("anger")] = 6
    votes[0, VOTE_NAMES.index("contempt")] = 4
    votes[1, VOTE_NAMES.index("NF")] = 10
    shares = vote_shares(votes, VOTE_NAMES, FER7)
    assert shares[0].tolist() == [0.6, 0, 0, 0, 0, 0, 0]
    assert shares[1].tolist() == [0] * 7
    assert np.isnan(shares[2]).all()
    assert vote_shares(votes, VOTE_NAMES, ("Contempt", "Anger", "bored"))[0].tolist() == [0.4, 0.6, 0]


def test_accuracy_by_agreement_counts_every_voted_sample_once() -> None:
    p = make_predictions(1000)
    shares = np.random.default_rng(0).dirichlet([0.6] * 7, 1000)
    shares[:5] = np.nan
    shares[5] = np.eye(7)[0]  # full agreement belongs to the last group
    curve = accuracy_by_agreement(p, shares)
    assert curve.n.sum() == 995
    right, top = p.probabilities.argmax(1) == p.label, np.nan_to_num(shares, nan=-1).max(1)
    for k in range(len(curve.n)):
        inside = (top > curve.low[k]) & (top <= curve.high[k])
        assert curve.n[k] == inside.sum()
        if inside.any():
            assert curve.accuracy[k] == pytest.approx(right[inside].mean())
            assert curve.accuracy_low[k] <= curve.accuracy[k] <= curve.accuracy_high[k]
        else:
            assert np.isnan(curve.accuracy[k])


def test_disagreement_matrix_leaves_out_samples_without_the_other_label() -> None:
    matrix = disagreement_matrix(np.array([0, 0, 1, 1]), np.array([2, -1, 0, 0]), 2, 3)
    assert matrix.tolist() == [[0, 0, 1], [2, 0, 0]]
