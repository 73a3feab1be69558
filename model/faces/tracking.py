"""Faces followed from analysis to analysis: stable ids, boxes that move in between, labels that do not flicker."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from emoscope.model.entities import Detection, Prediction

SURE = 0.8
"""From this confidence of a detector on, a face of a file counts though only one analysis found it.

Large frontal faces lie above: Haar cascades give 0.87 to 0.93 to those of the tests' clips, BlazeFace 0.99. Below lie
blips of the cascades, but also small and turned faces, which have to be found twice. 0.8 are eight overlapping hits.
"""

_SLOW_INTERVAL = 0.4
_LONGEST_INTERVAL = 5.0


@dataclass(frozen=True)
class TrackingSettings:
    """How a tracker behaves; all times in seconds.

    Attributes:
        smoothing: Time constant of the probabilities: after it a change has come through to 63 %. 0 smooths nothing.
        box_smoothing: Time constant of the boxes.
        hold: How long a face stays that is no longer found.
        confirm: In how many analyses a face must be found before it is shown; keeps a detector's blips out. Where
            analyses are slow, one is enough.
        sure: A face that its detector gives this confidence or more needs no second analysis; None where all do.
        label_margin: By how much another class must lead before the label changes.
        extrapolation: How far ahead of its last analysis a box is moved on.
    """

    smoothing: float = 0.4
    box_smoothing: float = 0.06
    hold: float = 0.5
    confirm: int = 2
    sure: float | None = None
    label_margin: float = 0.08
    extrapolation: float = 0.25


@dataclass(frozen=True, eq=False)
class TrackedFace:
    """One face at one moment.

    Attributes:
        prediction: Box at that moment, smoothed probabilities; its detection carries the track id.
        label_index: The steady label; may lag behind the most probable class.
        other: A second network's prediction, smoothed alike; None where there is none.
        is_held: Whether the last analysis did not find it, and it is shown where it was.
    """

    prediction: Prediction
    label_index: int
    other: Prediction | None = None
    is_held: bool = False

    @property
    def track_id(self) -> int:
        """The face's stable identity."""
        return self.prediction.detection.track_id or 0

    @property
    def label(self) -> str:
        """Name of the steady label."""
        return self.prediction.class_names[self.label_index]


class Tracker:
    """Follows faces by overlap. Not thread-safe: one thread updates, and hands out what :meth:`faces` returns.

    Args:
        settings: May be replaced while running, through the attribute of the same name.

    Source: boxes by an alpha-beta filter with the relation of its gains from T. Benedict, G. Bordner, Synthesis of an
        optimal set of radar track-while-scan smoothing equations, 1962; matching by distance-IoU (Zheng et al.,
        Distance-IoU loss, AAAI 2020), which also ranks boxes that do not overlap.
    """

    def __init__(self, settings: TrackingSettings = TrackingSettings()) -> None:
        self.settings = settings
        self._tracks: list[_Track] = []
        self._next_id = 1
        self._updated = float("-inf")
        self._interval = 0.0

    def update(
        self, predictions: Sequence[Prediction], at: float, others: Sequence[Prediction] | None = None
    ) -> list[TrackedFace]:
        """Take in one analysis.

        Args:
            predictions: One per face, raw.
            at: When the analysed frame was taken, in seconds of a clock that does not jump.
            others: A second network's predictions for the same faces in the same order.

        Returns:
            The faces to show at that time, as :meth:`faces` gives them.
        """
        elapsed = at - self._updated
        self._interval = elapsed if math.isfinite(elapsed) and elapsed < _LONGEST_INTERVAL else 0.0
        self._updated = at
        self._tracks = [t for t in self._tracks if t.fits(predictions)]
        boxes = [_center_size(p.detection.xyxy) for p in predictions]
        matches = _match([t.box_at(at, self.settings) for t in self._tracks], boxes)
        for i, prediction in enumerate(predictions):
            other = others[i] if others is not None else None
            if i in matches:
                self._tracks[matches[i]].correct(boxes[i], prediction, other, at, self.settings)
            else:
                self._tracks.append(_Track(self._next_id, boxes[i], prediction, other, at))
                self._next_id += 1
        # A blip is dropped as soon as it is missed once; a confirmed face is held for a while.
        self._tracks = [t for t in self._tracks if t.seen == at or (self._is_confirmed(t) and self._is_held(t))]
        return self.faces(at)

    def faces(self, at: float) -> list[TrackedFace]:
        """Return every confirmed face, its box moved on to a time at or after the last update."""
        # Analyses may take long; only when they stop coming are their faces too old to show.
        if at - self._updated > self.settings.hold + 2 * self._interval:
            return []
        shown = [t for t in self._tracks if self._is_confirmed(t) and self._is_held(t)]
        return [t.face_at(at, self.settings, is_held=t.seen < self._updated) for t in shown]

    def unconfirmed(self) -> list[TrackedFace]:
        """Return the faces that the last analysis found and that may still be blips."""
        waiting = [t for t in self._tracks if not self._is_confirmed(t)]
        return [t.face_at(self._updated, self.settings, is_held=False) for t in waiting]

    def _is_confirmed(self, track: _Track) -> bool:
        if self.settings.sure is not None and track.best_confidence >= self.settings.sure:
            return True
        return track.hits >= (self.settings.confirm if self._interval < _SLOW_INTERVAL else 1)

    def _is_held(self, track: _Track) -> bool:
        return self._updated - track.seen <= self.settings.hold

    def reset(self) -> None:
        """Forget every face; ids go on counting."""
        self._tracks = []
        self._updated, self._interval = float("-inf"), 0.0


