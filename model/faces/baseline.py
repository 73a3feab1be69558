"""A person's neutral face as the zero point: what the network predicts from features at rest is subtracted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emoscope.model.emotions import emotion_key
from emoscope.model.errors import BaselineError

NEUTRAL_PROBABILITY = 0.75
"""Lowest corrected probability of neutral on the measured face."""

MOST_EXPRESSIVE = 0.8
"""Mean probability of another emotion from which on a face does not count as neutral."""

_FLOOR = 1e-3
_STRONGEST = 30.0


@dataclass(frozen=True, eq=False)
class NeutralBaseline:
    """A correction for one person and one network.

    Attributes:
        class_names: The network's classes.
        factors: What each class's probability is multiplied with before they are scaled to sum to 1, shape (C,).
        measured: Mean probabilities of the neutral face, uncorrected, shape (C,).
    """

    class_names: tuple[str, ...]
    factors: np.ndarray
    measured: np.ndarray

    def correct(self, probabilities: np.ndarray) -> np.ndarray:
        """Return corrected probabilities, float32, shape (..., C), summing to 1."""
        weighted = np.asarray(probabilities, np.float64) * self.factors
        return (weighted / weighted.sum(-1, keepdims=True)).astype(np.float32)


def measure_baseline(probabilities: np.ndarray, class_names: Sequence[str]) -> NeutralBaseline:
    """Learn the correction from a few seconds of a neutral face.

    Classes that the network wrongly predicts on the resting face are lowered to an equal share of what neutral leaves,
    and neutral is raised. No other class is ever raised: a smile of low probability stays low.

    Args:
        probabilities: One row per frame, shape (N, C), at least one.
        class_names: The C class names.

    Raises:
        BaselineError: No class is neutral, or the face shows another emotion too clearly.

    Source: the additive adjustment of logits of Menon et al., Long-tail learning via logit adjustment, ICLR 2021, with
        the prior measured on the person in place of the training set's.
    """
    keys = [emotion_key(name) for name in class_names]
    if "neutral" not in keys:
        raise BaselineError("This network knows no neutral face.", "Choose another network in the sidebar.")
    neutral = keys.index("neutral")
    measured = np.asarray(probabilities, np.float64).mean(0)
    strongest = int(measured.argmax())
    if strongest != neutral and measured[strongest] >= MOST_EXPRESSIVE:
        raise BaselineError(
            f"No baseline was taken: your face was classified as {class_names[strongest]}, {measured[strongest]:.0%}.",
            "Let your face rest and press Neutral baseline again.",
        )
    rest = (1 - NEUTRAL_PROBABILITY) / max(1, len(keys) - 1)
    factors = np.minimum(1.0, rest / np.maximum(measured, _FLOOR))
    factors[neutral] = 1.0
    corrected = measured * factors
    others = corrected.sum() - corrected[neutral]
    wanted = others * NEUTRAL_PROBABILITY / (1 - NEUTRAL_PROBABILITY)
    factors[neutral] = np.clip(wanted / max(measured[neutral], _FLOOR), 1.0, _STRONGEST)
    return NeutralBaseline(tuple(class_names), factors, measured)
