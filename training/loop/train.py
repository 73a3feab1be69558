"""The training loop: any Keras backend, resumable after every epoch.

Only ``keras.*`` and NumPy are used, so TensorFlow, PyTorch or JAX does the work, on a GPU where there is one.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from emoscope.model.dataset import Dataset
from emoscope.model.errors import ConfigError, EmoscopeError, make_room
from emoscope.model.machine import machine_name
from emoscope.model.networks.architectures.pretrained import begin_on_faces
from emoscope.model.runs.renamed_keys import with_current_keys
from emoscope.model.runs.run import DatasetInfo, RunInfo, load_run, write_history, write_run_info
from emoscope.training.backend.devices import check_batch, is_first_process
from emoscope.training.config.schema import TrainConfig
from emoscope.training.distillation.cached_views import CachedViews
from emoscope.training.distillation.privileged import with_privileged_votes
from emoscope.training.distillation.teachers import head_of, is_cross_validation, soften, teacher_probabilities
from emoscope.training.inputs.samples import Samples, head_classes, training_samples
from emoscope.training.loop.checkpoint import Checkpoint
from emoscope.training.loop.progress import Progress
from emoscope.training.loop.schedule import best_epoch, should_stop
from emoscope.training.loop.session import Session


@dataclass(frozen=True, eq=False)
class Trained:
    """A finished training.

    Attributes:
        network: The network at full size, float32 logits by head, with the best epoch's weights.
        classes: Class names by head.
        history: One row per epoch.
        best_epoch: 1-based.
        seconds: Wall-clock seconds of all epochs.
        environment: Versions, backend and device.
    """

    network: keras.Model
    classes: dict[str, tuple[str, ...]]
    history: list[dict[str, float]]
    best_epoch: int
    seconds: float
    environment: dict[str, str]


def train(
    config: TrainConfig,
    dataset: Dataset,
    checkpoint_file: Path,
    *,
    fresh: bool = False,
    prepare: Callable[[keras.Model], None] | None = None,
) -> Trained:
    """Train a network, resuming from the checkpoint if there is one.

    Args:
        config: What to train.
        dataset: Images of ``config.input_size``; its training and validation splits are used, never the test split.
        checkpoint_file: Where the state is kept between epochs; a folder of its name holds ``run.json`` and
            ``history.csv`` meanwhile.
        fresh: Forget an existing checkpoint.
        prepare: Called with the new network before it is trained: gives it other weights or constraints.

    Raises:
        ConfigError: The checkpoint belongs to another configuration or other data.
        DataError: The data lack what the configuration needs.
    """
    if fresh:
        checkpoint_file.unlink(missing_ok=True)
    fit_samples, validation_samples = taught_samples(config, dataset, checkpoint_file)
    check_batch(min(config.batch_size, len(fit_samples)))
    classes = head_classes(config, dataset)

    def begin(network: keras.Model) -> None:
        begin_on_faces(network, fit_samples.images)
        if prepare is not None:
            prepare(network)

    session = Session(config, classes, taught=tuple(fit_samples.teacher), prepare=begin)
    identity = json.loads(json.dumps({"config": asdict(config), "data": dataset.fingerprint}))
    checkpoint = Checkpoint.load(checkpoint_file)
    if checkpoint is not None:
        _check_identity(checkpoint.identity, identity, checkpoint_file)
        session.restore(checkpoint)
    history = checkpoint.history if checkpoint else []
    best = checkpoint.best if checkpoint else []
    folder = checkpoint_file.parent / "views"
    views = CachedViews(config, fit_samples, classes, folder) if config.cached_views else None

    info = _unfinished(config, dataset, next(iter(classes.values())))
    progress = Progress(config.epochs, history)
    with _noting_the_end(checkpoint_file.with_suffix(""), info):
        while len(history) < config.epochs and not should_stop(config, history):
            epoch = len(history)
            side = config.side_at(epoch)
            session.enter_phase(epoch)
            started = time.perf_counter()
            shown = views.at(epoch).resized(side) if views else None
            progress.begin(epoch, side)
            row = session.fit_epoch(fit_samples.resized(side), epoch, history, progress, shown)
            row |= session.validate(validation_samples.resized(side))
            row["seconds"] = time.perf_counter() - started
            if not np.isfinite(row["loss"]):
                raise ConfigError(
                    f"The loss became infinite in epoch {epoch + 1}.", "Lower learning_rate, or set clip_norm to 1."
                )
            history.append(row)
            if best_epoch(config, history) == epoch:
                best = session.average.copies()
            if is_first_process():
                _save(session.checkpoint(identity, history, best), checkpoint_file, info)
            progress.end(row)

    network = session.build(config.input_size)
    network.set_weights(best)
    return Trained(
        network,
        classes,
        history,
        best_epoch(config, history) + 1,
        sum(row["seconds"] for row in history),
        environment(),
    )


def taught_samples(config: TrainConfig, dataset: Dataset, checkpoint_file: Path) -> tuple[Samples, Samples]:
    """Return the samples to fit on, with the teachers' probabilities, and those to validate on.

    The probabilities are cached beside the checkpoint. Where views replace them all, the targets stand in for them.
    Raises as :func:`train` does.
    """
    fit_samples, validation_samples = training_samples(config, dataset)
    teachers = [load_run(teacher) for teacher in config.teacher]
    only_views = config.teacher_views == 1 and not config.privileged_votes
    if only_views and not any(map(is_cross_validation, teachers)):
        heads = {head_of(teacher, head_classes(config, dataset)) for teacher in teachers}
        fit_samples = replace(fit_samples, teacher={head: fit_samples.targets[head] for head in heads})
    elif teachers:
        predicted = teacher_probabilities(
            config.teacher,
            head_classes(config, dataset),
            fit_samples.images,
            fit_samples.pixel_hash,
            checkpoint_file.with_suffix(".teacher.npz"),
        )
        if config.privileged_votes:
            predicted |= _privileged(predicted, fit_samples)
        softened = {head: soften(values, config.teacher_temperature) for head, values in predicted.items()}
        fit_samples = replace(fit_samples, teacher=softened)
    return fit_samples, validation_samples


def _privileged(predicted: Mapping[str, np.ndarray], samples: Samples) -> dict[str, np.ndarray]:
    if "fer" not in predicted:
        raise ConfigError("privileged_votes needs a teacher with the data set's classes.")
    voted = samples.weights["ferplus"] > 0
    return {"fer": with_privileged_votes(predicted["fer"], samples.targets["ferplus"], voted, samples.labels("fer"))}


def _unfinished(config: TrainConfig, dataset: Dataset, class_names: tuple[str, ...]) -> RunInfo:
    """Describe the run that is being trained, for pages that follow it."""
    return RunInfo(
        name=config.name,
        architecture=config.architecture,
        class_names=class_names,
        input_size=config.input_size,
        channels=config.channels,
        normalization=config.normalization,
        dataset=DatasetInfo(dataset.name, dict(dataset.split_sizes), dataset.fingerprint),
        config=asdict(config),
        seed=config.seed,
        environment=environment(),
        is_training=True,
    )


@contextmanager
def _noting_the_end(folder: Path, info: RunInfo) -> Iterator[None]:
    """Note in the folder of an unfinished training that it does not go on, where it is stopped or fails."""
    try:
        yield
    except BaseException:
        if is_first_process() and (folder / "run.json").is_file():
            with suppress(OSError):
                write_run_info(folder, replace(info, is_training=False))
        raise


def _save(checkpoint: Checkpoint, file: Path, info: RunInfo) -> None:
    try:
        checkpoint.save(file)
        write_run_info(file.with_suffix(""), info)  # with the history, so that progress can be followed
        write_history(file.with_suffix(""), checkpoint.history)
    except OSError as error:
        raise EmoscopeError(
            f"The checkpoint could not be written ({error.strerror}).",
            f"{make_room(error, file.parent)}; the same command resumes after the last saved epoch.",
        ) from error


def environment() -> dict[str, str]:
    """Describe what a training ran on: versions, backend, device."""
    return {
        "python": platform.python_version(),
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "numpy": np.__version__,
        "device": _device(),
        "machine": machine_name(),
    }


def _device() -> str:
    try:
        return ", ".join(str(device) for device in keras.distribution.list_devices())
    except (AttributeError, RuntimeError):  # a backend without device listing
        return "gpu" if "cuda" in str(getattr(keras.ops.zeros(1), "device", "")) else "cpu"


def _check_identity(found: Mapping[str, Any], wanted: Mapping[str, Any], file: Path) -> None:
    # A checkpoint from before an option existed was trained with what is now the option's default.
    defaults = json.loads(json.dumps(asdict(TrainConfig())))
    found = {**found, "config": {**defaults, **with_current_keys(found.get("config", {}))}}
    if found == wanted:
        return
    if found.get("data") != wanted["data"]:
        changed = "the data"
    else:
        keys = [k for k in wanted["config"] if found.get("config", {}).get(k) != wanted["config"][k]]
        changed = ", ".join(keys) or "the configuration"
    raise ConfigError(
        f"{file} belongs to another training: {changed} differ.",
        "Give the same command as before, choose another --output, or start over with --fresh.",
    )