class _Track:
    def __init__(
        self, track_id: int, box: np.ndarray, prediction: Prediction, other: Prediction | None, at: float
    ) -> None:
        self.track_id = track_id
        self.hits = 1
        self.seen = at
        self.box = box
        self.velocity = np.zeros(4)
        self.measured = box
        self.prediction = prediction
        self.best_confidence = prediction.detection.confidence
        self.probabilities = prediction.probabilities.astype(np.float64)
        self.label_index = prediction.label_index
        self.warnings = prediction.warnings
        self.distrust = float(bool(prediction.warnings))
        self.other = other

    def fits(self, predictions: Sequence[Prediction]) -> bool:
        """Tell whether the classes are still those of this track, or another network predicts now."""
        return not predictions or predictions[0].class_names == self.prediction.class_names

    def box_at(self, at: float, settings: TrackingSettings) -> np.ndarray:
        """Return centre and size, moved on at constant velocity."""
        ahead = min(max(at - self.seen, 0.0), settings.extrapolation)
        box = self.box + self.velocity * ahead
        box[2:] = np.maximum(box[2:], self.box[2:] / 2)
        return box

    def correct(
        self, box: np.ndarray, prediction: Prediction, other: Prediction | None, at: float, settings: TrackingSettings
    ) -> None:
        elapsed = max(at - self.seen, 1e-3)
        expected = self.box_at(at, settings)
        gain = _gain(elapsed, settings.box_smoothing)
        residual = box - expected
        self.box = expected + gain * residual
        self.velocity = self.velocity + gain * gain / (2 - gain) / elapsed * residual
        self.velocity[2:] *= 0.5  # sizes jitter more than they move
        self.measured, self.prediction = box, prediction
        self.hits, self.seen = self.hits + 1, at
        self.best_confidence = max(self.best_confidence, prediction.detection.confidence)

        gain = _gain(elapsed, settings.smoothing)
        self.distrust += gain * (float(bool(prediction.warnings)) - self.distrust)
        if prediction.warnings:
            self.warnings = prediction.warnings
        else:  # a poor face must not pull the average
            self.probabilities += gain * (prediction.probabilities - self.probabilities)
        best = int(self.probabilities.argmax())
        if self.probabilities[best] > self.probabilities[self.label_index] + settings.label_margin:
            self.label_index = best
        if other is None or self.other is None or other.class_names != self.other.class_names or prediction.warnings:
            self.other = other
        else:
            mixed = self.other.probabilities + gain * (other.probabilities - self.other.probabilities)
            self.other = replace(other, probabilities=mixed)

    def face_at(self, at: float, settings: TrackingSettings, is_held: bool) -> TrackedFace:
        box = self.box_at(at, settings)
        xyxy = np.concatenate([box[:2] - box[2:] / 2, box[:2] + box[2:] / 2]).astype(np.float32)
        move = _move(self.measured, box)
        raw = self.prediction
        landmarks = raw.detection.landmarks
        detection = Detection(
            xyxy,
            raw.detection.confidence,
            None if landmarks is None else landmarks @ move[:, :2].T + move[:, 2],
            self.track_id,
        )
        matrix = raw.crop_to_frame
        if matrix is not None:
            matrix = (move @ np.vstack([matrix, [0, 0, 1]])).astype(np.float32)
        prediction = replace(
            raw,
            detection=detection,
            probabilities=self.probabilities.astype(np.float32),
            crop_to_frame=matrix,
            warnings=self.warnings if self.distrust > 0.5 else (),
        )
        return TrackedFace(prediction, self.label_index, self.other, is_held)


