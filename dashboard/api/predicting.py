"""From uploaded pictures to predictions: opened on threads, classified in batches, assembled on the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import numpy as np

from emoscope.dashboard.api.batching import Job, MicroBatcher, Outcome, batch_threads
from emoscope.dashboard.api.bodies import Upload
from emoscope.dashboard.api.problems import ProblemError
from emoscope.dashboard.api.settings import ApiSettings
from emoscope.dashboard.ui import resources
from emoscope.model.entities import Prediction
from emoscope.model.errors import EmoscopeError, RunError
from emoscope.model.explain import heat_map
from emoscope.model.images import data_url, decode_image, encode_png
from emoscope.model.machine import half_of_the_cores
from emoscope.model.pictures.results import PictureEntry, error_entry, picture_entry
from emoscope.model.pipeline import Pipeline
from emoscope.model.runs.run import DEFAULT_RUN, BrokenRun, Run

_FRESH_SECONDS = 1.0  # how long a run that changes on disk may still be served from memory


@dataclass(eq=False)
class Picture(Job):
    """One picture on its way: what it was, where its outcome goes."""

    upload: Upload = field(kw_only=True)
    outcome: asyncio.Future[list[Prediction]] = field(kw_only=True)
    size: tuple[int, int] = (0, 0)
    left_out: int = 0
    notes: list[str] = field(default_factory=list)


class Predictor:
    """Predicts the pictures of all requests of this process.

    Args:
        settings: Gives the limits.
        observe: Called with the number of faces of each batch.
    """

    def __init__(self, settings: ApiSettings, observe: Callable[[int], None] = lambda faces: None) -> None:
        self._settings = settings
        self._openers = ThreadPoolExecutor(max(2, half_of_the_cores()), thread_name_prefix="api-open")
        self._batcher = MicroBatcher(self._deliver, batch_threads(), observe)
        self._pipelines: dict[tuple[str | None, str, bool], tuple[float, str, Pipeline]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self.waiting = 0

    async def pipeline(self, run: str | None, detector: str, calibrated: bool = False) -> tuple[str, Pipeline]:
        """Return a run's key and its pipeline, shared with the pages.

        Args:
            run: The run's key; None for the default.
            detector: Name of the detector, or ``none``.
            calibrated: As for :func:`emoscope.dashboard.ui.resources.classifier`.

        Raises:
            ProblemError: There is no such run.
            EmoscopeError: Run or detector cannot be used here.
        """
        wanted = (run, detector, calibrated)
        known = self._pipelines.get(wanted)
        if known:
            if monotonic() - known[0] < _FRESH_SECONDS:
                return known[1:]
            self._pipelines[wanted] = (monotonic(), *known[1:])  # this request looks again, others need not
        try:
            key, pipeline = await asyncio.to_thread(_open_pipeline, *wanted)
        except BaseException:
            self._pipelines.pop(wanted, None)
            raise
        if len(self._pipelines) > 32:
            self._pipelines.clear()
        self._pipelines[wanted] = (monotonic(), key, pipeline)
        return key, pipeline

    async def predict(self, pipeline: Pipeline, uploads: Sequence[Upload], explain: bool = False) -> list[PictureEntry]:
        """Predict pictures; see :func:`emoscope.model.pictures.results.picture_entry` for what is returned of each.

        Args:
            pipeline: From :meth:`pipeline`.
            uploads: The pictures.
            explain: Whether to add a heat map to each face.

        Raises:
            ProblemError: Too many pictures wait already.
            EmoscopeError: The only picture cannot be opened; among several, its entry says so.
        """
        if self.waiting + len(uploads) > self._settings.max_waiting:
            raise ProblemError(503, "The server is busy.", "Try again in a second.", {"Retry-After": "1"})
        self._loop = asyncio.get_running_loop()
        self.waiting += len(uploads)
        try:
            pictures = [Picture(pipeline, (), upload=u, outcome=self._loop.create_future()) for u in uploads]
            self._batcher.announce(len(pictures))
            for picture in pictures:
                self._openers.submit(self._open, picture)
            if len(pictures) == 1:
                return [await self._entry(pictures[0], await pictures[0].outcome, explain)]
            outcomes = await asyncio.gather(*(p.outcome for p in pictures), return_exceptions=True)
            return [await self._entry(p, o, explain) for p, o in zip(pictures, outcomes, strict=True)]
        finally:
            self.waiting -= len(uploads)

    async def _entry(self, picture: Picture, outcome: Outcome, explain: bool) -> PictureEntry:
        if isinstance(outcome, EmoscopeError):
            return error_entry(picture.upload.name, outcome)
        if isinstance(outcome, BaseException):
            raise outcome
        found_by = picture.pipeline.detector.name
        entry = picture_entry(picture.upload.name, *picture.size, outcome, found_by, picture.notes)
        if picture.left_out:
            entry["faces_left_out"] = picture.left_out
        if explain and outcome:
            maps = await asyncio.get_running_loop().run_in_executor(
                self._openers, lambda: [_explanation(p, picture.pipeline) for p in outcome]
            )
            for face, found in zip(entry["faces"], maps, strict=True):
                face["heat_map"], face["crop_to_frame"] = found
        return entry

    def _open(self, picture: Picture) -> None:
        """Decode a picture and cut out its faces; runs on a thread of the pool."""
        try:
            frame_bgr = decode_image(picture.upload.data, self._settings.max_pixels, picture.notes)
            detections = picture.pipeline.detect(frame_bgr)
            kept = detections[: self._settings.max_faces]
            picture.size, picture.left_out = (frame_bgr.shape[1], frame_bgr.shape[0]), len(detections) - len(kept)
            picture.crops = picture.pipeline.crop(frame_bgr, kept)
        except BaseException as error:
            self._batcher.give_up()
            self._deliver([(picture, error)])
            return
        if picture.crops:
            picture.queued = monotonic()
            self._batcher.put(picture)
        else:
            self._batcher.give_up()
            self._deliver([(picture, [])])

    def _deliver(self, outcomes: list[tuple[Any, Outcome]]) -> None:
        """Hand outcomes to the event loop, waking it once."""
        assert self._loop is not None, "outcomes belong to a request"
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_settle, outcomes)


def _settle(outcomes: list[tuple[Picture, Outcome]]) -> None:
    for picture, outcome in outcomes:
        if picture.outcome.done():  # the request was cancelled
            continue
        if isinstance(outcome, BaseException):
            picture.outcome.set_exception(outcome)
        else:
            picture.outcome.set_result(outcome)


def _open_pipeline(run: str | None, detector: str, calibrated: bool) -> tuple[str, Pipeline]:
    """Look a run up among the saved ones, never as a path, which callers could point anywhere."""
    runs = {found.key: found for found in resources.runs()}
    if run is None:
        usable = [key for key, found in runs.items() if isinstance(found, Run)]
        if not usable:
            raise ProblemError(503, "There is no saved run to predict with.", "Train one, or set EMOSCOPE_ARTIFACTS.")
        run = DEFAULT_RUN if DEFAULT_RUN in usable else usable[0]
    if run not in runs:
        raise ProblemError(404, f"There is no saved run {run!r}.", "GET /api/v1/runs lists them.")
    found = runs[run]
    if isinstance(found, BrokenRun):
        raise found.error
    try:
        return run, resources.pipeline(run, detector, calibrated=calibrated)
    except RunError as error:
        raise ProblemError(503, error.message, error.action) from error


def _explanation(prediction: Prediction, pipeline: Pipeline) -> tuple[str, list[list[float]] | None]:
    """Return a face's heat map as a gray PNG the size of its crop, and the matrix that lays it over the picture."""
    heat = heat_map(prediction, classifier=pipeline.classifier)
    png = encode_png((heat * 255).round().astype(np.uint8))
    matrix = prediction.crop_to_frame
    rows = None if matrix is None else [[round(float(v), 4) for v in row] for row in matrix]
    return data_url(png, "image/png"), rows
