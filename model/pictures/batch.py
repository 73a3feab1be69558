"""Many pictures through one pipeline, in their order: in this process, or on several cores at once."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from emoscope.model.entities import Prediction
from emoscope.model.errors import EmoscopeError, ImageError
from emoscope.model.faces.detectors import create_detector, create_picture_detector
from emoscope.model.images import encode_png, read_image
from emoscope.model.networks.load import load_classifier
from emoscope.model.pictures.result_files import writing
from emoscope.model.pictures.results import PictureEntry, error_entry, picture_entry
from emoscope.model.pipeline import FaceCrop, Pipeline
from emoscope.model.runs.run import load_run

# Chunks handed out ahead of the oldest unfinished one, per process: enough that none runs dry behind a slow picture.
_AHEAD = 4


class Task(NamedTuple):
    """One picture to predict, and where its annotated copy goes, if anywhere."""

    path: Path
    annotate_to: Path | None = None


@dataclass(frozen=True)
class PipelineSettings:
    """What a process needs to open its own pipeline.

    Attributes:
        run: Folder of the saved run.
        detector_name: One of the detectors' names.
        threads: Cores that one classification may use.
        calibrated: Whether probabilities are calibrated by the temperature saved with the run, if there is one.
    """

    run: Path
    detector_name: str
    threads: int = 1
    calibrated: bool = False

    def open(self, for_video: bool = False) -> Pipeline:
        """Make the pipeline.

        Args:
            for_video: Favour speed over small faces when finding them.

        Raises:
            RunError: The run or its network is missing or broken.
            DetectorError: The detector cannot run here.
        """
        run = load_run(self.run)
        classifier = load_classifier(run, self.threads, run.temperature if self.calibrated else None)
        if for_video:
            return Pipeline(create_detector(self.detector_name, for_video=True), classifier)
        return Pipeline(create_picture_detector(self.detector_name), classifier)


def predict_pictures(tasks: Sequence[Task], settings: PipelineSettings, processes: int = 1) -> Iterator[PictureEntry]:
    """Yield the entry of each picture, in order, while later ones are being predicted.

    Memory does not grow with their number.

    Args:
        tasks: The pictures.
        settings: Of the pipeline.
        processes: How many processes predict; 1 uses this one.

    Raises:
        EmoscopeError: The pipeline cannot be made, an annotated copy cannot be written, or a process died.
    """
    chunks = chunked(tasks, settings)
    if processes == 1:
        pipeline = settings.open()
        for chunk in chunks:
            yield from predict_chunk(pipeline, chunk)
        return
    # Forking a process that runs OpenCV's or LiteRT's threads can hang, so each starts afresh.
    with ProcessPoolExecutor(processes, get_context("spawn"), _start_worker, (settings,)) as pool:
        pending: deque[Future[list[PictureEntry]]] = deque()
        try:
            for chunk in chunks:
                pending.append(pool.submit(_work, chunk))
                if len(pending) >= processes * _AHEAD:
                    yield from pending.popleft().result()
            while pending:
                yield from pending.popleft().result()
        except BrokenProcessPool as error:
            raise EmoscopeError(
                "A process that predicts pictures was ended from outside, perhaps for want of memory.",
                "Use fewer with --processes; the same command resumes where it stopped.",
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def chunked(tasks: Sequence[Task], settings: PipelineSettings) -> Iterator[Sequence[Task]]:
    """Yield the pictures in the portions that are predicted together."""
    # Cropped faces take so little to decode that the network's gain from a full batch shows; else a chunk is only there
    # to make the way between processes cheap. Frames to be drawn on are kept, so those go one by one.
    size = 1 if any(task.annotate_to for task in tasks) else 32 if settings.detector_name == "none" else 4
    return (tasks[start : start + size] for start in range(0, len(tasks), size))


class _Opened(NamedTuple):
    """A picture between detection and classification; the frame itself is kept only where it will be drawn on."""

    task: Task
    crops: list[FaceCrop]
    size: tuple[int, int] = (0, 0)
    notes: Sequence[str] = ()
    frame_bgr: np.ndarray | None = None
    error: ImageError | None = None


def predict_chunk(pipeline: Pipeline, tasks: Sequence[Task]) -> list[PictureEntry]:
    """Predict some pictures, with the faces of all of them in one batch.

    Returns:
        The entry of each picture, in order.

    Raises:
        OutputError: An annotated copy cannot be written.
    """
    opened = [_open(pipeline, task) for task in tasks]
    predictions = iter(pipeline.classify_crops([crop for picture in opened for crop in picture.crops]))
    name = pipeline.detector.name
    return [_entry(picture, list(islice(predictions, len(picture.crops))), name) for picture in opened]


def _open(pipeline: Pipeline, task: Task) -> _Opened:
    notes: list[str] = []
    try:
        frame = read_image(task.path, notes)
    except ImageError as error:
        return _Opened(task, [], error=error)
    crops = pipeline.crop(frame, pipeline.detect(frame))
    return _Opened(task, crops, (frame.shape[1], frame.shape[0]), notes, frame if task.annotate_to else None)


def _entry(picture: _Opened, predictions: list[Prediction], detector_name: str) -> PictureEntry:
    task = picture.task
    if picture.error:
        return error_entry(str(task.path), picture.error)
    if task.annotate_to and picture.frame_bgr is not None:
        from emoscope.model.drawing.annotated_picture import annotated_picture

        drawn = encode_png(annotated_picture(picture.frame_bgr, predictions))
        with writing():
            task.annotate_to.parent.mkdir(parents=True, exist_ok=True)
            task.annotate_to.write_bytes(drawn)
    return picture_entry(str(task.path), *picture.size, predictions, detector_name, picture.notes)


_settings: PipelineSettings | None = None
_pipeline: Pipeline | None = None


def _start_worker(settings: PipelineSettings) -> None:
    global _settings
    _settings = settings
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that hands out the work
    cv2.setNumThreads(1)  # the processes share the cores already


def _work(tasks: Sequence[Task]) -> list[PictureEntry]:
    # The pipeline is made here, not when the process starts, so that its errors reach whoever asked.
    global _pipeline
    if _pipeline is None:
        assert _settings is not None
        _pipeline = _settings.open()
    return predict_chunk(_pipeline, tasks)
