"""One training on many hosts: Ray Train starts the workers, monitors them and restarts them when one is lost.

Each worker runs the training loop on all devices of its host, and JAX joins the devices of all
(``emoscope.training.backend.devices``). The checkpoint is the loop's own, so that a training may resume with other
workers, or with none. Data and checkpoint lie under the same paths on every host.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import threading
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emoscope.model.dataset import Dataset
from emoscope.model.errors import ConfigError, EmoscopeError
from emoscope.model.machine import available_cores
from emoscope.model.pictures.ray_engine import connect, disconnect, import_ray
from emoscope.model.runs.run import artifacts_root
from emoscope.training.cluster.worker import Work, last_line, on_loss, own_error, train_share
from emoscope.training.loop.checkpoint import Checkpoint
from emoscope.training.loop.progress import Progress

if TYPE_CHECKING:
    from ray.train.v2.jax import JaxTrainer

    from emoscope.training.loop.train import Trained


def need_jax() -> None:
    """Make sure that JAX is installed.

    Raises:
        EmoscopeError: It is not.
    """
    if find_spec("jax") is None:
        raise EmoscopeError(
            "JAX, which spreads a training over devices, is not installed.",
            "Run `pip install -r requirements-cluster.txt`.",
        )


def use_jax() -> None:
    """Let Keras run on JAX, unless something else was chosen.

    Raises:
        EmoscopeError: JAX is not installed, or Keras runs on something else.
    """
    need_jax()
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    if (backend := keras.backend.backend()) != "jax":
        raise EmoscopeError(
            f"Keras runs on {backend}, and only JAX spreads a training over devices.",
            "Give the same command with KERAS_BACKEND=jax.",
        )


def train_on_ray(
    work: Work, dataset: Dataset, workers: int, address: str | None = None, fresh: bool = False
) -> Trained:
    """Train on the hosts of a Ray cluster, to the result that one process has; resume from the checkpoint.

    A lost worker is replaced, and the training resumes after the last finished epoch.

    Args:
        work: What to train.
        dataset: The data set of ``work``.
        workers: How many processes train; where there are GPUs, each takes all of its host's.
        address: Of a running cluster, e.g. ``head:6379``; None starts one on this machine.
        fresh: Forget an existing checkpoint.

    Raises:
        EmoscopeError: Ray or JAX is missing, the cluster is too small, cannot be reached or fails again and again, or
            what :func:`emoscope.training.loop.train.train` raises.
    """
    import_ray()
    need_jax()
    # Problems of the data are reported before a cluster is contacted.
    from emoscope.training.loop.train import taught_samples, train

    if fresh:
        work.checkpoint_file.unlink(missing_ok=True)
    images = len(taught_samples(work.config, dataset, work.checkpoint_file)[0])
    batch = min(work.config.batch_size, images)
    if workers < 1 or batch % workers:
        raise ConfigError(
            f"A batch of {batch} images cannot be shared by {workers} workers.",
            "Set batch_size to a multiple of --workers.",
        )
    connect(address, cores=max(workers, available_cores()))
    try:
        with tempfile.TemporaryDirectory(prefix="emoscope-") as folder:
            losses = Path(folder) / "losses"
            environment = _follow(_trainer(work, workers, losses), work, images, losses)
    finally:
        disconnect()
    with contextlib.redirect_stdout(io.StringIO()):  # nothing is left to train
        return replace(train(work.config, dataset, work.checkpoint_file), environment=environment)


def _trainer(work: Work, workers: int, losses: Path) -> JaxTrainer:
    from ray.train.v2.api.config import FailureConfig, RunConfig, ScalingConfig
    from ray.train.v2.jax import JaxConfig, JaxTrainer

    gpus = _gpus_each(workers)
    environment = {
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cuda" if gpus else "cpu",
        "EMOSCOPE_ARTIFACTS": str(artifacts_root().resolve()),
    }
    return JaxTrainer(
        train_share,
        train_loop_config={"work": work},
        jax_config=JaxConfig(use_gpu=True),  # joins the processes; on CPUs too, as JAX_PLATFORMS says
        scaling_config=ScalingConfig(
            num_workers=workers,
            use_gpu=gpus > 0,
            resources_per_worker={"CPU": 1} | ({"GPU": gpus} if gpus else {}),
            placement_strategy="SPREAD",
        ),
        run_config=RunConfig(
            storage_path=str(losses.parent),
            failure_config=FailureConfig(max_failures=-1),  # on_loss decides
            callbacks=[on_loss(work.checkpoint_file, losses)],
            worker_runtime_env={"env_vars": environment},
        ),
    )


def _gpus_each(workers: int) -> int:
    """Return how many GPUs each worker gets: all that the smallest of the hosts needed has, or 0 without any."""
    import ray

    hosts = [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    gpus = sorted((int(host.get("GPU", 0)) for host in hosts), reverse=True)
    room = sum(count > 0 for count in gpus) or sum(int(host.get("CPU", 0)) for host in hosts)
    if room < workers:
        raise ConfigError(
            f"The Ray cluster has room for {room} of {workers} workers: one per host with GPUs, else one per core.",
            "Lower --workers, or add hosts with `ray start --address=…`.",
        )
    return gpus[workers - 1] if gpus[0] else 0


def _follow(trainer: JaxTrainer, work: Work, images: int, losses: Path) -> dict[str, str]:
    """Wait for the end, printing what a training on this machine would print; return where the first worker ran."""
    outcome: list[Any] = []

    def fit() -> None:
        try:
            outcome.append(trainer.fit())
        except BaseException as error:
            outcome.append(error)

    # In a thread of its own, so that Ctrl-C is not caught by Ray.
    thread = threading.Thread(target=fit, daemon=True)
    thread.start()
    news = _News(work, images, losses)
    while thread.is_alive():
        thread.join(1)
        news.show()
    [result] = outcome
    if isinstance(result, BaseException):
        raise own_error(result) or EmoscopeError(
            f"The Ray cluster failed ({last_line(result)}).",
            "Look at its logs; the same command resumes after the last finished epoch.",
        ) from result
    return result.return_value


class _News:
    """Prints the epochs that the workers finish, and those workers that are lost."""

    def __init__(self, work: Work, images: int, losses: Path) -> None:
        self.work, self.images, self.losses = work, images, losses
        self.seen = 0.0
        history = self._news()
        self.progress = Progress(work.config.epochs, history)
        self.shown, self.lost = len(history), 0

    def _news(self) -> list[dict[str, float]]:
        """Return all rows, if the checkpoint is another than last time."""
        file = self.work.checkpoint_file
        before, self.seen = self.seen, file.stat().st_mtime if file.exists() else 0.0
        checkpoint = Checkpoint.load(file) if self.seen != before else None
        return checkpoint.history if checkpoint else []

    def show(self) -> None:
        """Print what is new."""
        for row in self._news()[self.shown :]:
            self.progress.begin(self.shown, self.work.config.side_at(self.shown))
            self.progress.rate = self.images / row["seconds"]
            self.progress.end(row)
            self.shown += 1
        lines = self.losses.read_text(encoding="utf-8").splitlines() if self.losses.exists() else []
        for line in lines[self.lost :]:
            print(f"A worker was lost, and others resume after the last finished epoch. ({line})", flush=True)
        self.lost = len(lines)
