"""Sample pictures that come with scikit-image, so that none is shipped or fetched."""

from __future__ import annotations

from importlib.resources import files

import cv2
import numpy as np

from model.images import encode_png

SAMPLES = {"One face": "astronaut.png", "Twenty faces": "lfw_subset.npy", "No face": "chelsea.png"}
_EXPRESSIVE = [*range(10, 20), *range(50, 60)]
_SIDE, _GAP, _COLUMNS = 160, 56, 4


def sample_picture(title: str) -> tuple[str, bytes]:
    """Return file name and content of a sample.

    Args:
        title: A key of :data:`SAMPLES`.

    Source: NASA (Eileen Collins, public domain); Labeled Faces in the Wild, a subset of 25×25 pixels; S. van der Walt
        (Chelsea the cat, CC0). All in ``skimage.data``.
    """
    file = files("skimage") / "data" / SAMPLES[title]
    if not SAMPLES[title].endswith(".npy"):
        return SAMPLES[title], file.read_bytes()
    with file.open("rb") as stream:
        faces = np.load(stream, allow_pickle=False)[_EXPRESSIVE]
    return "twenty-faces.png", encode_png(_contact_sheet((faces * 255).round().astype(np.uint8)))


def _contact_sheet(faces: np.ndarray) -> np.ndarray:
    """Enlarge gray faces (N, h, w) and lay them out on light gray; returns uint8, shape (H, W, 3)."""
    rows = -(-len(faces) // _COLUMNS)
    pitch = _SIDE + _GAP
    sheet = np.full((rows * pitch + _GAP, _COLUMNS * pitch + _GAP), 225, np.uint8)
    for i, face in enumerate(faces):
        top, left = _GAP + i // _COLUMNS * pitch, _GAP + i % _COLUMNS * pitch
        sheet[top : top + _SIDE, left : left + _SIDE] = cv2.resize(face, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
    return cv2.cvtColor(sheet, cv2.COLOR_GRAY2BGR)
