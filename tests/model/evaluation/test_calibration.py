"""Calibration against definitions, SciPy's minimiser and scikit-learn's binning."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emoscope.model.errors import RunError
from emoscope.model.evaluation.calibration import (
    abstention_threshold,
    apply_temperature,
    calibrate_run,
    expected_calibration_error,
    fit_temperature,
    reliability,
    temperature_effect,
)
from emoscope.model.runs.predictions import Predictions
from emoscope.model.runs.run import load_run
from tests.factories import make_predictions, write_run


def test_ece_agrees_with_its_definition(some_predictions: Predictions) -> None:
    label, probabilities = some_predictions.label, some_predictions.probabilities
    confidence, right = probabilities.max(1).astype(float), probabilities.argmax(1) == label
    expected = 0.0
    for k in range(15):
        inside = (confidence > k / 15) & (confidence <= (k + 1) / 15)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert expected_calibration_error(label, probabilities) == pytest.approx(expected)


def test_reliability_agrees_with_scikit_learn(some_predictions: Predictions) -> None:
    from sklearn.calibration import calibration_curve

    label, probabilities = some_predictions.label, some_predictions.probabilities
    right = probabilities.argmax(1) == label
    accuracy, confidence = calibration_curve(right, probabilities.max(1), n_bins=10)
    diagram = reliability(label, probabilities, bins=10)
    filled = diagram.count > 0
    np.testing.assert_allclose(diagram.accuracy[filled], accuracy)
    np.testing.assert_allclose(diagram.confidence[filled], confidence, rtol=1e-6)
    assert diagram.count.sum() == len(label)


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
def test_temperature_is_scipys_minimum_of_log_loss(sharpness: float) -> None:
    from scipy.optimize import minimize_scalar
    from sklearn.metrics import log_loss

    p = make_predictions(1500, sharpness=sharpness)

    def loss(log_temperature: float) -> float:
        scaled = apply_temperature(p.probabilities, float(np.exp(log_temperature)))
        return float(log_loss(p.label, scaled, labels=range(7)))

    best = minimize_scalar(loss, bounds=(-3, 3), method="bounded")
    assert fit_temperature(p.label, p.probabilities) == pytest.approx(np.exp(best.x), rel=2e-3)


def test_temperature_of_an_overconfident_network_is_above_one_and_helps() -> None:
    found = make_predictions(3589, sharpness=3.0)
    effect = temperature_effect(found.label, found.probabilities)
    assert effect["temperature"] > 1.5
    assert effect["log_loss_after"] < effect["log_loss_before"]
    assert effect["ece_after"] < effect["ece_before"]


def test_temperature_is_that_of_the_logits() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (20, 5))
    softmax = lambda z: np.exp(z) / np.exp(z).sum(1, keepdims=True)  # noqa: E731
    np.testing.assert_allclose(apply_temperature(softmax(logits), 2.5), softmax(logits / 2.5), atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.integers(2, 5), st.floats(0.05, 20), st.integers(0, 1000))
def test_any_temperature_gives_probabilities_in_the_same_order(n: int, classes: int, t: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet([0.3] * classes, n).astype(np.float32)
    probabilities[0] = np.eye(classes)[0]  # hard zeros stay finite
    scaled = apply_temperature(probabilities, t)
    np.testing.assert_allclose(scaled.sum(1), 1, atol=1e-5)
    # one that was top stays top, unless float32 no longer tells them apart
    assert (scaled.max(1) - scaled[np.arange(n), probabilities.argmax(1)] <= 1e-6).all()
    assert 0.049 < fit_temperature(np.zeros(n, np.int64), probabilities) < 20.1


def test_answers_above_the_threshold_are_right_often_enough_with_a_margin() -> None:
    from scipy.stats import binomtest

    p = make_predictions(3000, sharpness=2.0)
    threshold = abstention_threshold(p.label, p.probabilities)
    assert threshold is not None
    confidence, right = p.probabilities.max(1), p.probabilities.argmax(1) == p.label

    def lower_end(limit: float) -> float:
        answered = confidence >= limit
        interval = binomtest(int(right[answered].sum()), int(answered.sum())).proportion_ci(method="wilson")
        return float(interval.low)

    assert lower_end(threshold) >= 0.9
    assert all(lower_end(limit) < 0.9 for limit in np.unique(confidence[confidence < threshold]))


def test_a_network_that_guesses_has_no_threshold() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(7), 500).astype(np.float32)
    assert abstention_threshold(rng.integers(0, 7, 500), probabilities) is None


def test_calibration_is_fitted_on_validation_and_stored(tmp_path) -> None:
    run = write_run(tmp_path, "a", n=800, sharpness=2.0)
    result = calibrate_run(run)
    assert result["split"] == "PublicTest"
    assert load_run(run.path).calibration == result
    assert set(result) == {
        "split", "temperature", "n", "log_loss_before", "log_loss_after", "ece_before", "ece_after", "abstain_below"
    }  # fmt: skip


def test_run_without_validation_cannot_be_calibrated(tmp_path) -> None:
    run = write_run(tmp_path, "a", n=20, splits=("PrivateTest",))
    with pytest.raises(RunError, match="no predictions on a validation split"):
        calibrate_run(run)


def test_against_shares_of_votes_a_network_that_knows_them_is_calibrated():
    shares = np.random.default_rng(0).dirichlet(np.full(7, 0.4), 3000).astype(np.float32)
    sure = shares**2 / (shares**2).sum(1, keepdims=True)
    effect = temperature_effect(shares, sure)
    assert effect["temperature"] == pytest.approx(2, abs=0.01)
    assert effect["ece_before"] > 0.05 > 0.001 > effect["ece_after"]
    assert effect["log_loss_after"] < effect["log_loss_before"]
