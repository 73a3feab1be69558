"""The pictures of one session and what was read in them: compact, bounded, and nowhere but in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from io import BytesIO
from typing import NamedTuple

import cv2
import numpy as np

from emoscope.model.entities import Detection, Prediction
from emoscope.model.errors import ImageError
from emoscope.model.explain import heat_map
from emoscope.model.images import decode_image
from emoscope.model.networks.classifier import Classifier
from emoscope.model.pipeline import Pipeline

MAX_PICTURES = 200
PREVIEW_SIDE = 1600
"""Longest side in pixels of what is kept and shown of a picture; about 0.3 MB each."""


class Problem(NamedTuple):
    """A file that could not be opened, and why."""

    name: str
    error: ImageError


_TOO_MANY = ImageError(
    f"The page reads {MAX_PICTURES} pictures at a time.", "`python -m model predict FOLDER` reads any number."
)


@dataclass(frozen=True, eq=False)
class Picture:
    """What is kept of an upload once it was read.

    Attributes:
        key: Hash of name and content.
        name: File name as uploaded.
        width: Of the upload, in pixels.
        height: Of the upload, in pixels.
        preview: JPEG of at most :data:`PREVIEW_SIDE` pixels a side.
        scale: Pixels of the preview a pixel of the upload, at most 1.
    """

    key: str
    name: str
    width: int
    height: int
    preview: bytes
    scale: float

    def frame(self) -> np.ndarray:
        """Decode the preview: BGR, uint8, shape (h, w, 3)."""
        frame = cv2.imdecode(np.frombuffer(self.preview, np.uint8), cv2.IMREAD_COLOR)
        assert frame is not None, "the preview was encoded here"
        return frame


@dataclass
class Album:
    """Pictures in the order to show them, newest batch first, and readings of them by network and detector.

    A reading is kept for each way in which a picture was read, so that going back to an earlier choice, or only
    changing how results are shown, runs no network.
    """

    pictures: dict[str, Picture] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    readings: dict[tuple, list[Prediction]] = field(default_factory=dict)
    heat_maps: dict[tuple, np.ndarray] = field(default_factory=dict)

    def add(self, files: Sequence[tuple[str, BytesIO]], pipeline: Pipeline, way: tuple) -> Iterator[str]:
        """Open and read a batch of files, and put it before all others.

        Yields the name of each file before it is read, so that a caller can show progress.

        Args:
            files: Name and content of each; those beyond :data:`MAX_PICTURES` are left out, which is a problem noted.
            pipeline: Finds and reads the faces.
            way: Names the pipeline, hashable; readings are kept under it.
        """
        self.problems = []
        batch: dict[str, Picture] = {}
        for name, stream in files[:MAX_PICTURES]:
            yield name
            data = stream.getvalue()
            key = blake2b(name.encode() + b"\0" + data, digest_size=16).hexdigest()
            try:
                if (key, way) in self.readings and key in self.pictures:
                    batch[key] = self.pictures[key]
                else:
                    frame = decode_image(data)
                    self.readings[key, way] = pipeline.analyze(frame)
                    batch[key] = _keep(key, name, frame)
            except ImageError as error:
                self.problems.append(Problem(name, error))
        if files[MAX_PICTURES:]:
            self.problems.append(Problem(f"{len(files) - MAX_PICTURES} more", _TOO_MANY))
        self.pictures = dict(list({**batch, **self.pictures}.items())[:MAX_PICTURES])
        self._forget()

    def unread(self, way: tuple) -> list[Picture]:
        """Return the pictures that were not read in this way yet."""
        return [picture for key, picture in self.pictures.items() if (key, way) not in self.readings]

    def read(self, pictures: list[Picture], pipeline: Pipeline, way: tuple) -> Iterator[str]:
        """Read pictures from their previews, as :meth:`add` does from files."""
        for picture in pictures:
            yield picture.name
            found = pipeline.analyze(picture.frame())
            self.readings[picture.key, way] = [scaled(p, 1 / picture.scale) for p in found]
        self._forget()

    def results(self, way: tuple) -> list[tuple[Picture, list[Prediction]]]:
        """Return the pictures that were read in this way, each with its predictions in pixels of the upload."""
        return [(p, self.readings[key, way]) for key, p in self.pictures.items() if (key, way) in self.readings]

    def heat_map(self, picture: Picture, way: tuple, number: int, classifier: Classifier) -> np.ndarray:
        """Return the heat map of a picture's face, float32, 0..1, shape (H, W) of its crop; occlusion runs once."""
        at = (picture.key, way, number)
        if at not in self.heat_maps:
            self.heat_maps[at] = heat_map(self.readings[picture.key, way][number], classifier=classifier)
            self._forget()
        return self.heat_maps[at]

    def _forget(self) -> None:
        """Drop what belongs to pictures that are gone, and the oldest where there is too much."""
        kept = [(at, reading) for at, reading in self.readings.items() if at[0] in self.pictures]
        self.readings = dict(kept[-4 * MAX_PICTURES :])
        heats = [(at, heat) for at, heat in self.heat_maps.items() if at[:2] in self.readings]
        self.heat_maps = dict(heats[-4 * MAX_PICTURES :])


def scaled(prediction: Prediction, factor: float) -> Prediction:
    """Return a prediction as it is in a copy of the frame that is ``factor`` times as large."""
    if factor == 1:
        return prediction
    detection = prediction.detection
    landmarks = None if detection.landmarks is None else detection.landmarks * factor
    matrix = prediction.crop_to_frame
    return replace(
        prediction,
        detection=Detection(detection.xyxy * factor, detection.confidence, landmarks, detection.track_id),
        crop_to_frame=None if matrix is None else matrix * np.float32(factor),
    )


def _keep(key: str, name: str, frame_bgr: np.ndarray) -> Picture:
    height, width = frame_bgr.shape[:2]
    scale = min(1.0, PREVIEW_SIDE / max(height, width))
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        frame_bgr = cv2.resize(frame_bgr, size, interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", frame_bgr, [cv2.IMWRITE_JPEG_QUALITY, 92])
    return Picture(key, name, width, height, jpeg.tobytes(), scale)
