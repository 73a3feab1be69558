"""Predictions as plain values and files: a flat row a face for tables, a nested entry a picture for JSON."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from model.entities import Prediction
from model.errors import ImageError, OutputError
from model.picture_files import PictureFile

NO_FACE = "No face was found."


class Reading(NamedTuple):
    """What came of one file: predictions of a picture of so many pixels, or the error that says why there are none."""

    file: PictureFile
    predictions: list[Prediction]
    width: int = 0
    height: int = 0
    error: ImageError | None = None


Writer = Callable[[Reading], None]


def face_columns(class_names: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of :func:`face_rows` in order."""
    box = ("x1", "y1", "x2", "y2", "detector_confidence")
    return ("file", "face", *box, "emotion", "confidence", *(f"p_{name}" for name in class_names), "warnings")


def face_rows(file: str, predictions: Sequence[Prediction], class_names: Sequence[str]) -> list[dict[str, Any]]:
    """Return one flat row a face; a picture without a face gives one row whose values are None.

    Args:
        file: Name to show for the picture.
        predictions: Its faces, boxes in pixels, probabilities 0..1.
        class_names: In the network's order.
    """
    if not predictions:
        return [{**dict.fromkeys(face_columns(class_names)), "file": file, "warnings": NO_FACE}]
    rows = []
    for number, prediction in enumerate(predictions, start=1):
        box = (round(float(side), 1) for side in prediction.detection.xyxy)
        probabilities = (round(float(p), 4) for p in prediction.probabilities)
        detector_confidence = round(float(prediction.detection.confidence), 4)
        reading = (prediction.label, round(prediction.confidence, 4))
        values = (file, number, *box, detector_confidence, *reading, *probabilities, " ".join(prediction.warnings))
        rows.append(dict(zip(face_columns(class_names), values, strict=True)))
    return rows


def picture_entry(file: str, width: int, height: int, predictions: Sequence[Prediction]) -> dict[str, Any]:
    """Return one picture with its faces, ready for JSON; boxes and landmarks in pixels, probabilities 0..1."""
    return {"file": file, "width": width, "height": height, "faces": [_face(p) for p in predictions]}


def _face(prediction: Prediction) -> dict[str, Any]:
    detection = prediction.detection
    values = zip(prediction.class_names, prediction.probabilities, strict=True)
    return {
        "emotion": prediction.label,
        "confidence": round(prediction.confidence, 4),
        "probabilities": {name: round(float(value), 4) for name, value in values},
        "xyxy": [round(float(side), 1) for side in detection.xyxy],
        "detector_confidence": round(float(detection.confidence), 4),
        "landmarks": None
        if detection.landmarks is None
        else [[round(float(v), 1) for v in p] for p in detection.landmarks],
        "warnings": list(prediction.warnings),
    }


@contextmanager
def writing() -> Iterator[None]:
    """Turn what the file system refuses into an :class:`~model.errors.OutputError`."""
    try:
        yield
    except BrokenPipeError:  # whoever reads our output has seen enough; no matter of places
        raise
    except OSError as error:
        name = error.filename or "The output"
        raise OutputError(f"{name} cannot be written ({error.strerror}).", "Choose another place.") from error


@contextmanager
def open_output(name: str) -> Iterator[TextIO]:
    """Open a text file for writing, creating its folder; ``-`` is standard output.

    Raises:
        OutputError: It cannot be written.
    """
    if name == "-":
        yield sys.stdout
        return
    with writing():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        stream = Path(name).open("w", encoding="utf-8", errors="backslashreplace", newline="")  # noqa: SIM115
    try:
        yield stream
    finally:
        with writing():
            stream.close()


def csv_writer(stream: TextIO, class_names: Sequence[str]) -> Writer:
    """Write the header and return what writes a picture's rows; files that could not be read have none."""
    writer = csv.DictWriter(stream, face_columns(class_names), lineterminator="\n")
    writer.writeheader()

    def write(reading: Reading) -> None:
        if not reading.error:
            writer.writerows(face_rows(str(reading.file.path), reading.predictions, class_names))

    return write


@contextmanager
def json_writer(stream: TextIO, run_key: str, detector_name: str) -> Iterator[Writer]:
    """Write one JSON object with an entry a picture, picture by picture; files that could not be read say why."""
    head = json.dumps({"run": run_key, "detector": detector_name}, ensure_ascii=False)
    stream.write(head[:-1] + ', "pictures": [')
    separator = "\n"

    def write(reading: Reading) -> None:
        nonlocal separator
        name = str(reading.file.path)
        if reading.error:
            entry: dict[str, Any] = {"file": name, "error": str(reading.error)}
        else:
            entry = picture_entry(name, reading.width, reading.height, reading.predictions)
        stream.write(separator + json.dumps(entry, ensure_ascii=False))
        separator = ",\n"

    try:
        yield write
    finally:
        stream.write("\n]}\n")
