"""One session's video: its bytes, its predictions, and its annotated copy; all in memory, written nowhere."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np

from emoscope.dashboard.video.background import BackgroundWork
from emoscope.model.drawing.annotate import annotate
from emoscope.model.errors import EmoscopeError, VideoError
from emoscope.model.pipeline import Pipeline
from emoscope.model.video.analysis import Progress, VideoAnalysis
from emoscope.model.video.playing import browser_type
from emoscope.model.video.predictions import ShownFace, VideoPredictions
from emoscope.model.video.reader import FRAME_SECONDS, Video, clock, read_frame
from emoscope.model.video.writer import AnnotatedVideo

MAX_MEGABYTES = 200
"""Of an upload, and of its annotated copy."""

FRAME_SIDE = 1280
_FRAMES_KEPT = 12


class Clip:
    """An uploaded video and its predictions.

    Args:
        name: As uploaded.
        data: The file.
        pipeline: Detects and classifies the faces.
        way: Names network and detector, hashable.
        rate: Analyses per second.
    """

    def __init__(self, name: str, data: bytes, pipeline: Pipeline, way: tuple[Any, ...], rate: float) -> None:
        self.name, self.data, self.way, self.rate = name, data, way, rate
        self._pipeline = pipeline
        self.analysis: VideoAnalysis | None = None
        self.copy: bytes | None = None
        self.copy_problem = ""
        self._predictions: VideoPredictions | None = None
        self._frames: dict[float, bytes] = {}
        self._browser_type: str | None = None

    def predict(self) -> Iterator[Progress]:
        """Analyse the video; what is there can be used before the last step."""
        with Video(io.BytesIO(self.data)) as video:
            self.analysis = VideoAnalysis(video, self._pipeline, self.rate)
            yield from self.analysis.run()

    def draw(self) -> Iterator[Progress]:
        """Make the annotated copy; one that is stopped half-way is dropped."""
        target = io.BytesIO()
        drawing = AnnotatedVideo(io.BytesIO(self.data), target, self.predictions, max_bytes=MAX_MEGABYTES * 1_000_000)
        yield from drawing.run()
        self.copy, self.copy_problem = target.getvalue(), drawing.problem

    @property
    def predictions(self) -> VideoPredictions:
        """The predictions; to be asked for once the analysis has ended."""
        if self._predictions is None:
            assert self.analysis is not None, "the clip was read"
            self._predictions = self.analysis.predictions()
        return self._predictions

    @property
    def seconds(self) -> float:
        """The length that was analysed, in seconds; never 0."""
        return self.predictions.end or FRAME_SECONDS

    def film(self) -> tuple[bytes, str] | None:
        """Return what a browser can play and its MIME type: the annotated copy once it is made, else the file itself.

        Returns:
            None where browsers do not play the file and there is no copy.
        """
        if self.copy is not None:
            return self.copy, "video/mp4"
        if self._browser_type is None:
            self._browser_type = browser_type(io.BytesIO(self.data))
        return (self.data, self._browser_type) if self._browser_type else None

    def frame(self, at: float) -> tuple[bytes, list[ShownFace]]:
        """Return the frame at a time with its predictions drawn in, as JPEG, and its faces."""
        faces = self.predictions.faces_at(at)
        if at not in self._frames:
            image = self._picture(at)
            assert self.analysis is not None
            here = self.predictions.faces_at(at, scale=image.shape[1] / self.analysis.info.width)
            labels = [face.label_index for face in here]
            drawn = annotate(image, [face.prediction for face in here], bars=False, label_indices=labels)
            _, data = cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, 88])
            self._frames[at] = data.tobytes()
            while len(self._frames) > _FRAMES_KEPT:
                del self._frames[next(iter(self._frames))]
        return self._frames[at], faces

    def _picture(self, at: float) -> np.ndarray:
        """Return the frame of the file, or where that cannot be found again the nearest one that was kept."""
        image = read_frame(io.BytesIO(self.data), at, FRAME_SIDE)
        if image is not None:
            return image
        assert self.analysis is not None
        still = min(self.analysis.film.stills, key=lambda still: abs(still.at - at))
        kept = cv2.imdecode(np.frombuffer(still.jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert kept is not None, "the still was encoded here"
        return kept

    def to_csv(self) -> bytes:
        """Return one row per face and analysis, UTF-8."""
        text = io.StringIO()
        self.predictions.write_csv(text)
        return text.getvalue().encode()


class ClipWork:
    """A clip and the threads that work on it. Dropping this stops them.

    Args:
        clip: Its analysis starts at once.
        is_wanted: Tells whether who brought it is still there; without them the work ends soon.
    """

    def __init__(self, clip: Clip, is_wanted: Callable[[], bool]) -> None:
        self.clip = clip
        self._is_wanted = is_wanted
        self.predicting = BackgroundWork(clip.predict, is_wanted)
        self.drawing: BackgroundWork | None = None

    def start_drawing(self) -> None:
        """Begin the annotated copy."""
        self.drawing = BackgroundWork(self.clip.draw, self._is_wanted)

    def predict_again(self, pipeline: Pipeline, way: tuple[Any, ...]) -> ClipWork:
        """Return work on the same file with another network or detector."""
        self.predicting.stop()
        return ClipWork(Clip(self.clip.name, self.clip.data, pipeline, way, self.clip.rate), self._is_wanted)

    @property
    def problem(self) -> str:
        """What of the file could not be analysed, as a sentence; empty if nothing is missing."""
        analysis = self.clip.analysis
        if analysis is None:
            return ""
        if self.predicting.was_stopped:
            lost = self.predicting.was_abandoned
            who = "The connection was lost and the analysis ended" if lost else "You stopped the analysis"
            return f"{who} at {clock(self.clip.seconds)}; what was found until then is shown."
        return analysis.problem

    @property
    def failure(self) -> EmoscopeError | None:
        """Why nothing can be shown of the file once its analysis has ended; None if something can."""
        if self.predicting.error is None and self.clip.analysis is None:
            return VideoError("The analysis was stopped before it began.", "Choose the video again.")
        return self.predicting.error
