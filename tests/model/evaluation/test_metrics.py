"""Every figure against scikit-learn on the same predictions, and its interval against the plain bootstrap."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emoscope.model.evaluation.metrics import SCALARS, compute_metrics, label_rank
from emoscope.model.runs.predictions import Predictions
from tests.factories import FER7, make_predictions


def predictions_of(label: list[int], probabilities: list[list[float]]) -> Predictions:
    n = len(label)
    return Predictions(
        np.arange(n), np.arange(n, dtype=np.uint64), np.array(label), np.array(probabilities, np.float32)
    )


def test_figures_agree_with_scikit_learn(some_predictions: Predictions) -> None:
    from sklearn import metrics as oracle

    p = some_predictions
    predicted = p.probabilities.argmax(1)
    result = compute_metrics(p, FER7, resamples=0)
    assert result["n"] == len(p.label)
    assert result["accuracy"] == pytest.approx(oracle.accuracy_score(p.label, predicted))
    assert result["macro_f1"] == pytest.approx(oracle.f1_score(p.label, predicted, average="macro"))
    assert result["balanced_accuracy"] == pytest.approx(oracle.balanced_accuracy_score(p.label, predicted))
    assert result["top2"] == pytest.approx(oracle.top_k_accuracy_score(p.label, p.probabilities, k=2, labels=range(7)))
    assert result["log_loss"] == pytest.approx(oracle.log_loss(p.label, p.probabilities, labels=range(7)), rel=1e-5)
    assert result["confusion"] == oracle.confusion_matrix(p.label, predicted, labels=range(7)).tolist()
    by_class = oracle.precision_recall_fscore_support(p.label, predicted, labels=range(7), zero_division=0)
    for name, expected in zip(("precision", "recall", "f1", "support"), by_class, strict=True):
        assert [row[name] for row in result["per_class"]] == pytest.approx(expected.tolist())


def test_intervals_agree_with_the_plain_bootstrap(some_predictions: Predictions) -> None:
    p, n = some_predictions, len(some_predictions.label)
    rng = np.random.default_rng(1)
    replicates = []
    for _ in range(400):
        drawn = rng.integers(0, n, n)
        sample = Predictions(p.index[drawn], p.pixel_hash[drawn], p.label[drawn], p.probabilities[drawn])
        figures = compute_metrics(sample, FER7, resamples=0)
        replicates.append([*(figures[name] for name in SCALARS), figures["per_class"][3]["f1"]])
    drawn_figures = np.array(replicates)
    ece = SCALARS.index("ece")  # whose plain replicates lie too high by what noise adds to every bin's gap
    drawn_figures[:, ece] += compute_metrics(p, FER7, resamples=0)["ece"] - drawn_figures[:, ece].mean()
    low, high = np.percentile(drawn_figures, [2.5, 97.5], axis=0)
    result = compute_metrics(p, FER7, resamples=4000)
    found = [*(result["intervals"][name] for name in SCALARS), result["per_class"][3]["intervals"]["f1"]]
    tolerance = 0.12 * (high - low) + 1e-9  # Monte-Carlo error of an end from 400 replicates is about 5 % of the width
    np.testing.assert_array_less(np.abs(np.array(found)[:, 0] - low), tolerance)
    np.testing.assert_array_less(np.abs(np.array(found)[:, 1] - high), tolerance)


def test_interval_of_a_small_calibration_error_holds_it() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet([0.5] * 7, 3589).astype(np.float32)
    label = (probabilities.cumsum(1) < rng.random((3589, 1))).sum(1).clip(0, 6)  # as often right as it says
    result = compute_metrics(Predictions(label, label.astype(np.uint64), label, probabilities), FER7)
    low, high = result["intervals"]["ece"]
    assert 0 <= low < result["ece"] < high < 0.05


def test_result_is_json() -> None:
    result = compute_metrics(make_predictions(50), FER7)
    assert json.loads(json.dumps(result)) == result


def test_same_seed_gives_same_intervals() -> None:
    p = make_predictions(200)
    assert compute_metrics(p, FER7) == compute_metrics(p, FER7)
    assert compute_metrics(p, FER7)["intervals"] != compute_metrics(p, FER7, seed=1)["intervals"]


def test_ties_rank_by_class_index_as_argmax_does() -> None:
    probabilities = np.array([[0.25, 0.25, 0.25, 0.25]] * 4)
    assert label_rank(np.arange(4), probabilities).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("label", "probabilities", "accuracy"),
    [
        ([0], [[0.9, 0.1]], 1.0),
        ([0], [[0.1, 0.9]], 0.0),
        ([1, 1], [[0.0, 1.0]] * 2, 1.0),
        ([0, 0], [[0.0, 1.0]] * 2, 0.0),
    ],
    ids=["one right", "one wrong", "all right, a class without samples", "all wrong, a class never predicted"],
)
def test_degenerate_splits(label: list[int], probabilities: list[list[float]], accuracy: float) -> None:
    result = compute_metrics(predictions_of(label, probabilities), ("a", "b"))
    assert result["accuracy"] == accuracy
    assert result["intervals"]["accuracy"] == [accuracy, accuracy]
    assert np.isfinite([result[name] for name in SCALARS]).all()
    assert result["top2"] == 1.0


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(2, 5), st.integers(0, 10_000))
def test_any_small_split_agrees_with_scikit_learn(n: int, classes: int, seed: int) -> None:
    from sklearn import metrics as oracle

    rng = np.random.default_rng(seed)
    p = predictions_of(rng.integers(0, classes, n).tolist(), rng.dirichlet([0.5] * classes, n).tolist())
    predicted = p.probabilities.argmax(1)
    result = compute_metrics(p, [str(i) for i in range(classes)], resamples=50)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert result["macro_f1"] == pytest.approx(
            oracle.f1_score(p.label, predicted, average="macro", zero_division=0)
        )
        assert result["balanced_accuracy"] == pytest.approx(oracle.balanced_accuracy_score(p.label, predicted))
    for name in SCALARS:
        low, high = result["intervals"][name]
        assert low <= high
        assert np.isfinite([low, high]).all()
