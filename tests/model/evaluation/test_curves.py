"""Curves against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emoscope.model.evaluation.curves import coverage_curve, precision_recall_curve, roc_curve
from emoscope.model.runs.predictions import Predictions


def test_curves_agree_with_scikit_learn_on_every_class(some_predictions: Predictions) -> None:
    from sklearn import metrics as oracle

    for k in range(some_predictions.probabilities.shape[1]):
        is_class, score = some_predictions.label == k, some_predictions.probabilities[:, k]
        roc = roc_curve(is_class, score)
        fpr, tpr, thresholds = oracle.roc_curve(is_class, score)
        np.testing.assert_allclose(roc.false_positive_rate, fpr)
        np.testing.assert_allclose(roc.true_positive_rate, tpr)
        np.testing.assert_allclose(roc.thresholds, thresholds)
        assert roc.area == pytest.approx(oracle.roc_auc_score(is_class, score))
        pr = precision_recall_curve(is_class, score)
        precision, recall, thresholds = oracle.precision_recall_curve(is_class, score)
        np.testing.assert_allclose(pr.precision, precision[::-1])
        np.testing.assert_allclose(pr.recall, recall[::-1])
        np.testing.assert_allclose(pr.thresholds[1:], thresholds[::-1])
        assert pr.average_precision == pytest.approx(oracle.average_precision_score(is_class, score))
        assert pr.prevalence == is_class.mean()


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 12), st.integers(0, 10_000))
def test_areas_agree_with_scikit_learn_with_ties(n: int, seed: int) -> None:
    from sklearn import metrics as oracle

    rng = np.random.default_rng(seed)
    is_class, score = rng.random(n) < 0.5, rng.integers(0, 4, n) / 4
    if 0 < is_class.sum() < n:
        assert roc_curve(is_class, score).area == pytest.approx(oracle.roc_auc_score(is_class, score))
    if is_class.any():
        expected = oracle.average_precision_score(is_class, score)
        assert precision_recall_curve(is_class, score).average_precision == pytest.approx(expected)


@pytest.mark.parametrize("is_class", [[False, False], [True, True], [False]])
def test_class_without_samples_or_with_all_of_them_has_no_roc_area(is_class: list[bool]) -> None:
    found = np.array(is_class)
    assert np.isnan(roc_curve(found, np.linspace(0.2, 0.8, len(found))).area)
    average = precision_recall_curve(found, np.linspace(0.2, 0.8, len(found))).average_precision
    assert average == 1.0 if found.any() else np.isnan(average)


def test_coverage_agrees_with_counting(some_predictions: Predictions) -> None:
    label, probabilities = some_predictions.label, some_predictions.probabilities
    confidence, right = probabilities.max(1), probabilities.argmax(1) == label
    curve = coverage_curve(label, probabilities)
    assert curve.coverage[-1] == 1 and curve.accuracy[-1] == pytest.approx(right.mean())
    for threshold in (0.0, 0.3, 0.5, 0.8, float(confidence[5])):
        answered = confidence >= np.float32(threshold)
        coverage, accuracy = curve.at_threshold(threshold)
        assert coverage == pytest.approx(answered.mean())
        assert accuracy == pytest.approx(right[answered].mean() if answered.any() else np.nan, nan_ok=True)


def test_threshold_above_every_confidence_answers_nothing() -> None:
    coverage, accuracy = coverage_curve(np.array([0]), np.array([[0.6, 0.4]])).at_threshold(0.9)
    assert coverage == 0 and np.isnan(accuracy)
