"""Online teachers: they predict each augmented image in every step of the student's training.

In a long training the student memorises predictions that were made once on the plain images. With a prediction for
each augmented view it learns the teachers' function.

Source: Beyer et al., "Knowledge Distillation: A Good Teacher Is Patient and Consistent", 2022.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
from keras import ops

from emoscope.model.errors import ConfigError
from emoscope.model.networks.preprocessing import normalize
from emoscope.model.runs.run import RunInfo, load_run
from emoscope.training.backend.open_network import open_network
from emoscope.training.backend.precision import compute_with
from emoscope.training.backend.torch_layers import speed_up
from emoscope.training.config.schema import TrainConfig
from emoscope.training.distillation.teachers import head_of, is_cross_validation, soften
from emoscope.training.evaluation.labels import class_lookup


class OnlineTeacher(NamedTuple):
    """The network of a saved run that predicts while the student is trained.

    Attributes:
        head: The student's head that it teaches.
        order: Position of each of the head's classes among the teacher's.
        info: Of its run.
        network: Frozen.
    """

    head: str
    order: tuple[int, ...]
    info: RunInfo
    network: keras.Model


def open_teachers(config: TrainConfig, classes: Mapping[str, tuple[str, ...]]) -> list[OnlineTeacher]:
    """Open the online teachers of a configuration: all but cross-validations, which hold predictions alone.

    Args:
        config: Of the student.
        classes: Class names by head. A teacher belongs to the head whose classes it knows, in whatever order.

    Raises:
        RunError: There is no such run, or it holds no Keras network.
        ConfigError: Its classes are those of no head, it takes other images, or there is none.
    """
    teachers = []
    for number, name in enumerate(config.teacher):
        run = load_run(name)
        if is_cross_validation(run):
            continue
        if run.info.channels != config.channels:
            raise ConfigError(
                f"{run.key} takes images of {run.info.channels} channels, not {config.channels}.",
                "Set teacher_views to 0.",
            )
        head = head_of(run, classes)
        network = open_network(run)
        network.trainable = False
        network.name = f"teacher_{number}"  # beside a student of the same design
        compute_with(network, config.precision)
        speed_up(network)
        order = tuple(int(i) for i in class_lookup(classes[head], run.info.class_names))
        teachers.append(OnlineTeacher(head, order, run.info, network))
    if not teachers:
        raise ConfigError(
            "teacher_views needs a teacher with a network; a cross-validation has none.",
            "Name one besides, or set teacher_views to 0.",
        )
    return teachers


def online_probabilities(teachers: list[OnlineTeacher], pixels: Any, temperature: float) -> dict[str, Any]:
    """Return the mean softened probabilities of teachers, as a part of a Keras model.

    Args:
        teachers: Several for one head are averaged.
        pixels: float32, 0..255, shape (N, H, W, C); each teacher sees them at its own size.
        temperature: Softens the probabilities.

    Returns:
        By head that has a teacher, probabilities, shape (N, classes).
    """
    outputs: dict[str, list[Any]] = {}
    for teacher in teachers:
        view = ops.image.resize(pixels, teacher.info.input_size, antialias=True)
        predicted = teacher.network(normalize(view, teacher.info.normalization, ops), training=False)["probabilities"]
        chosen = ops.take(ops.cast(predicted, "float32"), teacher.order, axis=-1)
        outputs.setdefault(teacher.head, []).append(chosen / ops.sum(chosen, axis=-1, keepdims=True))
    means = {head: sum(each) / len(each) for head, each in outputs.items()}
    return {head: ops.stop_gradient(soften(mean, temperature, ops)) for head, mean in means.items()}
