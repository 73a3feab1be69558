"""Teachers that watch the student learn: they answer each image as it was changed for it, in every step anew.

What is said once of an unchanged image is learned by heart in a long training; with each view answered for itself, the
student learns the teachers' function.

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


class WatchingTeacher(NamedTuple):
    """One saved network that answers while another is trained.

    Attributes:
        head: The student's head that it teaches.
        order: Position among its classes of each of the head's.
        info: Of its run.
        network: Is not trained further.
    """

    head: str
    order: tuple[int, ...]
    info: RunInfo
    network: keras.Model


def open_teachers(config: TrainConfig, classes: Mapping[str, tuple[str, ...]]) -> list[WatchingTeacher]:
    """Open the teachers of a configuration that can watch: all but cross-validations, which hold answers alone.

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
                f"{run.key} takes images of {run.info.channels} channels, not {config.channels}, and cannot watch.",
                "Set teacher_views to 0.",
            )
        head = head_of(run, classes)
        network = open_network(run)
        network.trainable = False
        network.name = f"teacher_{number}"  # beside a student of the same design
        compute_with(network, config.precision)
        speed_up(network)
        order = tuple(int(i) for i in class_lookup(classes[head], run.info.class_names))
        teachers.append(WatchingTeacher(head, order, run.info, network))
    if not teachers:
        raise ConfigError(
            "teacher_views needs a teacher with a network; a cross-validation has none.",
            "Name one besides, or set teacher_views to 0.",
        )
    return teachers


def watch(teachers: list[WatchingTeacher], pixels: Any, temperature: float) -> dict[str, Any]:
    """Return what teachers say of images, as a part of a Keras model.

    Args:
        teachers: Several for one head are averaged.
        pixels: float32, 0..255, shape (N, H, W, C); each teacher sees them at its own size.
        temperature: Softens the answers.

    Returns:
        By head that has a teacher, probabilities, shape (N, classes).
    """
    answers: dict[str, list[Any]] = {}
    for teacher in teachers:
        view = ops.image.resize(pixels, teacher.info.input_size, antialias=True)
        said = teacher.network(normalize(view, teacher.info.normalization, ops), training=False)["probabilities"]
        chosen = ops.take(ops.cast(said, "float32"), teacher.order, axis=-1)
        answers.setdefault(teacher.head, []).append(chosen / ops.sum(chosen, axis=-1, keepdims=True))
    means = {head: sum(each) / len(each) for head, each in answers.items()}
    return {head: ops.stop_gradient(soften(mean, temperature, ops)) for head, mean in means.items()}
