"""Predictions as plain values: one entry per picture for JSON, one flat row per face for tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NotRequired, TypedDict

from emoscope.model.entities import Prediction
from emoscope.model.errors import EmoscopeError
from emoscope.model.faces.detectors.base import WholeImage

NO_FACE = "No face was found."
LANDMARKS = ("right_eye", "left_eye", "nose", "right_mouth", "left_mouth")


class FaceEntry(TypedDict):
    """One face; boxes and landmarks in pixels of the picture, probabilities 0..1."""

    emotion: str
    confidence: float
    probabilities: dict[str, float]
    xyxy: list[float]
    detector_confidence: float
    landmarks: list[list[float]] | None
    detector: str
    turned: int
    brightened: bool
    warnings: list[str]
    heat_map: NotRequired[str]
    crop_to_frame: NotRequired[list[list[float]] | None]


class PictureEntry(TypedDict):
    """One picture: its faces, or in ``error`` why it could not be opened; ``notes`` say what a damaged file lacks."""

    file: str
    width: NotRequired[int]
    height: NotRequired[int]
    faces: NotRequired[list[FaceEntry]]
    faces_left_out: NotRequired[int]
    notes: NotRequired[list[str]]
    error: NotRequired[str]


def picture_entry(
    file: str,
    width: int,
    height: int,
    predictions: Sequence[Prediction],
    detector_name: str,
    notes: Sequence[str] = (),
) -> PictureEntry:
    """Return one picture with its faces, ready for JSON; boxes and landmarks in pixels, probabilities 0..1."""
    entry: PictureEntry = {"file": file, "width": width, "height": height, "faces": []}
    entry["faces"] = [_face(prediction, detector_name) for prediction in predictions]
    if notes:
        entry["notes"] = list(notes)
    return entry


def error_entry(file: str, error: EmoscopeError) -> PictureEntry:
    """Return the entry of a file that could not be read: with the reason, and without faces."""
    return {"file": file, "error": str(error)}


def face_columns(class_names: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of :func:`face_rows` in order."""
    box = ("x1", "y1", "x2", "y2", "detector_confidence")
    emotion = ("emotion", "confidence", *(f"p_{name}" for name in class_names))
    landmarks = (f"{point}_{axis}" for point in LANDMARKS for axis in "xy")
    return ("file", "face", *box, *emotion, "warnings", "detector", "turned", *landmarks)


def face_rows(entry: PictureEntry, class_names: Sequence[str]) -> list[dict[str, Any]]:
    """Return one flat row a face of an entry, faces counted from 1.

    A picture without a face gives one row whose values are None, a file that could not be read gives none.
    """
    if "error" in entry:
        return []
    columns = face_columns(class_names)
    if not entry["faces"]:
        return [{**dict.fromkeys(columns), "file": entry["file"], "warnings": NO_FACE}]
    rows = []
    for number, face in enumerate(entry["faces"], start=1):
        found = (entry["file"], number, *face["xyxy"], face["detector_confidence"])
        emotion = (face["emotion"], face["confidence"], *(face["probabilities"][name] for name in class_names))
        landmarks = face["landmarks"]
        points = [v for point in landmarks for v in point] if landmarks else [None] * (2 * len(LANDMARKS))
        values = (*found, *emotion, " ".join(face["warnings"]), face["detector"], face["turned"], *points)
        rows.append(dict(zip(columns, values, strict=True)))
    return rows


def _face(prediction: Prediction, detector_name: str) -> FaceEntry:
    detection = prediction.detection
    values = zip(prediction.class_names, prediction.probabilities, strict=True)
    landmarks = detection.landmarks
    return {
        "emotion": prediction.label,
        "confidence": round(prediction.confidence, 4),
        "probabilities": {name: round(float(value), 4) for name, value in values},
        "xyxy": [round(float(side), 1) for side in detection.xyxy],
        "detector_confidence": round(float(detection.confidence), 4),
        "landmarks": None if landmarks is None else [[round(float(v), 1) for v in point] for point in landmarks],
        "detector": WholeImage.name if detection.is_cropped_face else detector_name,
        "turned": detection.turned,
        "brightened": detection.brightened,
        "warnings": list(prediction.warnings),
    }
