"""Two networks that agree: BlazeFace proposes faces at several sizes, MTCNN's output network confirms them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from emoscope.model.entities import Detection
from emoscope.model.faces.cropping import CropGeometry
from emoscope.model.faces.detectors.face_networks import (
    CROP_SIDE,
    INPUT_SIDE,
    BlazeFace,
    FaceNetworks,
    NetworkPool,
    OutputNetwork,
)
from emoscope.model.faces.detectors.search import search_copy, without_overlaps

MIN_CONFIDENCE = 0.7
"""Confidence from which on a candidate is returned; those below 0.8 are marked as doubtful by the pipeline."""
_MIN_ALONE = 0.5
"""The same for a frame in which nothing better is found."""

_TINY, _SURE = 18, 0.9  # pixels; so few say little, and an emotion could not be read in them anyway

# Longest side of the copies searched. A face of 24 to 128 pixels in one of them is proposed: of the smallest copy, with
# its border, one that fills the frame; of the largest, one of a fiftieth of the frame.
_CLOSE, _COARSE, _VIDEO, _FINE, _FINEST = 88, 256, 320, 1280, 1920
_MAGNIFIED, _MAGNIFIED_MOST = 4 / 3, 2.0  # by which a frame is enlarged at most for the fine and for the finest search
# The finest search follows where the first found nothing sure, many faces, or two small ones (pixels of its copy).
_MANY, _SMALL = 5, 40
_PROPOSED = 0.2
_MOST = 400
_CROPS = (1.0, 1.2, 1.4)  # sides of the crops that are judged, in sizes of the box
# Confidence from the mean logit of the output network and the logit of BlazeFace's score: a logistic regression on
# faces of FER-2013's Training split in made-up scenes, and on photos without a face.
_WEIGHTS = (1.31, 3.19, -1.67)
_FOLLOWED_WINDOW = 2.0
"""Side of the region searched for a known face, in sizes of its box: in BlazeFace's input the face has 64 pixels."""
_LOST = 0.3


class BlazeFaceDetector:
    """Finds faces of any size, turned by up to about 60° and partly hidden ones too, with landmarks. Thread-safe.

    BlazeFace's scores tell faces from background only roughly. Everything that scores at all is therefore proposed,
    turned upright by its eyes and shown to a second network, and both scores together decide.

    Args:
        for_video: Search small copies of the frame only: for faces of at least 1/12 of the longest side.
    """

    name = "blazeface"
    # From benchmarks/crop_margin.json, measured by `python -m benchmarks.crop_margin`.
    crop = CropGeometry(
        scale=1.223,
        offset=(-0.012, -0.082),
        landmarks=((0.308, 0.394), (0.692, 0.394), (0.5, 0.613), (0.338, 0.806), (0.662, 0.806)),
    )

    def __init__(self, for_video: bool = False) -> None:
        self._for_video = for_video
        self._pool = NetworkPool()

    def detect(self, frame_bgr: np.ndarray) -> list[Detection]:
        """Return the faces of a frame, uint8, shape (H, W, 3), largest first."""
        with self._pool.borrowed() as networks:
            rows = self._candidates(networks, frame_bgr)
            found = _faces(networks, frame_bgr, rows)
            longest = max(frame_bgr.shape[:2])
            if not self._for_video and _asks_for_more(found, longest):
                image, factor = search_copy(frame_bgr, *[min(round(_MAGNIFIED_MOST * longest), _FINEST)] * 2)
                found = _faces(networks, frame_bgr, np.concatenate([rows, _scaled(networks.fine, image, factor)]))
            return found

    def follow(self, frame_bgr: np.ndarray, known: Sequence[Detection]) -> list[Detection] | None:
        """Find again faces that were there a moment ago, each near its old box, at about 2 ms a face.

        Args:
            frame_bgr: uint8, shape (H, W, 3).
            known: Where they were.

        Returns:
            As :meth:`detect`; None where one of them is not found, so that the whole frame must be searched.
        """
        found = []
        with self._pool.borrowed() as networks:
            for face in known:
                row = _near(networks.close, frame_bgr, face)
                again = [] if row is None else confirmed(networks.output, frame_bgr, row[None], _CROPS[1:2], _LOST)
                if not again:
                    return None
                found += again
        return without_overlaps(found)

    def _candidates(self, networks: FaceNetworks, frame_bgr: np.ndarray) -> np.ndarray:
        """Return candidates of all sizes in pixels of the frame, shape (N, 9)."""
        longest = max(frame_bgr.shape[:2])
        sides = [(networks.coarse, _VIDEO if self._for_video else _COARSE)]
        if not self._for_video and _MAGNIFIED * longest > 1.2 * _COARSE:
            sides.insert(0, (networks.fine, min(round(_MAGNIFIED * longest), _FINE)))
        rows, image = [], frame_bgr  # each copy is made of the one before, which is less work
        for network, side in sides:
            image, _ = search_copy(image, side, side)
            rows.append(_scaled(network, image, longest / max(image.shape[:2])))
        close = _framed(networks.close, image)
        close[:, :8] *= longest / max(image.shape[:2])
        return np.concatenate([*rows, close])


