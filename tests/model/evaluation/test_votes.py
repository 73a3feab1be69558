import numpy as np
import pytest

from emoscope.model.errors import RunError
from emoscope.model.evaluation.votes import compare_with_votes
from emoscope.model.runs.predictions import Predictions
from emoscope.model.votes import VOTE_NAMES
from tests.factories import FER7

COLUMNS = [
    VOTE_NAMES.index(name) for name in ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
]


def predictions(probabilities, counts):
    n = len(probabilities)
    votes = np.zeros((n, len(VOTE_NAMES)), np.uint8)
    votes[:, COLUMNS] = counts
    zeros = np.zeros(n, np.int64)
    return Predictions(np.arange(n), zeros.astype(np.uint64), zeros, np.array(probabilities, np.float32), votes)


def drawn(n=400, people=10, seed=0):
    """People who vote at random by a distribution of each image, and a network that knows it."""
    random = np.random.default_rng(seed)
    truth = random.dirichlet(np.full(7, 0.3), n)
    return truth, np.array([random.multinomial(people, row) for row in truth])


def test_a_network_that_says_what_the_votes_are_is_perfect():
    _, counts = drawn()
    found = compare_with_votes(predictions(counts / 10, counts), FER7, resamples=50)
    assert found.accuracy[0] == 1 and found.brier == pytest.approx(0, abs=1e-9)
    assert found.divergence == pytest.approx(0, abs=1e-6)
    assert found.agreement == pytest.approx(found.best_agreement)
    assert found.reliability.ece == pytest.approx(0, abs=1e-6)
    assert np.nanmin(found.recall) == 1 and found.support.sum() == found.clear


def test_people_are_measured_by_leaving_each_out():
    counts = [[6, 4, 0, 0, 0, 0, 0], [0, 0, 0, 10, 0, 0, 0]]
    found = compare_with_votes(predictions([[0.6, 0.4, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0, 0]], counts), FER7)
    # Two people of ten: both of the six or both of the four, of 45 pairs; and all pairs of the second image.
    assert found.person_agreement == pytest.approx(((15 + 6) / 45 + 1) / 2)
    # Without one of the six, five of nine agree with that one; without one of the four, six of nine do not.
    assert found.person_accuracy == pytest.approx((6 + 0 + 10) / 20)
    first = (6 * ((1 - 5 / 9) ** 2 + (4 / 9) ** 2) + 4 * ((6 / 9) ** 2 + (1 - 3 / 9) ** 2)) / 10
    assert found.person_brier == pytest.approx(first / 2)


def test_confidence_is_held_against_the_share_of_people():
    truth, counts = drawn(4000)
    honest = compare_with_votes(predictions(truth, counts), FER7, resamples=0)
    sure = truth**3 / (truth**3).sum(1, keepdims=True)
    assert honest.reliability.ece < 0.02 < 0.1 < compare_with_votes(predictions(sure, counts), FER7, 0).reliability.ece


def test_images_that_most_people_cannot_name_are_left_out():
    counts = np.array([[6, 4, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0, 0]])
    given = predictions(np.full((2, 7), 1 / 7), counts)
    given.votes[1, VOTE_NAMES.index("unknown")] = 8
    found = compare_with_votes(given, FER7, resamples=0)
    assert (found.n, found.clear) == (1, 1)


def test_without_votes_there_is_a_sentence():
    given = predictions(np.full((1, 7), 1 / 7), [[0] * 7])
    with pytest.raises(RunError, match="enough votes"):
        compare_with_votes(given, FER7)
    with pytest.raises(RunError, match="These images have no votes"):
        compare_with_votes(Predictions(given.index, given.pixel_hash, given.label, given.probabilities), FER7)