def _gain(elapsed: float, time_constant: float) -> float:
    """Return the share of a new value in an exponential mean after so many seconds."""
    return 1.0 if time_constant <= 0 else 1 - math.exp(-elapsed / time_constant)


def _center_size(xyxy: np.ndarray) -> np.ndarray:
    x1, y1, x2, y2 = (float(v) for v in xyxy)
    return np.array([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1])


def _move(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return the 2×3 matrix that takes one centre-size box onto another."""
    scale = after[2:] / before[2:]
    return np.array([[scale[0], 0, after[0] - scale[0] * before[0]], [0, scale[1], after[1] - scale[1] * before[1]]])


def _match(tracks: Sequence[np.ndarray], boxes: Sequence[np.ndarray]) -> dict[int, int]:
    """Pair boxes with tracks so that distance-IoU is largest in sum; returns box index to track index.

    Pairs more than about one width apart, or more than twice as large, are no pairs.
    """
    if not tracks or not boxes:
        return {}
    scores = distance_iou(np.stack(boxes), np.stack(tracks))
    if min(scores.shape) == 1:  # one face is the rule, and spares the import of SciPy's optimisers
        rows, columns = (np.array([i]) for i in np.unravel_index(scores.argmax(), scores.shape))
    else:
        from scipy.optimize import linear_sum_assignment

        rows, columns = linear_sum_assignment(scores, maximize=True)
    pairs = {}
    for row, column in zip(rows, columns, strict=True):
        ratio = boxes[row][2] / tracks[column][2]
        if scores[row, column] > -0.25 and 0.5 < ratio < 2:
            pairs[int(row)] = int(column)
    return pairs


def distance_iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the distance-IoU of boxes, pair by pair.

    Args:
        first: Centre x, centre y, width, height, shape (N, 4).
        second: The same, shape (M, 4).

    Returns:
        Shape (N, M), -1 (far apart) to 1 (equal).

    Source: Zheng et al., Distance-IoU loss, AAAI 2020, equation 7.
    """
    a, b = first[:, None, :], second[None, :, :]
    low_a, high_a = a[..., :2] - a[..., 2:] / 2, a[..., :2] + a[..., 2:] / 2
    low_b, high_b = b[..., :2] - b[..., 2:] / 2, b[..., :2] + b[..., 2:] / 2
    shared = np.clip(np.minimum(high_a, high_b) - np.maximum(low_a, low_b), 0, None).prod(-1)
    union = a[..., 2:].prod(-1) + b[..., 2:].prod(-1) - shared
    span = np.maximum(high_a, high_b) - np.minimum(low_a, low_b)
    distance = ((a[..., :2] - b[..., :2]) ** 2).sum(-1)
    result: np.ndarray = shared / union - distance / (span**2).sum(-1)
    return result
