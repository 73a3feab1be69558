"""Intervals and tests for figures measured on a finite sample, resampled without a loop over samples.

A bootstrap draws n of n samples with replacement. A figure that depends on the samples only through a few counts (a
confusion matrix) can be resampled exactly by drawing those counts: drawing n samples and counting them by cell is
drawing one multinomial vector. That makes 1,000 resamples of 100,000 samples a matter of milliseconds.

Figures that are means of a continuous value (log loss, the confidence within a calibration bin) are grouped into cells
of near-equal value; counts are multinomial, and the sum within a cell of count k is drawn normal with the mean and
variance of k draws from that cell. With one sample per cell that is exactly the plain bootstrap.

Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993 (percentile interval, chapter 13).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import erfc, sqrt

import numpy as np

RESAMPLES = 1000
CONFIDENCE = 0.95
_MOST_DRAWN = 8 << 20
"""Counts that are drawn at once: 64 MB."""


def resample_counts(counts: np.ndarray, resamples: int = RESAMPLES, seed: int = 0) -> np.ndarray:
    """Draw bootstrap replicates of counts by cell.

    Args:
        counts: Non-negative integers, any shape; their sum n is the sample size.
        resamples: Number of replicates B.
        seed: Of the draw; the same seed gives the same replicates.

    Returns:
        int64, shape (B, *counts.shape), each replicate summing to n.
    """
    counts = np.asarray(counts, np.int64)
    return np.concatenate(list(resample_in_parts(counts, resamples, seed)))


def resample_in_parts(counts: np.ndarray, resamples: int = RESAMPLES, seed: int = 0) -> Iterator[np.ndarray]:
    """Yield the replicates of :func:`resample_counts` a few at a time: at most 64 MB, whatever the number of cells.

    Yields:
        int64, shape (b, *counts.shape); the same replicates in the same order, at least one.
    """
    flat = counts.ravel()
    filled = np.flatnonzero(flat)  # empty cells stay empty in every resample
    random, total = np.random.default_rng(seed), int(flat.sum())
    most = max(1, min(resamples, _MOST_DRAWN // max(flat.size, 1)))
    for start in range(0, max(resamples, 1), most):
        drawn = np.zeros((min(most, resamples - start), flat.size), np.int64)
        if filled.size:
            drawn[:, filled] = random.multinomial(total, flat[filled] / total, len(drawn))
        yield drawn.reshape(len(drawn), *counts.shape)


def resample_sums(
    values: np.ndarray, cells: np.ndarray, n_cells: int, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Draw bootstrap replicates of counts and of sums of a value, by cell.

    Args:
        values: float, shape (N,).
        cells: Cell of each sample, int in 0..n_cells-1, shape (N,).
        n_cells: Number of cells K.
        resamples: Number of replicates B.
        seed: Of the draw.

    Returns:
        Counts, int64, and sums, float64, both of shape (B, K).
    """
    values = np.asarray(values, np.float64)
    counts = np.bincount(cells, minlength=n_cells)
    safe = np.maximum(counts, 1)
    means = np.bincount(cells, values, n_cells) / safe
    variances = np.bincount(cells, (values - means[cells]) ** 2, n_cells) / safe
    drawn = resample_counts(counts, resamples, seed)
    noise = np.random.default_rng([seed, 1]).standard_normal(drawn.shape)
    return drawn, drawn * means + noise * np.sqrt(drawn * variances)


def bootstrap_mean(values: np.ndarray, resamples: int = RESAMPLES, seed: int = 0, n_cells: int = 64) -> np.ndarray:
    """Draw bootstrap replicates of a mean.

    Args:
        values: float, shape (N,), N ≥ 1.
        resamples: Number of replicates B.
        seed: Of the draw.
        n_cells: Values are sorted and cut into so many groups; with fewer values each is its own group.

    Returns:
        float64, shape (B,).
    """
    ordered = np.sort(np.asarray(values, np.float64))
    n_cells = min(n_cells, ordered.size)
    cells = np.arange(ordered.size) * n_cells // ordered.size
    _, sums = resample_sums(ordered, cells, n_cells, resamples, seed)
    return sums.sum(1) / ordered.size


def percentile_interval(replicates: np.ndarray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the central interval that holds the given share of bootstrap replicates, shape (B,).

    Replicates that are not numbers (a figure undefined on that resample) are left out; with none left, both ends are
    NaN.
    """
    known = np.asarray(replicates, np.float64)
    known = known[np.isfinite(known)]
    if not known.size:
        return float("nan"), float("nan")
    tail = 100 * (1 - confidence) / 2
    low, high = np.percentile(known, [tail, 100 - tail])
    return float(low), float(high)


def percentile_intervals(replicates: np.ndarray, confidence: float = CONFIDENCE) -> np.ndarray:
    """Return the interval of each of several figures, as :func:`percentile_interval`.

    Args:
        replicates: All numbers, shape (B, K) with B ≥ 1.
        confidence: Share of the replicates that an interval holds.

    Returns:
        float64, shape (K, 2).
    """
    tail = 100 * (1 - confidence) / 2
    return np.percentile(replicates, [tail, 100 - tail], axis=0).T


@dataclass(frozen=True)
class McNemar:
    """McNemar's test of two classifiers on the same samples.

    Attributes:
        only_a: Samples that A gets right and B wrong.
        only_b: Samples that B gets right and A wrong.
        p_exact: Two-sided p-value of the exact binomial test.
        chi2: Statistic (|a - b| - 1)² / (a + b) with Edwards' continuity correction; 0 without discordant samples.
        p_chi2: Its p-value on one degree of freedom.
    """

    only_a: int
    only_b: int
    p_exact: float
    chi2: float
    p_chi2: float


def mcnemar(only_a: int, only_b: int) -> McNemar:
    """Test whether two classifiers err equally often, from the samples on which just one of them is right.

    Source: McNemar, Psychometrika 12, 1947; Edwards, Psychometrika 13, 1948; Dietterich, Neural Computation 10, 1998.
    """
    discordant = only_a + only_b
    if not discordant:
        return McNemar(0, 0, 1.0, 0.0, 1.0)
    chi2 = max(abs(only_a - only_b) - 1, 0) ** 2 / discordant
    return McNemar(only_a, only_b, _binomial_two_sided(min(only_a, only_b), discordant), chi2, erfc(sqrt(chi2 / 2)))


def _binomial_two_sided(fewer: int, n: int) -> float:
    """Twice the lower tail of Binomial(n, 1/2), at most 1; in whole numbers, so exact to rounding at any n."""
    term = tail = 1
    for k in range(1, fewer + 1):
        term = term * (n - k + 1) // k
        tail += term
    return min(1.0, 2 * tail / (1 << n))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values of several tests, corrected for their number: in 0..1, in the order given.

    Source: Holm, Scandinavian Journal of Statistics 6, 1979.
    """
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = largest
    return corrected


def wilson_interval(share: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both ends of the 95 % score interval of shares that were seen among n samples each.

    Source: Wilson, Journal of the American Statistical Association 22, 1927.
    """
    z = 1.959964
    centre = share + z**2 / (2 * n)
    reach = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return (centre - reach) / (1 + z**2 / n), (centre + reach) / (1 + z**2 / n)
