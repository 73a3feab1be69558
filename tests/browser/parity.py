"""Pictures of the table ``parity.json``, whose faces go through Python and through the browser's modules.

A row names a picture and how it is changed, and a face in it as a detector found it there, or moved to where crops are
difficult: past the border, far smaller or larger than the network's input.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from skimage import data

from emoscope.model.entities import Detection

TABLE: list[dict[str, Any]] = json.loads(Path(__file__).with_name("parity.json").read_text(encoding="utf-8"))


def picture(row: dict[str, Any]) -> np.ndarray:
    """Return a row's picture, uint8 BGR: scikit-image's photo or a drawn face, scaled and turned about its middle."""
    plain = _photo() if row["picture"] == "photo" else _drawn_face(row["mouth"], row["brows"])
    scale, height, width = row["scale"], *plain.shape[:2]
    size = (round(width * scale), round(height * scale))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), row["turn"], scale)
    matrix[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.warpAffine(plain, matrix, size, flags=flags, borderMode=cv2.BORDER_REFLECT)


def face(row: dict[str, Any]) -> Detection:
    """Return a row's face."""
    return Detection(np.array(row["box"]), row["confidence"], np.array(row["landmarks"]))


def _photo() -> np.ndarray:
    return np.ascontiguousarray(data.astronaut()[:400, 60:430, ::-1])


def _drawn_face(mouth: float, brows: float) -> np.ndarray:
    """Draw a face on a gradient; positive mouths smile, positive brows are raised at the inner end."""
    y, x = np.mgrid[:360, :420]
    frame = np.stack([120 + x * 0.2, 150 - y * 0.15, 90 + (x + y) * 0.1], axis=-1).clip(0, 255).astype(np.uint8)
    skin, dark, line = (150, 180, 225), (40, 45, 60), cv2.LINE_AA
    cv2.ellipse(frame, (210, 170), (88, 116), 0, 0, 360, (60, 70, 90), -1, line)
    cv2.ellipse(frame, (210, 184), (78, 104), 0, 0, 360, skin, -1, line)
    for side in (-1, 1):
        eye = (210 + 34 * side, 165)
        cv2.ellipse(frame, eye, (16, 9), 0, 0, 360, (245, 245, 245), -1, line)
        cv2.circle(frame, eye, 7, dark, -1, line)
        inner, outer = round(142 - 9 * brows), round(142 + 4 * brows)
        cv2.line(frame, (eye[0] - 14 * side, inner), (eye[0] + 18 * side, outer), dark, 6, line)
    cv2.line(frame, (210, 172), (202, 206), (110, 135, 180), 4, line)
    cv2.line(frame, (202, 206), (216, 208), (110, 135, 180), 4, line)
    places = np.linspace(-1, 1, 21)
    points = np.stack([210 + 34 * places, 236 + mouth * 14 * (1 - places**2)], axis=1)
    cv2.polylines(frame, [points.round().astype(np.int32)], False, (60, 50, 150), 7, line)
    return frame
