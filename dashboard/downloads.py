"""Results as files: CSV with a row a face, JSON with an entry a picture, ZIP with the annotated pictures."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from dashboard.album import Picture, scaled
from model.annotate import annotate
from model.entities import Prediction
from model.images import encode_png

Result = tuple[Picture, list[Prediction]]


def face_rows(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Return one flat row a face; a picture without a face gives one row with empty cells.

    Boxes are in pixels of the picture, probabilities 0..1.
    """
    class_names = next((p.class_names for _, found in results for p in found), ())
    rows = []
    for picture, predictions in results:
        for number, prediction in enumerate(predictions, start=1):
            box = dict(zip(("x1", "y1", "x2", "y2"), prediction.detection.xyxy.round(1).tolist(), strict=True))
            row = {"file": picture.name, "face": number, "emotion": prediction.label}
            row |= {"confidence": round(prediction.confidence, 4), **box}
            row |= {f"p_{n}": round(float(p), 4) for n, p in zip(class_names, prediction.probabilities, strict=True)}
            rows.append({**row, "warnings": " ".join(prediction.warnings)})
        if not predictions:
            columns = ("face", "emotion", "confidence", "x1", "y1", "x2", "y2", *(f"p_{n}" for n in class_names))
            rows.append({"file": picture.name, **dict.fromkeys(columns), "warnings": "No face was found."})
    return rows


def to_csv(results: Sequence[Result]) -> bytes:
    """Write :func:`face_rows` as CSV, UTF-8 with a mark so that spreadsheets read it as such."""
    rows = face_rows(results)
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]) if rows else ["file"])
    writer.writeheader()
    writer.writerows({name: _inert(value) for name, value in row.items()} for row in rows)
    return stream.getvalue().encode("utf-8-sig")


def _inert(value: Any) -> Any:
    """Keep a file name such as ``=SUM(A1).jpg`` from being a formula in a spreadsheet."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t")) else value


def to_json(results: Sequence[Result], run_key: str, detector_name: str) -> bytes:
    """Write an entry a picture, with the network and detector that read it."""
    pictures = [
        {
            "file": picture.name,
            "width": picture.width,
            "height": picture.height,
            "faces": [_face(prediction) for prediction in predictions],
        }
        for picture, predictions in results
    ]
    content = {"run": run_key, "detector": detector_name, "pictures": pictures}
    return json.dumps(content, indent=2, ensure_ascii=False).encode()


def _face(prediction: Prediction) -> dict[str, Any]:
    detection = prediction.detection
    values = zip(prediction.class_names, prediction.probabilities, strict=True)
    return {
        "emotion": prediction.label,
        "confidence": round(prediction.confidence, 4),
        "probabilities": {name: round(float(value), 4) for name, value in values},
        "xyxy": detection.xyxy.round(1).tolist(),
        "detector_confidence": round(float(detection.confidence), 4),
        "landmarks": None if detection.landmarks is None else detection.landmarks.round(1).tolist(),
        "warnings": list(prediction.warnings),
    }


def annotated_png(picture: Picture, predictions: Sequence[Prediction], heat_maps: bool = False) -> bytes:
    """Draw the results into a picture, at the size in which it is kept."""
    here = [scaled(prediction, picture.scale) for prediction in predictions]
    return encode_png(annotate(picture.frame(), here, heat_maps=heat_maps))


def to_zip(results: Sequence[Result], run_key: str, detector_name: str, heat_maps: bool = False) -> bytes:
    """Pack the annotated pictures with both tables."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("emotions.csv", to_csv(results))
        archive.writestr("emotions.json", to_json(results, run_key, detector_name))
        taken: set[str] = set()
        for picture, predictions in results:
            archive.writestr(_free_name(picture.name, taken), annotated_png(picture, predictions, heat_maps))
    return stream.getvalue()


def _free_name(name: str, taken: set[str]) -> str:
    """Return a name inside the archive that no other picture has and that stays inside the folder it is unpacked in."""
    stem = "_".join(part for part in PurePath(name.replace("\\", "/")).with_suffix("").parts if part not in ("/", ".."))
    number, free = 1, f"{stem}.png"
    while free.lower() in taken:
        number += 1
        free = f"{stem} ({number}).png"
    taken.add(free.lower())
    return f"annotated/{free}"
