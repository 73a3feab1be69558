"""What is measured while live: rates, ages and stage times, and the emotions of the last minute."""

from __future__ import annotations

import csv
import io
import threading
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic

import numpy as np

from emoscope.model.emotions import emotion_key
from emoscope.model.faces.tracking import TrackedFace

WINDOW_SECONDS = 5.0
TIMELINE_SECONDS = 60.0
MAX_RECORDED_ROWS = 120_000
"""About an hour of two faces at 15 analyses per second, 10 MB; a recording ends there by itself."""


@dataclass(frozen=True)
class Performance:
    """Figures of the last five seconds; times in milliseconds, ``nan`` where nothing was measured.

    Attributes:
        camera_fps: Frames per second by the camera's own time stamps.
        shown_fps: Frames per second sent back.
        analyses_per_second: Analyses that came through.
        age_p50: Median age of what is drawn: time since its frame arrived.
        age_p95: 95th percentile of it.
        stages: Median per stage: decode, detect, classify, second, draw.
        dropped: Frames meant for analysis that a newer one replaced, since the start.
    """

    camera_fps: float
    shown_fps: float
    analyses_per_second: float
    age_p50: float
    age_p95: float
    stages: dict[str, float]
    dropped: int = 0


class Meter:
    """Collects times; safe to use from several threads, bounded in memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._samples: dict[str, deque[tuple[float, float]]] = {}

    def add(self, name: str, at: float, value: float) -> None:
        """Note one value, in seconds, at a time of the monotonic clock."""
        with self._lock:
            samples = self._samples.setdefault(name, deque(maxlen=600))
            samples.append((at, value))

    def clear(self) -> None:
        """Forget everything; a new connection starts at zero."""
        with self._lock:
            self._samples.clear()

    def performance(self, now: float | None = None, dropped: int = 0) -> Performance:
        """Sum up the last five seconds."""
        now = monotonic() if now is None else now
        with self._lock:
            recent = {
                name: [s for s in samples if s[0] > now - WINDOW_SECONDS] for name, samples in self._samples.items()
            }
        stamps = [value for _, value in recent.get("stamp", [])]
        steps = np.diff(stamps)
        steps = steps[steps > 0]
        ages = [1000 * value for _, value in recent.get("age", [])]
        stages = ("decode", "detect", "classify", "second", "draw")
        return Performance(
            camera_fps=float(1 / np.median(steps)) if len(steps) else float("nan"),
            shown_fps=_rate(recent.get("draw", [])),
            analyses_per_second=_rate(recent.get("detect", [])),
            age_p50=float(np.percentile(ages, 50)) if ages else float("nan"),
            age_p95=float(np.percentile(ages, 95)) if ages else float("nan"),
            stages={n: 1000 * float(np.median([v for _, v in recent[n]])) for n in stages if recent.get(n)},
            dropped=dropped,
        )


def _rate(samples: Sequence[tuple[float, float]]) -> float:
    """Return events per second, from the first to the last."""
    if len(samples) < 2 or samples[-1][0] <= samples[0][0]:
        return 0.0
    return (len(samples) - 1) / (samples[-1][0] - samples[0][0])


@dataclass(frozen=True, eq=False)
class Moment:
    """One analysis's prediction of one face.

    Attributes:
        at: Time of the frame, in seconds of the monotonic clock.
        track_id: The face.
        label: The steady label; empty where the picture was too poor to classify.
        class_names: The network's classes.
        probabilities: Smoothed, shape (C,).
        warning: Why the picture was too poor, or empty.
        other_label: What a second network predicts, or empty.
    """

    at: float
    track_id: int
    label: str
    class_names: tuple[str, ...]
    probabilities: np.ndarray
    warning: str = ""
    other_label: str = ""

    @classmethod
    def from_face(cls, face: TrackedFace, at: float) -> Moment:
        """Take from a tracked face what is kept of it; never its picture."""
        warning = face.prediction.warnings[0] if face.prediction.warnings else ""
        other = face.other.label if face.other is not None and not warning else ""
        label = "" if warning else face.label
        prediction = face.prediction
        return cls(at, face.track_id, label, prediction.class_names, prediction.probabilities, warning, other)


class Timeline:
    """The moments of the last minute; safe to use from several threads, bounded in memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._moments: deque[Moment] = deque(maxlen=12_000)

    def add(self, moments: Sequence[Moment]) -> None:
        """Append the faces of one analysis, and forget what is older than a minute."""
        with self._lock:
            self._moments.extend(moments)
            while self._moments and moments and self._moments[0].at < moments[-1].at - TIMELINE_SECONDS:
                self._moments.popleft()

    def moments(self, now: float | None = None) -> list[Moment]:
        """Return the last minute, oldest first."""
        since = (monotonic() if now is None else now) - TIMELINE_SECONDS
        with self._lock:
            return [m for m in self._moments if m.at >= since]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._moments.clear()


def agreement(moments: Sequence[Moment]) -> float:
    """Return the share of the moments with two predictions that agree; ``nan`` without such moments."""
    pairs = [(emotion_key(m.label), emotion_key(m.other_label)) for m in moments if m.other_label and m.label]
    return sum(a == b for a, b in pairs) / len(pairs) if pairs else float("nan")


@dataclass
class Recording:
    """A session's emotions from start to stop, on request; numbers only, never pictures.

    Attributes:
        started: Monotonic seconds.
        stopped: The same; None while it runs.
        moments: The predictions.
    """

    started: float
    stopped: float | None = None
    moments: list[Moment] = field(default_factory=list)

    def add(self, moments: Sequence[Moment]) -> None:
        """Append the faces of one analysis; a full recording stops."""
        if self.stopped is None:
            self.moments.extend(m for m in moments if m.at >= self.started)
            if len(self.moments) >= MAX_RECORDED_ROWS:
                self.stopped = moments[-1].at

    def seconds(self, now: float | None = None) -> float:
        """Return the length so far."""
        end = self.stopped if self.stopped is not None else (monotonic() if now is None else now)
        return end - self.started

    def to_csv(self) -> str:
        """Return the timeline, one row per face and analysis; probabilities to four decimals."""
        moments = list(self.moments)
        classes = list(dict.fromkeys(name for m in moments for name in m.class_names))
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["seconds", "face", "label", "warning", "other_label", *(f"p_{name}" for name in classes)])
        for m in moments:
            values = dict(zip(m.class_names, m.probabilities, strict=True))
            cells = [f"{values[name]:.4f}" if name in values else "" for name in classes]
            writer.writerow([f"{m.at - self.started:.3f}", m.track_id, m.label, m.warning, m.other_label, *cells])
        return text.getvalue()

    def summary(self) -> list[dict[str, float | int | str]]:
        """Return one row per face: seconds in sight, main emotion, and each label's share of the usable time."""
        rows: list[dict[str, float | int | str]] = []
        for track_id in dict.fromkeys(m.track_id for m in self.moments):
            own = [m for m in self.moments if m.track_id == track_id]
            labels = Counter(m.label for m in own if m.label)
            readable = sum(labels.values())
            rows.append(
                {
                    "face": track_id,
                    "seen (s)": round(own[-1].at - own[0].at, 1),
                    "mostly": labels.most_common(1)[0][0] if labels else "not readable",
                    "not readable": round(1 - readable / len(own), 3),
                    **{name: round(labels[name] / max(1, readable), 3) for name in own[-1].class_names},
                }
            )
        return rows
