"""The exponential moving average of a network's weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np

# Averaging every few steps with the decay's power gives the same average at a fraction of the copies.
AVERAGE_EVERY = 5


class MovingAverage:
    """The exponential moving average of the weights, or the network's own weights where the decay is 0.

    Attributes:
        weights: The average, one array per weight; empty where the decay is 0.
    """

    def __init__(self, network: keras.Model, decay: float) -> None:
        self._network = network
        self._decay = decay
        self.weights: list[np.ndarray] = network.get_weights() if decay else []

    def update(self, step: int) -> None:
        """Take in the network's weights after a step (1-based); to be called every :data:`AVERAGE_EVERY` steps."""
        if not self._decay:
            return
        # The decay grows from nothing, so that the first average is not made of random weights.
        decay = min(self._decay, (1 + step) / (10 + step)) ** AVERAGE_EVERY
        for average, value in zip(self.weights, self._network.get_weights(), strict=True):
            average *= decay
            average += (1 - decay) * value

    def copies(self) -> list[np.ndarray]:
        """Return copies of the weights that validation sees."""
        return [weight.copy() for weight in self.weights] if self._decay else self._network.get_weights()

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Put the average into the network for as long as the context lasts."""
        if not self._decay:
            yield
            return
        live = self._network.get_weights()
        self._network.set_weights(self.weights)
        try:
            yield
        finally:
            self._network.set_weights(live)
