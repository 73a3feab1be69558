"""The live video processor: every camera frame comes back at once, drawn with the newest result there is.

Threads: ``recv`` and ``on_ended`` run on the WebRTC event loop, ``_analyze`` on a thread of the analysis pool, and the
rest on the page's script thread. They meet at one lock, held for microseconds. No ``st.*`` in this module.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from time import monotonic, perf_counter

import av
import cv2
import numpy as np

from emoscope.dashboard.live.analysis_pool import AnalysisPool, Seat
from emoscope.dashboard.live.neutral import NeutralFace
from emoscope.dashboard.live.pacing import FrameBudget
from emoscope.dashboard.live.statistics import Meter, Moment, Performance, Recording, Timeline, agreement
from emoscope.model.drawing.annotate import annotate
from emoscope.model.entities import Detection, Prediction
from emoscope.model.errors import BaselineError, EmoscopeError
from emoscope.model.faces.baseline import NeutralBaseline
from emoscope.model.faces.quality import is_black
from emoscope.model.faces.tracking import TrackedFace, Tracker, TrackingSettings
from emoscope.model.networks.classifier import Classifier
from emoscope.model.pipeline import Pipeline

_log = logging.getLogger(__name__)

CAMERA_RATE = 30
"""Frames per second that the page asks a camera for, at most."""
_SEARCH_SECONDS = 0.8
_BLACK_SECONDS = 1.5  # many cameras begin with black pictures
"""How long a new face may go unseen while known ones are only followed."""


@dataclass(frozen=True, eq=False)
class LiveSettings:
    """What a person can change while the video runs.

    Attributes:
        pipeline: Detector and network.
        second: The network to compare with, behind the same detector; None for none.
        rate: Analyses wanted per second.
        tracking: Smoothing of boxes and probabilities.
        bars: Whether to draw all probabilities beside a face.
        heat_maps: Whether to draw the evidence over a face.
        mirror: Whether to show the picture as a mirror does.
        correct_baseline: Whether to take off the measured neutral face.
    """

    pipeline: Pipeline
    second: Pipeline | None = None
    rate: float = 15.0
    tracking: TrackingSettings = TrackingSettings()  # noqa: RUF009 - frozen
    bars: bool = True
    heat_maps: bool = False
    mirror: bool = True
    correct_baseline: bool = True


@dataclass(frozen=True, eq=False)
class LiveView:
    """What the page shows beside the video, as of one moment.

    Attributes:
        faces: The newest tracked faces.
        uncorrected: Newest probabilities before the baseline was taken off, by track id; empty without a baseline.
        performance: Rates and times of the last seconds.
        error: Why the analysis fails, as a sentence; empty while it works.
        busy: Whether all seats are taken, so that only the picture comes back.
        is_running: Whether frames arrive.
        baseline_progress: 0..1 while a neutral face is measured, else None.
        baseline_problem: Why the last measurement gave no baseline; None where it did, or none was made.
        is_black: Whether the camera has been sending black pictures for longer than it takes to start.
    """

    faces: list[TrackedFace]
    uncorrected: dict[int, np.ndarray]
    performance: Performance
    error: str
    busy: bool
    is_running: bool
    baseline_progress: float | None
    baseline_problem: BaselineError | None = None
    is_black: bool = False


class LiveProcessor:
    """One session's live video; outlives connections, so that settings, recording and baseline do.

    Args:
        pool: Shared by all sessions.
        settings: To start with.
    """

    def __init__(self, pool: AnalysisPool, settings: LiveSettings) -> None:
        self._pool = pool
        self._lock = threading.Lock()
        self._settings = settings
        self._tracker = Tracker(settings.tracking)
        self._seat: Seat | None = None
        self._busy = False
        self._error = ""
        self._analyzed_at: float | None = None  # when the frame behind the newest result arrived
        self._frame_at = float("-inf")
        self._budget = FrameBudget()
        self._uncorrected: dict[int, np.ndarray] = {}
        self._neutral = NeutralFace()
        self._known: list[Detection] = []  # of the newest analysis
        self._black_since = float("inf")
        self._searched_at = float("-inf")
        self._paired_since = float("-inf")  # when the two networks that are compared were chosen
        self._meter = Meter()
        self.timeline = Timeline()
        self.recording: Recording | None = None

    # ---------------------------------------------------------------- the WebRTC event loop

    def wants(self, frame: av.VideoFrame) -> bool:
        """Tell whether a frame is to be sent back; not all are where many people are live."""
        now, rate = monotonic(), self._pool.frame_rate
        wanted = self._budget.take(now, rate) or rate >= CAMERA_RATE
        if not wanted:
            self._note_stamp(frame, now)  # else recv does: the camera's rate counts every frame
        return wanted

    def recv(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Draw the newest result on a frame and return it; hand the frame to the analysis if that is due."""
        now, start = monotonic(), perf_counter()
        image = _to_bgr(frame)
        settings = self._settings
        if settings.mirror:
            image = cv2.flip(image, 1)  # ten times faster than NumPy's
        decoded = perf_counter()
        if now - self._frame_at > 2:
            self._begin()
        self._frame_at = now
        self._offer(image, now, settings)
        with self._lock:
            faces = self._tracker.faces(now)
            analyzed_at = self._analyzed_at
        try:
            drawn = annotate(
                image,
                [face.prediction for face in faces],
                bars=settings.bars,
                heat_maps=settings.heat_maps,
                label_indices=[face.label_index for face in faces],
                others=[face.other for face in faces],
            )
        except Exception:
            _log.exception("Drawing failed")
            self._error = "Drawing failed, so the picture comes back as it is."
            drawn = image
        shown = _from_bgr(drawn, like=frame)
        self._meter.add("decode", now, decoded - start)
        self._meter.add("draw", now, perf_counter() - decoded)
        self._note_stamp(frame, now)
        if analyzed_at is not None:
            self._meter.add("age", now, monotonic() - analyzed_at)
        return shown

    def on_ended(self) -> None:
        """Give the seat back when the camera stops or the connection breaks."""
        seat, self._seat = self._seat, None
        if seat is not None:
            seat.leave()
        self._frame_at = float("-inf")
        with self._lock:
            self._tracker.reset()
            self._analyzed_at = None
            self._neutral.stop()

    def _note_stamp(self, frame: av.VideoFrame, now: float) -> None:
        if frame.pts is not None and frame.time_base is not None:
            self._meter.add("stamp", now, float(frame.pts * frame.time_base))

    def _begin(self) -> None:
        self._meter.clear()
        self._searched_at = float("-inf")
        self._black_since = float("inf")
        with self._lock:
            self._tracker.reset()
            self._analyzed_at = None
            self._uncorrected = {}

    def _offer(self, image: np.ndarray, now: float, settings: LiveSettings) -> None:
        seat = self._seat
        if seat is None or seat.left:
            seat = self._seat = self._pool.join(self._analyze)
        self._busy = seat is None
        if seat is not None:
            seat.offer(image, now, settings.rate)

    # ---------------------------------------------------------------- a thread of the analysis pool

    def _analyze(self, frame_bgr: np.ndarray, at: float) -> None:
        settings = self._settings
        try:
            is_search = at - self._searched_at >= _SEARCH_SECONDS
            analysis = settings.pipeline.analyze_timed(frame_bgr, () if is_search else self._known)
            if is_search:
                self._searched_at = at
            self._known = [prediction.detection for prediction in analysis.predictions]
            predictions, seconds = analysis.predictions, dict(analysis.seconds)
            is_dark = not predictions and is_black(frame_bgr)
            self._black_since = min(self._black_since, at) if is_dark else float("inf")
            others = None
            if settings.second is not None:
                start = perf_counter()
                others = settings.second.classify(frame_bgr, [p.detection for p in predictions])
                seconds["second"] = perf_counter() - start
        except Exception as error:
            if not self._error:
                _log.exception("Live analysis failed")
            self._error = str(error) if isinstance(error, EmoscopeError) else (
                f"The analysis failed ({type(error).__name__}: {error}). Choose another network or detector."
            )  # fmt: skip
            with self._lock:
                self._tracker.reset()
            return
        raw = predictions
        with self._lock:
            self._neutral.collect(raw, at)
            predictions = self._corrected(raw, settings)
            self._tracker.settings = settings.tracking
            faces = self._tracker.update(predictions, at, others)
            self._uncorrected = _raw_by_track(faces, raw) if predictions is not raw else {}
            self._analyzed_at = at
            self._error = ""
        moments = [Moment.from_face(face, at) for face in faces]
        self.timeline.add(moments)
        if self.recording is not None and moments:
            self.recording.add(moments)
        for name, value in seconds.items():
            self._meter.add(name, monotonic(), value)

    def _corrected(self, raw: list[Prediction], settings: LiveSettings) -> list[Prediction]:
        """Take the baseline off, if one is in use; the lock is held."""
        return self._neutral.corrected(raw) if settings.correct_baseline else raw

    # ---------------------------------------------------------------- the page's script thread

    def configure(self, settings: LiveSettings) -> None:
        """Change what is shown from the next frame on, without a new connection."""
        before, self._settings = self._settings, settings
        if _networks(before) != _networks(settings):
            self._paired_since = monotonic()
        if before.pipeline.classifier is not settings.pipeline.classifier:
            with self._lock:
                self._tracker.reset()
                self._neutral.forget()
            self._error = ""
        elif before.pipeline.detector is not settings.pipeline.detector:
            self._error = ""

    def view(self) -> LiveView:
        """Return what is to be shown beside the video now."""
        now = monotonic()
        with self._lock:
            faces = self._tracker.faces(now)
            uncorrected = dict(self._uncorrected)
            progress, problem = self._neutral.progress(now), self._neutral.problem
        seat = self._seat
        return LiveView(
            faces=faces,
            uncorrected=uncorrected,
            performance=self._meter.performance(now, seat.dropped if seat else 0),
            error=self._error,
            busy=self._busy,
            is_running=now - self._frame_at < 2,
            baseline_progress=progress,
            baseline_problem=problem,
            is_black=now - self._black_since > _BLACK_SECONDS,
        )

    def agreement(self) -> float:
        """Return the share of the last minute in which both networks predict the same; ``nan`` without a second one."""
        if self._settings.second is None:
            return float("nan")
        return agreement([m for m in self.timeline.moments() if m.at >= self._paired_since])

    def analyze_still(self, frame_bgr: np.ndarray) -> np.ndarray:
        """Analyse one picture of the camera like a frame of the video, and draw on it; it is kept nowhere.

        Args:
            frame_bgr: As the camera gives it, not mirrored; uint8, shape (H, W, 3).

        Returns:
            The drawing, of the same shape.
        """
        settings = self._settings
        image = cv2.flip(frame_bgr, 1) if settings.mirror else frame_bgr
        raw = settings.pipeline.analyze(image)
        others = settings.second.classify(image, [p.detection for p in raw]) if settings.second is not None else ()
        with self._lock:
            predictions = self._corrected(raw, settings)
        return annotate(image, predictions, bars=settings.bars, heat_maps=settings.heat_maps, others=others)

    def start_recording(self) -> None:
        """Note emotions from now on; an earlier recording is dropped."""
        self.recording = Recording(monotonic())

    @property
    def has_camera(self) -> bool:
        """Whether a camera has sent frames since the last connection ended, be they late."""
        return self._frame_at != float("-inf")

    @property
    def is_recording(self) -> bool:
        """Whether emotions are being noted now."""
        return self.recording is not None and self.recording.stopped is None

    def stop_recording(self) -> None:
        """End the recording; it stays to be saved."""
        if self.recording is not None and self.recording.stopped is None:
            self.recording.stopped = monotonic()

    def measure_baseline(self) -> None:
        """Learn the neutral face from three seconds, which begin with the first readable face."""
        with self._lock:
            self._neutral.measure()

    def use_baseline(self, wanted: bool) -> None:
        """Switch the correction on or off."""
        self._settings = replace(self._settings, correct_baseline=wanted)

    def drop_baseline(self) -> None:
        """Forget the neutral face."""
        with self._lock:
            self._neutral.forget()

    @property
    def baseline(self) -> NeutralBaseline | None:
        """The measured neutral face; None before one was measured, or where no readable face was seen."""
        return self._neutral.baseline


