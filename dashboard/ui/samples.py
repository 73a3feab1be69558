"""Sample pictures that come with scikit-image, so that none is shipped or fetched."""

from __future__ import annotations

import io
from functools import lru_cache
from importlib.resources import files

import av
import cv2
import numpy as np

from emoscope.model.images import decode_image, encode_png

SAMPLES = {"One face": "astronaut.png", "Twenty faces": "lfw_subset.npy", "No face": "chelsea.png"}
_EXPRESSIVE = [*range(10, 20), *range(50, 60)]
_SIDE, _GAP, _COLUMNS = 160, 56, 4
_CLIP_SIZE, _CLIP_RATE = (640, 360), 15
_CLIP_SECONDS, _CLIP_CUT = 10.0, 3.0


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


@lru_cache(maxsize=1)
def sample_clip() -> tuple[str, bytes]:
    """Return file name and content of a made-up video: the camera leaves one face and passes along four others."""
    photo = decode_image(sample_picture("One face")[1])
    sheet = decode_image(sample_picture("Twenty faces")[1])
    width, height = _CLIP_SIZE
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as container:
        track = container.add_stream("libx264", rate=_CLIP_RATE, options={"preset": "veryfast", "crf": "20"})
        track.width, track.height, track.pix_fmt = width, height, "yuv420p"
        for i in range(round(_CLIP_SECONDS * _CLIP_RATE)):
            at = i / _CLIP_RATE
            if at < _CLIP_CUT:
                scene, zoom, left, top = photo, 1.6 + 0.08 * at, 60 + 12 * np.sin(at), 25.0
            else:
                scene, zoom, left, top = sheet, 1.25, -40 + 110 * (at - _CLIP_CUT), 20.0
            matrix = np.array([[1 / zoom, 0, left], [0, 1 / zoom, top]], np.float32)
            picture = cv2.warpAffine(
                scene,
                matrix,
                _CLIP_SIZE,
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REPLICATE,
            )
            container.mux(track.encode(av.VideoFrame.from_ndarray(picture.astype(np.uint8), format="bgr24")))
        container.mux(track.encode(None))
    return "sample.mp4", stream.getvalue()


def _contact_sheet(faces: np.ndarray) -> np.ndarray:
    """Enlarge gray faces (N, h, w) and lay them out on light gray; returns uint8, shape (H, W, 3)."""
    rows = -(-len(faces) // _COLUMNS)
    pitch = _SIDE + _GAP
    sheet = np.full((rows * pitch + _GAP, _COLUMNS * pitch + _GAP), 225, np.uint8)
    for i, face in enumerate(faces):
        top, left = _GAP + i // _COLUMNS * pitch, _GAP + i % _COLUMNS * pitch
        sheet[top : top + _SIDE, left : left + _SIDE] = cv2.resize(face, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
    return cv2.cvtColor(sheet, cv2.COLOR_GRAY2BGR)
