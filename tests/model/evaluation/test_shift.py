import numpy as np
import pytest

from emoscope.model.evaluation.shift import estimate_priors, prior_shift, with_priors
from emoscope.model.runs.predictions import Predictions


def world(priors, n, seed):
    """Draw labels by priors, a noisy measurement of each, and the probabilities of a classifier for equal priors."""
    random = np.random.default_rng(seed)
    label = random.choice(3, n, p=priors)
    seen = np.array([0.0, 1.5, 3.0])[label] + random.normal(0, 1, n)
    likelihood = np.exp(-0.5 * (seen[:, None] - np.array([0.0, 1.5, 3.0])) ** 2)
    probabilities = (likelihood / likelihood.sum(1, keepdims=True)).astype(np.float32)
    return Predictions(np.arange(n), np.arange(n, dtype=np.uint64), label, probabilities)


EQUAL = np.full(3, 1 / 3)


def test_shares_of_classes_are_estimated_without_labels():
    found = world((0.7, 0.2, 0.1), 20_000, 1)
    assert estimate_priors(found.probabilities, EQUAL) == pytest.approx((0.7, 0.2, 0.1), abs=0.02)


def test_who_is_told_the_shares_predicts_better():
    own, found = world(EQUAL, 20_000, 0), world((0.8, 0.1, 0.1), 20_000, 1)
    shift = prior_shift(own.probabilities, found)
    assert shift.learned == pytest.approx(EQUAL, abs=0.02)
    assert shift.accuracy + 0.05 < shift.accuracy_known
    assert shift.accuracy_estimated == pytest.approx(shift.accuracy_known, abs=0.01)
    assert shift.balanced > shift.balanced_known, "rare classes pay for it"


def test_the_same_shares_change_nothing():
    found = world(EQUAL, 100, 0)
    np.testing.assert_allclose(with_priors(found.probabilities, EQUAL, EQUAL), found.probabilities, atol=1e-6)
