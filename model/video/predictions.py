"""The predictions of a video over time, as compact columns: an hour of it takes a few megabytes."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TextIO

import numpy as np

from emoscope.model.entities import Detection, Prediction
from emoscope.model.faces.tracking import TrackedFace
from emoscope.model.video.reader import FRAME_SECONDS

MAX_ROWS = 2_000_000
"""An analysis ends after this many faces, about 120 MB: an hour of 50 people at 10 analyses per second."""

_LONGEST_GAP = 1.0


def longest_gap(step: float) -> float:
    """Return for how many seconds a face may be missing and still count as in sight, by the step between analyses."""
    return max(_LONGEST_GAP, 2.5 * step)


class ShownFace(NamedTuple):
    """A face as it is drawn at some moment.

    Attributes:
        prediction: Box in pixels of the video, track id and smoothed probabilities.
        label_index: The steady label.
    """

    prediction: Prediction
    label_index: int


@dataclass(frozen=True, eq=False)
class VideoPredictions:
    """Faces of A analyses in time order, N rows in all; the rows of analysis i are ``starts[i]:starts[i + 1]``.

    Attributes:
        class_names: The network's C classes.
        times: Seconds since the first frame, one per analysis, float64, shape (A,).
        starts: Shape (A + 1,).
        person: Track ids, int, shape (N,).
        xyxy: Boxes in pixels of the video, float32, shape (N, 4).
        probabilities: Smoothed, float32, shape (N, C).
        label: Index of the steady label, int, shape (N,).
        warning: 0 where the face could be classified, else the place in ``warnings`` plus 1, int, shape (N,).
        warnings: The warnings that occurred.
        end: When the last frame that was read ends, in seconds: after the last analysis; 0 where there is none.
    """

    class_names: tuple[str, ...]
    times: np.ndarray
    starts: np.ndarray
    person: np.ndarray
    xyxy: np.ndarray
    probabilities: np.ndarray
    label: np.ndarray
    warning: np.ndarray
    warnings: tuple[str, ...]
    end: float

    @property
    def row_times(self) -> np.ndarray:
        """The time of each row, shape (N,)."""
        return np.repeat(self.times, np.diff(self.starts))

    @property
    def step(self) -> float:
        """Seconds from analysis to analysis, as a rule; 0 for fewer than two."""
        return float(np.median(np.diff(self.times))) if len(self.times) > 1 else 0.0

    def faces_at(self, at: float, scale: float = 1.0) -> list[ShownFace]:
        """Return the faces of a moment, moved in a straight line from one analysis to the next.

        Args:
            at: Seconds since the first frame.
            scale: Pixels of the picture to draw on per pixel of the video.
        """
        i = int(np.searchsorted(self.times, at + 1e-6, side="right")) - 1
        longest = longest_gap(self.step)
        if i < 0 or at - self.times[i] > longest:
            return []
        rows = range(self.starts[i], self.starts[i + 1])
        after: dict[int, int] = {}
        share = 0.0
        if i + 1 < len(self.times) and self.times[i + 1] - self.times[i] <= longest:
            after = {int(self.person[row]): row for row in range(self.starts[i + 1], self.starts[i + 2])}
            share = (at - self.times[i]) / (self.times[i + 1] - self.times[i])
        return [self._shown(row, after.get(int(self.person[row]), row), share, scale) for row in rows]

    def _shown(self, row: int, after: int, share: float, scale: float) -> ShownFace:
        box = scale * (self.xyxy[row] + share * (self.xyxy[after] - self.xyxy[row]))
        mixed = self.probabilities[row] + share * (self.probabilities[after] - self.probabilities[row])
        warning = int(self.warning[row])
        prediction = Prediction(
            Detection(box, track_id=int(self.person[row])),
            mixed,
            self.class_names,
            warnings=(self.warnings[warning - 1],) if warning else (),
        )
        return ShownFace(prediction, int(self.label[row]))

    def columns(self) -> list[str]:
        """Return the columns of :meth:`rows`."""
        box = ["x1", "y1", "x2", "y2"]
        return ["seconds", "person", *box, "emotion", "confidence", *(f"p_{n}" for n in self.class_names), "warning"]

    def rows(self) -> Iterator[list[Any]]:
        """Yield one row per face and analysis, with an emotion or a ``warning`` why it was not classified."""
        for row, at in enumerate(self.row_times):
            label, warning = int(self.label[row]), int(self.warning[row])
            probabilities = [f"{p:.4f}" for p in self.probabilities[row]]
            yield [
                f"{at:.3f}",
                int(self.person[row]),
                *(f"{side:.1f}" for side in self.xyxy[row]),
                "" if warning else self.class_names[label],
                "" if warning else probabilities[label],
                *probabilities,
                self.warnings[warning - 1] if warning else "",
            ]

    def write_csv(self, stream: TextIO) -> None:
        """Write the rows under their column names."""
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(self.columns())
        table.writerows(self.rows())


class VideoPredictionsBuilder:
    """Collects predictions while a video is analysed; one thread adds, others may take a copy.

    Every face of every analysis is kept with its track. Which of them count is decided when a copy is taken: those of
    tracks that became people, up to the last analysis that found them.

    Args:
        class_names: The network's classes.
    """

    def __init__(self, class_names: Sequence[str]) -> None:
        self._class_names = tuple(class_names)
        self._times = array("d")
        self._ends = array("q", [0])
        self._track, self._label, self._warning = array("l"), array("b"), array("b")
        self._found = array("b")
        self._boxes, self._probabilities = array("f"), array("f")
        self._warnings: dict[str, int] = {}
        self._people: dict[int, int] = {}  # numbers by track
        self._end = 0.0

    def __len__(self) -> int:
        return self._ends[-1]

    def add(
        self,
        at: float,
        faces: Sequence[TrackedFace],
        scale: float,
        people: Sequence[int] | None = None,
        unconfirmed: Sequence[TrackedFace] = (),
    ) -> None:
        """Append one analysis.

        Args:
            at: Its time, in seconds; later than the one before.
            faces: As tracked, in pixels of the analysed picture.
            scale: Pixels of the video per pixel of the analysed picture.
            people: The number of the person that each face is; by default that of its track.
            unconfirmed: Faces that may be blips. They count if a later analysis has their track among ``faces``.
        """
        tracks = [face.track_id for face in faces]
        self._people.update(zip(tracks, tracks if people is None else people, strict=True))
        for face in (*faces, *unconfirmed):
            prediction = face.prediction
            self._track.append(face.track_id)
            self._found.append(not face.is_held)
            self._boxes.extend(float(side) * scale for side in prediction.detection.xyxy)
            self._probabilities.extend(prediction.probabilities.tolist())
            self._label.append(face.label_index)
            warning = prediction.warnings[0] if prediction.warnings else ""
            self._warning.append(self._warnings.setdefault(warning, len(self._warnings) + 1) if warning else 0)
        self._ends.append(len(self._track))
        self._times.append(at)

    def reach(self, end: float) -> None:
        """Take in when the newest frame ends, in seconds."""
        self._end = end

    def build(self) -> VideoPredictions:
        """Return what is collected so far."""
        count = len(self._times)  # what another thread is adding just now lies behind these
        times, starts = np.array(self._times[:count], np.float64), np.array(self._ends[: count + 1], np.int64)
        rows, classes = int(starts[-1]), len(self._class_names)
        person = self._persons(rows)
        kept = person > 0
        return VideoPredictions(
            self._class_names,
            times,
            np.concatenate([[0], np.cumsum(kept)])[starts],
            person[kept],
            np.array(self._boxes[: 4 * rows], np.float32).reshape(-1, 4)[kept],
            np.array(self._probabilities[: classes * rows], np.float32).reshape(-1, classes)[kept],
            np.array(self._label[:rows], np.int64)[kept],
            np.array(self._warning[:rows], np.int64)[kept],
            tuple(self._warnings),
            self._last_end(times),
        )

    def _persons(self, rows: int) -> np.ndarray:
        """Return each row's person, shape (N,): 0 for blips and for a face that is held and never found again."""
        tracks, place = np.unique(np.array(self._track[:rows], np.int64), return_inverse=True)
        last = np.full(len(tracks), -1)
        found = np.flatnonzero(np.array(self._found[:rows], bool))
        np.maximum.at(last, place[found], found)
        people = np.array([self._people.get(int(track), 0) for track in tracks], np.int64)
        return np.where(np.arange(rows) <= last[place], people[place], 0)

    def _last_end(self, times: np.ndarray) -> float:
        if not len(times):
            return 0.0
        if self._end > times[-1]:
            return self._end
        return float(times[-1] + (np.median(np.diff(times)) if len(times) > 1 else FRAME_SECONDS))
