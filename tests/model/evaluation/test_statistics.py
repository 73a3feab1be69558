"""Tests against SciPy and against enumeration of every possible resample."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emoscope.model.evaluation.statistics import (
    bootstrap_mean,
    holm,
    mcnemar,
    percentile_interval,
    resample_counts,
    resample_sums,
)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_agrees_with_scipy(only_a: int, only_b: int) -> None:
    from scipy.stats import binomtest, chi2

    test = mcnemar(only_a, only_b)
    n = only_a + only_b
    assert test.p_exact == pytest.approx(binomtest(only_a, n).pvalue if n else 1.0)
    statistic = max(abs(only_a - only_b) - 1, 0) ** 2 / n if n else 0.0
    assert test.chi2 == pytest.approx(statistic)
    assert test.p_chi2 == pytest.approx(chi2.sf(statistic, 1))


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 5), (2, 3), (4, 1), (3, 3)])
def test_mcnemar_agrees_with_enumerating_every_outcome(only_a: int, only_b: int) -> None:
    n = only_a + only_b
    as_far = [abs(sum(sides) - n / 2) >= abs(only_a - n / 2) for sides in product((0, 1), repeat=n)]
    assert mcnemar(only_a, only_b).p_exact == pytest.approx(np.mean(as_far))


def test_mcnemar_stays_exact_with_many_samples() -> None:
    from scipy.stats import binomtest

    assert mcnemar(12_770, 13_270).p_exact == pytest.approx(binomtest(12_770, 26_040).pvalue, rel=1e-9)
    assert mcnemar(100, 30_000).p_exact == 0.0


def test_resampled_counts_are_those_of_drawing_samples() -> None:
    samples = np.array([0, 0, 1, 3])
    expected = {}
    for drawn in product(samples, repeat=4):  # all 256 equally likely resamples
        counts = tuple(np.bincount(drawn, minlength=4))
        expected[counts] = expected.get(counts, 0) + 1 / 256
    drawn = resample_counts(np.bincount(samples, minlength=4), resamples=40_000, seed=2)
    found, times = np.unique(drawn, axis=0, return_counts=True)
    assert {tuple(row) for row in found.tolist()} == set(expected)
    for row, count in zip(found.tolist(), times, strict=True):
        assert count / 40_000 == pytest.approx(expected[tuple(row)], abs=0.008)


def test_bootstrap_mean_agrees_with_enumerating_every_resample() -> None:
    values = np.array([0.0, 0.1, 0.5, 4.0])
    every = np.array([np.mean(drawn) for drawn in product(values, repeat=4)])
    found = bootstrap_mean(values, resamples=40_000)
    for share in (2.5, 25, 50, 75, 97.5):
        assert np.percentile(found, share) == pytest.approx(np.percentile(every, share), abs=0.03)


def test_bootstrap_mean_of_many_values_agrees_with_drawing_them() -> None:
    rng = np.random.default_rng(0)
    values = rng.exponential(size=3589)
    plain = values[rng.integers(0, 3589, (2000, 3589))].mean(1)
    found = bootstrap_mean(values, resamples=2000)
    assert found.std() == pytest.approx(plain.std(), rel=0.08)
    assert percentile_interval(found) == pytest.approx(percentile_interval(plain), abs=0.004)


def test_resampled_sums_have_the_moments_of_drawn_samples() -> None:
    rng = np.random.default_rng(3)
    values, cells = rng.normal(2, 1, 500), rng.integers(0, 3, 500)
    counts, sums = resample_sums(values, cells, 4, resamples=4000)
    assert (counts.sum(1) == 500).all()
    assert (counts[:, 3] == 0).all() and (sums[:, 3] == 0).all()
    drawn = rng.integers(0, 500, (4000, 500))
    plain = np.stack([np.where(cells[drawn] == k, values[drawn], 0).sum(1) for k in range(3)], 1)
    np.testing.assert_allclose(sums[:, :3].mean(0), plain.mean(0), rtol=0.01)
    np.testing.assert_allclose(sums[:, :3].std(0), plain.std(0), rtol=0.08)


def test_interval_ignores_undefined_replicates() -> None:
    assert percentile_interval(np.array([1.0, np.nan, 1.0])) == (1.0, 1.0)
    assert np.isnan(percentile_interval(np.array([np.nan]))).all()


def test_holm_corrects_for_the_number_of_tests() -> None:
    """The example of Holm's step-down: each p times the number of tests left, never below the one before."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0] and holm([]) == []
