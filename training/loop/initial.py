"""Starting from saved runs: a new network gets their weights before it is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from emoscope.model.errors import ConfigError
from emoscope.model.networks.architectures import build_network, deploy
from emoscope.model.runs.run import Run, load_run
from emoscope.training.backend.open_network import open_network
from emoscope.training.distillation.teachers import head_of


def start_from(names: tuple[str, ...], network: keras.Model, classes: Mapping[str, tuple[str, ...]]) -> None:
    """Give a network the weights of saved runs of the same design, or of one with fewer residual blocks.

    A block that a run lacks begins as the identity, so that the network begins with the run's own predictions.

    Args:
        names: Keys or folders of the runs, one for each head that is not to start at random.
        network: As built by :func:`emoscope.model.networks.architectures.build_network`.
        classes: Class names by head. A run belongs to the head whose classes it knows, in the same order.

    Raises:
        RunError: There is no such run, or it holds no Keras network.
        ConfigError: Its design or its classes are not the network's.

    Source: Chen et al., "Net2Net: Accelerating Learning via Knowledge Transfer", 2015.
    """
    for name in names:
        run = load_run(name)
        head = head_of(run, classes)
        if tuple(run.info.class_names) != classes[head]:
            raise ConfigError(f"{run.key} has the classes of {head} in another order.", "Start from another run.")
        values, student = open_network(run).get_weights(), deploy(network, head)
        if _shapes(values) == _shapes(student.weights):
            student.set_weights(values)
        else:
            _grow(run, values, head, student)


def _shapes(weights: Sequence[Any]) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in weights]


def _grow(run: Run, values: list[np.ndarray], head: str, network: keras.Model) -> None:
    """Match layers by name, which older saved networks do not have."""
    info = run.info
    design = (*info.input_size, info.channels), {head: len(info.class_names)}
    smaller = deploy(build_network(info.architecture, *design, **info.config.get("options", {})), head)
    mine = {layer.name: layer for layer in network.layers if layer.weights}
    given = {layer.name: layer for layer in smaller.layers if layer.weights}
    same = all(name in mine and _shapes(mine[name].weights) == _shapes(layer.weights) for name, layer in given.items())
    if not same or _shapes(values) != _shapes(smaller.weights):
        raise ConfigError(f"{run.key} is of another design.", "Start from a run of this architecture and its options.")
    smaller.set_weights(values)
    for name, layer in mine.items():
        if name in given:
            layer.set_weights(given[name].get_weights())
        elif name.endswith("_last_norm"):
            layer.gamma.assign(layer.gamma * 0)
