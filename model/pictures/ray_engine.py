"""Pictures predicted by all hosts of a Ray cluster, through Ray Data, with the same entries as on one machine.

The pictures lie under the same paths on every host, as on a shared disk. Code and network travel with the work.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import emoscope
from emoscope.model.errors import EmoscopeError
from emoscope.model.pictures.batch import PipelineSettings, Task, chunked, predict_chunk
from emoscope.model.pictures.results import PictureEntry
from emoscope.model.pipeline import Pipeline
from emoscope.model.places import HOME
from emoscope.model.runs.run import load_run

_CHUNKS_PER_BLOCK = 16  # what is predicted again when a worker dies
_MOST_BLOCKS = 5000
_READING = ("iter_threaded", "StreamingExecutor", "ray-data-metadata")  # the names of Ray Data's threads begin so

_Chunk = dict[str, np.ndarray]


def predict_pictures_on_ray(
    tasks: Sequence[Task], settings: PipelineSettings, address: str | None = None, workers: int | None = None
) -> Iterator[PictureEntry]:
    """Yield the entry of each picture, in order, while the workers of a cluster predict later ones.

    What a worker had in hand when it died goes to another one.

    Args:
        tasks: The pictures.
        settings: Of the pipeline.
        address: Of a running cluster, e.g. ``ray://host:10001`` or ``host:6379``; None starts one on this machine.
        workers: How many processes predict; by default as many as the cluster has cores for.

    Raises:
        EmoscopeError: Ray is not installed, the cluster cannot be reached or fails, the pipeline cannot be made, or an
            annotated copy cannot be written.
    """
    ray = import_ray()
    settings.open()  # problems of network or detector are reported before a cluster is contacted
    started = not ray.is_initialized()
    if started:
        connect(address)
    try:
        yield from _read(tasks, settings, workers)
    except ray.exceptions.RayError as error:
        raise EmoscopeError(
            f"The Ray cluster failed ({type(error).__name__}).",
            "Look at its log; the same command resumes where it stopped.",
        ) from error
    finally:
        if started:
            disconnect()


def import_ray() -> Any:
    """Return Ray, or raise an error on how to get it.

    Raises:
        EmoscopeError: It is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise EmoscopeError("Ray is not installed.", "Run `pip install -r requirements-cluster.txt`.") from error
    return ray


def connect(address: str | None, cores: int | None = None) -> None:
    """Become the driver of a cluster, whose workers get this package.

    Args:
        address: Of a running cluster; None takes that of ``RAY_ADDRESS``, or starts one on this machine.
        cores: How many the cluster that is started here says it has; by default as many as there are.

    Raises:
        EmoscopeError: It cannot be reached or started.
    """
    import ray

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    address = address or os.environ.get("RAY_ADDRESS")
    try:
        with tempfile.TemporaryDirectory(prefix="emoscope-") as folder:
            options: dict[str, Any] = {
                "runtime_env": {"py_modules": [str(_package(Path(folder)))]},
                "logging_level": "error",
                "log_to_driver": False,
            }
            if address is None:
                ray.init(address="local", include_dashboard=False, num_cpus=cores, **options)
            else:
                _knock(address)
                ray.init(address=address, **options)
    except (OSError, RuntimeError, ValueError) as error:  # ConnectionError is an OSError
        raise EmoscopeError(
            f"The Ray cluster at {address or 'this machine'} cannot be reached or started.",
            "Start one with `ray start --head` and give its address to --address.",
        ) from error


def disconnect() -> None:
    """Leave the cluster, once no thread that reads from it is left: Ray ends the process where one asks it too late."""
    import ray

    for thread in threading.enumerate():
        if thread.name.startswith(_READING):
            thread.join(timeout=60)
    ray.shutdown()


def _package(folder: Path) -> Path:
    """Copy the code that workers need into a folder, as the installed package lies; return the package."""
    package = folder / "emoscope"
    package.mkdir()
    for file in Path(emoscope.__file__).parent.glob("*.py"):
        shutil.copy(file, package)
    for part in ("model", "training"):
        shutil.copytree(HOME / part, package / part, ignore=shutil.ignore_patterns("__pycache__"))
    return package


def _knock(address: str) -> None:
    """Fail at once where nobody listens; Ray itself would wait for two minutes and then end the process."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


def _read(tasks: Sequence[Task], settings: PipelineSettings, workers: int | None) -> Iterator[PictureEntry]:
    import ray

    chunks = [{"tasks": json.dumps([_to_text(task) for task in chunk])} for chunk in chunked(tasks, settings)]
    cores = int(ray.cluster_resources().get("CPU", 1)) // settings.threads  # type: ignore[no-untyped-call]
    data = ray.data.from_items(
        chunks, override_num_blocks=min(-(-len(chunks) // _CHUNKS_PER_BLOCK), _MOST_BLOCKS)
    ).map_batches(
        _Worker,
        batch_size=None,
        fn_constructor_args=(str(Path.cwd()), settings, _run_files(settings.run)),
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=workers or max(1, cores)),
        num_cpus=settings.threads,
    )
    data.context.execution_options.preserve_order = True
    data.context.enable_progress_bars = False
    # Answers are small: fetching them ahead gains nothing, and its thread would outlast the reading.
    for block in data.iter_batches(batch_size=None, prefetch_batches=0):
        for text in block["answer"]:
            answer = json.loads(text)
            if isinstance(answer, dict):
                raise EmoscopeError(answer["message"], answer["action"])
            yield from answer


def _to_text(task: Task) -> list[str | None]:
    return [str(task.path), None if task.annotate_to is None else str(task.annotate_to)]


def _run_files(folder: Path) -> dict[str, bytes]:
    """Return what a worker needs of a run."""
    run = load_run(folder)
    networks = [run.litert_file.name] if run.litert_file else ["model.keras"]
    names = ("run.json", "calibration.json", *networks)
    return {name: (folder / name).read_bytes() for name in names if (folder / name).is_file()}


class _Worker:
    """Lives in a process of a worker and keeps its pipeline there."""

    def __init__(self, folder: str, settings: PipelineSettings, run_files: dict[str, bytes]) -> None:
        if Path(folder).is_dir():  # paths may be relative to where the command was given
            os.chdir(folder)
        cv2.setNumThreads(settings.threads)  # the processes share the cores already
        self._folder = tempfile.TemporaryDirectory(prefix="emoscope-")
        run = Path(self._folder.name) / settings.run.name
        run.mkdir()
        for name, content in run_files.items():
            (run / name).write_bytes(content)
        self._settings = replace(settings, run=run)
        self._pipeline: Pipeline | None = None

    def __call__(self, block: _Chunk) -> _Chunk:
        """Predict the chunks of a block; the result of each is its entries, or why there are none."""
        return {"answer": np.array([self._result(json.loads(text)) for text in block["tasks"]], object)}

    def _result(self, chunk: list[list[str | None]]) -> str:
        tasks = [Task(Path(str(path)), None if target is None else Path(target)) for path, target in chunk]
        try:
            if self._pipeline is None:
                self._pipeline = self._settings.open()
            return json.dumps(predict_chunk(self._pipeline, tasks))
        except EmoscopeError as error:
            return json.dumps({"message": error.message, "action": error.action})