def video_settings() -> dict[str, Any]:
    """Return the thresholds of :class:`BlazeFaceDetector` for video, for code in other languages that does the same."""
    return {
        "video": _VIDEO,
        "framed": _CLOSE,
        "proposed": _PROPOSED,
        "most": _MOST,
        "crops": list(_CROPS),
        "weights": list(_WEIGHTS),
        "minConfidence": MIN_CONFIDENCE,
        "minAlone": _MIN_ALONE,
        "tiny": _TINY,
        "sure": _SURE,
        "followedWindow": _FOLLOWED_WINDOW,
        "lost": _LOST,
    }


def _faces(networks: FaceNetworks, frame_bgr: np.ndarray, rows: np.ndarray) -> list[Detection]:
    found = without_overlaps(confirmed(networks.output, frame_bgr, vote(rows)[:_MOST], least=_MIN_ALONE), _SURE)
    return [face for face in found if face.confidence >= MIN_CONFIDENCE] or found


def _asks_for_more(found: Sequence[Detection], longest: int) -> bool:
    """Tell whether what a first search found says that a finer one may find more.

    Args:
        found: By the first search.
        longest: Longest side of the frame in pixels.
    """
    if not any(face.confidence >= _SURE for face in found) or len(found) >= _MANY:
        return True
    zoom = min(_MAGNIFIED, _FINE / longest)
    return sum(zoom * max(face.size) < _SMALL for face in found) > 1


def _scaled(network: BlazeFace, image_bgr: np.ndarray, factor: float) -> np.ndarray:
    """Return the candidates in a copy of the frame, in pixels of the frame, shape (N, 9)."""
    rows = network.candidates(image_bgr, _PROPOSED)
    rows[:, :8] *= factor
    return rows


def _framed(network: BlazeFace, frame_bgr: np.ndarray) -> np.ndarray:
    """Return the candidates in the smallest copy, whose border leaves room around a face that fills the frame."""
    small, factor = search_copy(frame_bgr, _CLOSE, _CLOSE)
    border = (INPUT_SIDE - _CLOSE) // 2
    framed = cv2.copyMakeBorder(small, border, border, border, border, cv2.BORDER_CONSTANT)
    rows = network.candidates(framed, _PROPOSED)
    rows[:, :8] = (rows[:, :8] - border) * factor
    return rows


def vote(rows: np.ndarray) -> np.ndarray:
    """Merge the candidates of each face into their mean, weighted by score; its score is the best of them.

    Args:
        rows: As BlazeFace returns them, shape (N, 9).

    Returns:
        The same, a row a face, best score first.
    """
    merged = []
    rows = rows[np.argsort(-rows[:, 8])]
    while len(rows):
        best = rows[0]
        sides = np.minimum(rows[:, 2:4], best[2:4]) - np.maximum(rows[:, :2], best[:2])
        shared = np.prod(np.clip(sides, 0, None), axis=1)
        areas = np.prod(rows[:, 2:4] - rows[:, :2], axis=1)
        same = shared / (areas + areas[0] - shared) > 0.3
        same[0] = True
        votes = rows[same]
        merged.append(np.append(np.average(votes[:, :8], axis=0, weights=votes[:, 8]), best[8]))
        rows = rows[~same]
    return np.array(merged, np.float32).reshape(-1, 9)


def confirmed(
    network: OutputNetwork,
    frame_bgr: np.ndarray,
    rows: np.ndarray,
    crops: Sequence[float] = _CROPS,
    least: float = MIN_CONFIDENCE,
) -> list[Detection]:
    """Return the candidates that the second network takes for faces too, with its landmarks.

    Args:
        network: The second network.
        frame_bgr: uint8, shape (H, W, 3).
        rows: Candidates, shape (N, 9).
        crops: Sides of the crops to judge, in sizes of the box.
        least: Lowest confidence to return.
    """
    if not len(rows):
        return []
    least_of = np.where((rows[:, 2:4] - rows[:, :2]).max(axis=1) >= _TINY, least, max(least, _SURE))
    a, b, c = _WEIGHTS
    lowest_mean = (_logit(least_of) - b * _logit(rows[:, 8]) - c) / a
    logits, points = np.zeros((len(rows), 0)), np.zeros((len(rows), 0, 5, 2))
    for judged, side in enumerate(crops, start=1):
        score, landmarks = _judged(network, frame_bgr, rows, side)
        logits = np.concatenate([logits, _logit(score)[:, None]], axis=1)
        points = np.concatenate([points, landmarks[:, None]], axis=1)
        best_mean = (logits.sum(axis=1) + (len(crops) - judged) * _HIGHEST_LOGIT) / len(crops)
        kept = best_mean >= lowest_mean  # the others cannot reach the confidence any more
        rows, logits, points, lowest_mean = rows[kept], logits[kept], points[kept], lowest_mean[kept]
        if not len(rows):
            return []
    confidence = 1 / (1 + np.exp(-(a * logits.mean(axis=1) + b * _logit(rows[:, 8]) + c)))
    return [
        Detection(row[:4], float(sure), place)
        for row, sure, place in zip(rows, confidence, points.mean(axis=1), strict=True)
    ]


