"""Results as files, in the very formats that ``python -m model predict`` writes: CSV, JSON and annotated pictures."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from emoscope.dashboard.predict.album import Picture
from emoscope.model.drawing.annotated_picture import annotated_picture
from emoscope.model.entities import Prediction
from emoscope.model.images import encode_png
from emoscope.model.pictures.results import PictureEntry, face_columns, face_rows, picture_entry

Result = tuple[Picture, list[Prediction]]


def to_csv(results: Sequence[Result], class_names: Sequence[str], detector_name: str) -> bytes:
    """Write one row per face as CSV, UTF-8 with a mark so that spreadsheets read it as such.

    Args:
        results: Pictures and their predictions.
        class_names: Of the network.
        detector_name: The detector of all pictures that have none of their own.
    """
    stream = io.StringIO()
    writer = csv.DictWriter(stream, face_columns(class_names), lineterminator="\n")
    writer.writeheader()
    for picture, predictions in results:
        for row in face_rows(_entry(picture, predictions, detector_name), class_names):
            writer.writerow({name: _inert(value) for name, value in row.items()})
    return stream.getvalue().encode("utf-8-sig")


def _entry(picture: Picture, predictions: Sequence[Prediction], detector_name: str) -> PictureEntry:
    name = picture.detector_name or detector_name
    return picture_entry(picture.name, picture.width, picture.height, predictions, name, picture.notes)


def _inert(value: Any) -> Any:
    """Keep a file name such as ``=SUM(A1).jpg`` from being a formula in a spreadsheet."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t")) else value


def to_json(results: Sequence[Result], run_key: str, detector_name: str) -> bytes:
    """Write one entry per picture, with network and detector; a picture with a detector of its own names that."""
    pictures = [
        _entry(picture, predictions, detector_name)
        | ({"detector": picture.detector_name} if picture.detector_name else {})
        for picture, predictions in results
    ]
    content = {"run": run_key, "detector": detector_name, "pictures": pictures}
    return json.dumps(content, indent=2, ensure_ascii=False).encode()


def annotated_png(picture: Picture, predictions: Sequence[Prediction], heat_maps: bool = False) -> bytes:
    """Draw the results into a picture, at the size in which it is kept or larger."""
    here = [prediction.moved(picture.scale) for prediction in predictions]
    return encode_png(annotated_picture(picture.frame(), here, heat_maps=heat_maps))


def to_zip(results: Sequence[Result], heat_maps: bool = False) -> bytes:
    """Pack the annotated pictures."""
    stream = io.BytesIO()
    taken: set[str] = set()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for picture, predictions in results:
            archive.writestr(_free_name(picture.name, taken), annotated_png(picture, predictions, heat_maps))
    return stream.getvalue()


def _free_name(name: str, taken: set[str]) -> str:
    """Return a name that no other picture has and that stays inside the folder it is unpacked in."""
    path = PurePath(name.replace("\\", "/")).with_suffix("")
    stem = "_".join(part for part in path.parts if part not in ("/", "..")) or "picture"
    number, free = 1, f"{stem}.png"
    while free.lower() in taken:
        number += 1
        free = f"{stem} ({number}).png"
    taken.add(free.lower())
    return free