# FFmpeg converts colours on threads that it starts for every single frame, in the codec too if it is not given what it
# works on. On a machine with many viewers each of these conversions waits for the others; OpenCV's do not.


def _is_planar(frame: av.VideoFrame) -> bool:
    return frame.format.name == "yuv420p" and frame.width % 2 == 0 and frame.height % 2 == 0


def _to_bgr(frame: av.VideoFrame) -> np.ndarray:
    if not _is_planar(frame):
        return frame.to_ndarray(format="bgr24")
    return cv2.cvtColor(frame.to_ndarray(), cv2.COLOR_YUV2BGR_I420)


def _from_bgr(image: np.ndarray, like: av.VideoFrame) -> av.VideoFrame:
    if not _is_planar(like):
        return av.VideoFrame.from_ndarray(image, format="bgr24")
    planes: np.ndarray = cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420)
    return av.VideoFrame.from_ndarray(planes.astype(np.uint8, copy=False), format="yuv420p")


def _networks(settings: LiveSettings) -> tuple[Classifier, Classifier | None]:
    return settings.pipeline.classifier, settings.second.classifier if settings.second else None


def _raw_by_track(faces: list[TrackedFace], raw: list[Prediction]) -> dict[int, np.ndarray]:
    """Pair tracked faces with the raw predictions nearest to them."""
    result = {}
    for face in faces:
        x1, y1, x2, y2 = face.prediction.detection.xyxy
        middle = np.array([x1 + x2, y1 + y2]) / 2
        distances = [float(np.hypot(*(middle - p.detection.xyxy.reshape(2, 2).mean(0)))) for p in raw]
        if distances and min(distances) < x2 - x1:
            result[face.track_id] = raw[int(np.argmin(distances))].probabilities
    return result