def _judged(
    network: OutputNetwork, frame_bgr: np.ndarray, rows: np.ndarray, side: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the second network's scores, shape (N,), and landmarks in pixels of the frame, shape (N, 5, 2)."""
    matrices = [_window(row[:4], row[4:6], row[6:8], side, CROP_SIDE) for row in rows]
    scores, landmarks = network.judge(np.stack([_cut(frame_bgr, matrix, CROP_SIDE) for matrix in matrices]))
    here = [points @ matrix[:, :2].T + matrix[:, 2] for points, matrix in zip(landmarks, matrices, strict=True)]
    return scores, np.stack(here)


def _near(network: BlazeFace, frame_bgr: np.ndarray, face: Detection) -> np.ndarray | None:
    """Return the best candidate of about a known face's place and size, shape (9,); None where there is none."""
    center, size = face.xyxy.reshape(2, 2).mean(0), math.sqrt(math.prod(face.size))
    height, width = frame_bgr.shape[:2]
    if not (0 <= center[0] < width and 0 <= center[1] < height):
        return None
    eyes = center[None].repeat(2, 0) if face.landmarks is None else face.landmarks[:2]
    matrix = _window(face.xyxy, eyes[0], eyes[1], _FOLLOWED_WINDOW, INPUT_SIDE)
    rows = network.candidates(_cut(frame_bgr, matrix, INPUT_SIDE), _PROPOSED)
    if not len(rows):
        return None
    points = rows[:, :8].reshape(-1, 4, 2)
    points[:, :2] = np.stack([points[:, :2].mean(1), np.abs(points[:, 1] - points[:, 0])], axis=1)
    places = vote(_in_frame(points, rows[:, 8], matrix))
    away = np.hypot(*((places[:, :2] + places[:, 2:4]) / 2 - center).T) / size
    best = int(np.argmax(places[:, 8] - away))
    return places[best] if away[best] < 0.75 else None


def _in_frame(points: np.ndarray, scores: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Take candidates of a turned window to the frame, their boxes upright there.

    Args:
        points: Centre, size, right and left eye in pixels of the window, shape (N, 4, 2).
        scores: Shape (N,).
        matrix: 2×3, from the window to the frame.

    Returns:
        Shape (N, 9).
    """
    zoom = math.hypot(matrix[0, 0], matrix[1, 0])
    moved = points @ matrix[:, :2].T + matrix[:, 2]
    half = points[:, 1] * zoom / 2
    boxes = np.concatenate([moved[:, 0] - half, moved[:, 0] + half], axis=1)
    return np.concatenate([boxes, moved[:, 2:].reshape(-1, 4), scores[:, None]], axis=1)


def _window(xyxy: np.ndarray, right_eye: np.ndarray, left_eye: np.ndarray, side: float, pixels: int) -> np.ndarray:
    """Return the 2×3 matrix from a square window around a box, its eyes level, to the frame.

    Args:
        xyxy: The box.
        right_eye: In pixels of the frame.
        left_eye: In the same place where it is not known; nothing is turned then.
        side: Of the window, in sizes of the box.
        pixels: A side of the window.
    """
    x1, y1, x2, y2 = (float(v) for v in xyxy)
    scale = math.sqrt((x2 - x1) * (y2 - y1)) * side / pixels
    across = np.asarray(left_eye, float) - np.asarray(right_eye, float)
    roll = math.atan2(across[1], across[0])
    cosine, sine = scale * math.cos(roll), scale * math.sin(roll)
    middle = (pixels - 1) / 2
    x, y = (x1 + x2) / 2 - 0.5, (y1 + y2) / 2 - 0.5
    return np.array(
        [[cosine, -sine, x - (cosine - sine) * middle], [sine, cosine, y - (sine + cosine) * middle]], np.float64
    )


def _cut(frame_bgr: np.ndarray, matrix: np.ndarray, pixels: int) -> np.ndarray:
    """Cut a window out of a frame; one that is much shrunk is taken at twice the size and averaged."""
    zoom = math.hypot(matrix[0, 0], matrix[1, 0])
    fine = min(4, max(1, round(zoom / 1.5)))
    shift = (1 / fine - 1) / 2
    finer = matrix @ np.array([[1 / fine, 0, shift], [0, 1 / fine, shift], [0, 0, 1]])
    window = cv2.warpAffine(
        frame_bgr,
        finer,
        (pixels * fine, pixels * fine),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return cv2.resize(window, (pixels, pixels), interpolation=cv2.INTER_AREA) if fine > 1 else window


def _logit(probability: np.ndarray) -> np.ndarray:
    bounded = np.clip(probability, 1e-3, 1 - 1e-3)
    return np.log(bounded / (1 - bounded))


_HIGHEST_LOGIT = float(_logit(np.ones(())))
