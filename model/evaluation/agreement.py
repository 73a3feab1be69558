"""How far an export's predictions agree with those of its original."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emoscope.model.evaluation.comparison import Comparison, Pair

# An export that loses more accuracy than this is not offered as equal to its original.
ACCEPTED_LOSS = 0.01


@dataclass(frozen=True)
class Agreement:
    """How far an export's predictions agree with those of its original.

    Attributes:
        same: Share of samples with the same most probable class.
        largest: Largest difference of a probability.
    """

    same: float
    largest: float


def agreement(pair: Pair) -> Agreement:
    """Compare two networks' predictions on the same samples, whatever the labels are."""
    for found in (pair.predictions_a, pair.predictions_b):
        found.need_probabilities("The agreement of two networks")
    one, other = pair.predicted
    differences = np.abs(pair.predictions_a.probabilities - pair.predictions_b.probabilities)
    return Agreement(float((one == other).mean()), float(differences.max()))


def stands_in(comparison: Comparison) -> bool:
    """Tell whether an export (A) may be offered as equal to its original (B): it loses at most a point of accuracy."""
    return comparison.accuracy.value >= -ACCEPTED_LOSS - 1e-9  # a point after rounding counts as a point
