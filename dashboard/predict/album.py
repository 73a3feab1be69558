"""The pictures of one session and their predictions: compact, bounded, and nowhere but in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from io import BytesIO
from typing import Any, NamedTuple

import cv2
import numpy as np

from emoscope.model.entities import Prediction
from emoscope.model.errors import DetectorError, EmoscopeError, ImageError
from emoscope.model.explain import heat_map
from emoscope.model.images import decode_image
from emoscope.model.networks.classifier import Classifier
from emoscope.model.pipeline import Pipeline

MAX_PICTURES = 200
PREVIEW_SIDE = 1600
"""Longest side in pixels of what is kept and shown of a picture; about 0.3 MB each."""


class Problem(NamedTuple):
    """A file that could not be opened, or not be predicted as was asked, and why."""

    name: str
    error: EmoscopeError


_TOO_MANY = ImageError(
    f"The page takes {MAX_PICTURES} pictures at a time.", "`python -m model predict FOLDER` takes any number."
)


@dataclass(frozen=True, eq=False)
class Picture:
    """What is kept of an upload once it was predicted.

    Attributes:
        key: Hash of name and content.
        name: File name as uploaded.
        width: Of the upload, in pixels.
        height: Of the upload, in pixels.
        preview: JPEG of at most :data:`PREVIEW_SIDE` pixels per side.
        scale: Pixels of the preview per pixel of the upload, at most 1.
        detector_name: The face detector chosen for this picture alone; None for the one of all pictures.
        notes: What was left out or is missing of a damaged file, a sentence each.
    """

    key: str
    name: str
    width: int
    height: int
    preview: bytes
    scale: float
    detector_name: str | None = None
    notes: tuple[str, ...] = ()

    def frame(self) -> np.ndarray:
        """Decode the preview: BGR, uint8, shape (h, w, 3)."""
        frame = cv2.imdecode(np.frombuffer(self.preview, np.uint8), cv2.IMREAD_COLOR)
        assert frame is not None, "the preview was encoded here"
        return frame


@dataclass
class Album:
    """Pictures in the order to show them, newest batch first, and their predictions by network and detector.

    Predictions are kept for each way in which a picture was predicted, so that going back to an earlier choice, or only
    changing how results are shown, runs no network. A detector that was chosen beside a picture holds for it alone,
    whatever way the others are predicted.

    A press while pictures are predicted starts the next run of the page at once, and the one before ends only after the
    picture that it has in hand: two threads may be here, the earlier one with what it knew.
    """

    pictures: dict[str, Picture] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    predictions: dict[tuple[Any, ...], list[Prediction]] = field(default_factory=dict)
    heat_maps: dict[tuple[Any, ...], np.ndarray] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False, compare=False)

    def add(self, files: Sequence[tuple[str, BytesIO]], pipeline: Pipeline, way: tuple[Any, ...]) -> Iterator[str]:
        """Open and predict a batch of files, and put it before all others.

        Yields the name of each file before it is opened, so that a caller can show progress.

        Args:
            files: Name and content of each; those beyond :data:`MAX_PICTURES` are left out, which is a problem noted.
            pipeline: Detects and classifies the faces.
            way: Names the pipeline, hashable; predictions are kept under it.
        """
        self.problems = []
        batch: dict[str, Picture] = {}
        for name, stream in files[:MAX_PICTURES]:
            yield name
            data = stream.getvalue()
            key = blake2b(name.encode() + b"\0" + data, digest_size=16).hexdigest()
            try:
                if key in self.pictures:
                    batch[key] = self.pictures[key]
                else:
                    notes: list[str] = []
                    frame = decode_image(data, notes=notes)
                    batch[key] = replace(_keep(key, name, frame), notes=tuple(notes))
                    self._keep_predictions(batch[key], way, pipeline.analyze(frame))
            except ImageError as error:
                self.problems.append(Problem(name, error))
        if files[MAX_PICTURES:]:
            self.problems.append(Problem(f"{len(files) - MAX_PICTURES} more", _TOO_MANY))
        with self._lock:
            batch = {key: self.pictures.get(key, picture) for key, picture in batch.items()}
            self.pictures = dict(list({**batch, **self.pictures}.items())[:MAX_PICTURES])
            self._forget()

    def unpredicted(self, way: tuple[Any, ...]) -> list[Picture]:
        """Return the pictures that were not predicted in this way yet, or not with their own detector."""
        with self._lock:
            return [picture for picture in self.pictures.values() if _at(picture, way) not in self.predictions]

    def predict(
        self, pictures: list[Picture], pipeline_with: Callable[[str | None], Pipeline], way: tuple[Any, ...]
    ) -> Iterator[str]:
        """Predict pictures from their previews, as :meth:`add` does from files.

        Args:
            pictures: From :meth:`unpredicted`.
            pipeline_with: Returns the pipeline with a detector by name, with that of all pictures for None.
            way: As for :meth:`add`.
        """
        for picture in pictures:
            yield picture.name
            try:
                pipeline = pipeline_with(picture.detector_name)
            except DetectorError as error:
                if picture.detector_name is None:
                    raise
                if self.pictures[picture.key].detector_name == picture.detector_name:  # not another one meanwhile
                    self.choose_detector(picture.key, None)
                    self.problems.append(Problem(picture.name, error))
                picture = replace(picture, detector_name=None)
                pipeline = pipeline_with(None)
            found = pipeline.analyze(picture.frame())
            self._keep_predictions(picture, way, [p.moved(1 / picture.scale) for p in found])
        self._forget()

    def choose_detector(self, key: str, name: str | None) -> None:
        """Let a detector detect the faces of one picture, ``none`` for a cropped face; None for that of all pictures.

        What an earlier choice for this picture failed by is forgotten.
        """
        with self._lock:
            picture = self.pictures[key] = replace(self.pictures[key], detector_name=name)
        self.problems = [problem for problem in self.problems if problem.name != picture.name]

    def results(self, way: tuple[Any, ...]) -> list[tuple[Picture, list[Prediction]]]:
        """Return the pictures that were predicted in this way, each with its predictions in pixels of the upload."""
        with self._lock:
            pictures = self.pictures.values()
            return [(p, self.predictions[at]) for p in pictures if (at := _at(p, way)) in self.predictions]

    def heat_map(self, picture: Picture, way: tuple[Any, ...], number: int, classifier: Classifier) -> np.ndarray:
        """Return the heat map of a picture's face, float32, 0..1, shape (H, W) of its crop; occlusion runs once."""
        at = (*_at(picture, way), number)
        if at not in self.heat_maps:
            found = heat_map(self.predictions[at[:-1]][number], classifier=classifier)
            with self._lock:
                self.heat_maps[at] = found
                self._forget()
            return found
        return self.heat_maps[at]

    def _keep_predictions(self, picture: Picture, way: tuple[Any, ...], found: list[Prediction]) -> None:
        """Keep a picture's predictions under the detector that it was given, whatever was chosen meanwhile."""
        with self._lock:
            self.predictions[_at(picture, way)] = found

    def _forget(self) -> None:
        """Drop what belongs to pictures that are gone, and the oldest where there is too much."""
        with self._lock:
            kept = [(at, found) for at, found in self.predictions.items() if at[0] in self.pictures]
            self.predictions = dict(kept[-4 * MAX_PICTURES :])
            heats = [(at, heat) for at, heat in self.heat_maps.items() if at[:-1] in self.predictions]
            self.heat_maps = dict(heats[-4 * MAX_PICTURES :])


def _at(picture: Picture, way: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return where a picture's predictions are kept."""
    return picture.key, way, picture.detector_name


def _keep(key: str, name: str, frame_bgr: np.ndarray) -> Picture:
    height, width = frame_bgr.shape[:2]
    scale = min(1.0, PREVIEW_SIDE / max(height, width))
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        frame_bgr = cv2.resize(frame_bgr, size, interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", frame_bgr, [cv2.IMWRITE_JPEG_QUALITY, 92])
    return Picture(key, name, width, height, jpeg.tobytes(), scale)
