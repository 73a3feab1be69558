"""Picture files to frames and back: whatever people upload becomes ``frame_bgr``, or one clear sentence.

The header is read and its size checked before any pixel is decoded. Only the first picture of an animation or a
multi-page file is used. A file that ends early is refused rather than shown half gray.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np

# Importing a plugin is what lets Pillow read its format: `Image.open` knows only five formats by itself.
from PIL import (  # noqa: F401
    AvifImagePlugin,
    Image,
    TiffImagePlugin,
    WebPImagePlugin,
)

from emoscope.model.errors import ImageError

MAX_PIXELS = 80_000_000
"""Pictures with more pixels than this are refused from their header alone."""

MAX_FRAME_PIXELS = 25_000_000
"""Larger pictures are decoded, then halved until they fit; a JPEG is decoded at the smaller size to begin with."""

MAX_FRAME_SIDE = 32_000
"""OpenCV's geometric functions count pixels in 16 bits; a longer side is shrunk to this."""

# Formats read by Pillow without calling another program. JPEG includes MPO, the form in which many phones write it.
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "PPM")
_SUPPORTED = "JPEG, PNG, WebP, BMP, TIFF, GIF or AVIF"
_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
_ORIENTATION_TAG = 0x0112


def decode_image(data: bytes, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Decode an uploaded file.

    Gray, palette, CMYK, 1-bit, 16-bit and floating-point pictures become 8-bit colour; transparent parts become white;
    the camera's orientation tag is applied.

    Args:
        data: The file's content.
        max_pixels: Larger pictures are refused from their header alone.

    Returns:
        frame_bgr: uint8, shape (H, W, 3), of at most :data:`MAX_FRAME_PIXELS` pixels.

    Raises:
        ImageError: The file is empty, no picture, cut off, of an unreadable kind, or larger than ``max_pixels``.
    """
    if not data:
        raise ImageError("The file is empty.", "Choose another file.")
    try:
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large("", max_pixels) from error
    except Exception as error:  # on hostile bytes a parser may raise anything
        raise _not_a_picture(data) from error
    with image:
        width, height = image.size
        if width * height > max_pixels:
            raise _too_large(f" ({width} × {height} pixels)", max_pixels)
        if width * height > MAX_FRAME_PIXELS:
            image.draft(None, (width // 2, height // 2))
        try:
            image.load()  # turns some kinds upright by itself, and then drops their tag
            orientation = _orientation(image)
            frame = _to_bgr(image)
        except Exception as error:  # as above
            raise ImageError(
                f"The {image.format} picture is damaged or ends too early.", "Save it again or choose another file."
            ) from error
    return _turn_upright(frame, orientation)


def read_image(path: Path | str) -> np.ndarray:
    """Decode a picture file on disk; see :func:`decode_image`.

    Raises:
        ImageError: The file cannot be read, or is no picture that can be opened.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ImageError(f"{path} cannot be read ({error.strerror or error}).", "Check the path.") from error
    return decode_image(data)


def encode_png(frame_bgr: np.ndarray) -> bytes:
    """Encode a picture as PNG, at the compression level that favours speed.

    Args:
        frame_bgr: uint8, shape (H, W, 3) BGR or (H, W) gray.
    """
    done, data = cv2.imencode(".png", frame_bgr, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise ValueError(f"The picture cannot be encoded. Received: shape {frame_bgr.shape}, {frame_bgr.dtype}")
    return data.tobytes()


def _to_bgr(image: Image.Image) -> np.ndarray:
    """Decode the pixels of an opened picture."""
    if image.mode.startswith("I") or image.mode == "F":
        return cv2.cvtColor(_fit(_to_8_bit(np.asarray(image))), cv2.COLOR_GRAY2BGR)
    mode = "RGBA" if image.has_transparency_data else "L" if image.mode in ("1", "L") else "RGB"
    pixels = _fit(np.asarray(image if image.mode == mode else image.convert(mode)))
    if mode == "L":
        return cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR)
    if mode == "RGBA":
        layer = Image.fromarray(pixels)
        pixels = np.asarray(Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer))
        return cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGR)
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)


def _to_8_bit(pixels: np.ndarray) -> np.ndarray:
    """Scale deep gray pixels, whose files do not say where white lies.

    Sixteen bits are taken whole; other kinds by the first of 1 (floating point only), 255, 65535 and their maximum
    that nothing exceeds.
    """
    if pixels.dtype == np.uint16:
        return cv2.convertScaleAbs(pixels, alpha=255 / 65535)
    values = np.nan_to_num(pixels.astype(np.float32), posinf=0.0, neginf=0.0)
    peak = float(values.max(initial=0.0))
    whites = (1.0, 255.0, 65535.0) if pixels.dtype.kind == "f" else (255.0, 65535.0)
    white = next((w for w in whites if peak <= w), peak)
    return cv2.convertScaleAbs(np.maximum(values, 0.0), alpha=255 / white)


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation 1..8; 1 where there is none or the tag is damaged."""
    try:
        value: Any = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # a damaged tag must not cost the picture
        return 1
    return value if value in range(1, 9) else 1


def _turn_upright(frame: np.ndarray, orientation: int) -> np.ndarray:
    if orientation in (5, 6, 7, 8):
        frame = cv2.transpose(frame)
    flips = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}
    return cv2.flip(frame, flips[orientation]) if orientation in flips else frame


def _fit(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    factor = 1.0
    while height * width * factor * factor > MAX_FRAME_PIXELS:
        factor /= 2
    factor = min(factor, MAX_FRAME_SIDE / max(height, width))
    if factor == 1.0:
        return pixels
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def _too_large(size: str, max_pixels: int) -> ImageError:
    return ImageError(
        f"The picture is too large{size}; the limit is {max_pixels / 1e6:g} megapixels.", "Scale it down first."
    )


def _not_a_picture(data: bytes) -> ImageError:
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        return ImageError("HEIC photos cannot be opened.", "Convert the photo to JPEG or PNG first.")
    return ImageError("The file is no picture that can be opened.", f"Choose a {_SUPPORTED} file.")
