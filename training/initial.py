"""Starting from saved runs: a new network gets their weights before it is trained."""

from __future__ import annotations

from collections.abc import Mapping

import keras

from model.architectures import deploy
from model.artifacts import Run, load_run
from model.errors import ConfigError
from training.distillation import head_of
from training.weights import open_network


def start_from(names: tuple[str, ...], network: keras.Model, classes: Mapping[str, tuple[str, ...]]) -> None:
    """Give a network the weights of saved runs of the same design.

    Args:
        names: Keys or folders of the runs, one for each head that is not to start at random.
        network: As built by :func:`model.architectures.build_network`.
        classes: Class names by head. A run belongs to the head whose classes it knows, in the same order.

    Raises:
        RunError: There is no such run, or it holds no Keras network.
        ConfigError: Its design or its classes are not the network's.
    """
    for name in names:
        run = load_run(name)
        head = head_of(run, classes)
        if tuple(run.info.class_names) != classes[head]:
            raise ConfigError(f"{run.key} has the classes of {head} in another order.", "Start from another run.")
        _take_over(run, deploy(network, head))


def _take_over(run: Run, network: keras.Model) -> None:
    values = open_network(run).get_weights()
    if [value.shape for value in values] != [weight.shape for weight in network.weights]:
        raise ConfigError(f"{run.key} is of another design.", "Start from a run of this architecture and its options.")
    network.set_weights(values)
