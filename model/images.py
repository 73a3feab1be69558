"""Picture files to frames and back: whatever people upload becomes ``frame_bgr``, or one clear sentence.

The header is read and the memory that decoding takes is reckoned before any pixel is decoded. Of an animation or a
multi-page file the first picture with something in it is used. A file that ends early is refused rather than shown half
gray, but where the caller can say so.
"""

from __future__ import annotations

import base64
import io
import logging
import math
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

# Importing a plugin is what lets Pillow read its format: `Image.open` knows only five formats by itself.
from PIL import (  # noqa: F401
    AvifImagePlugin,
    Image,
    Jpeg2KImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from emoscope.model.errors import ImageError
from emoscope.model.image_headers import avif_plane_bytes, costly_part, has_few_tags
from emoscope.model.image_repair import mended

MAX_DECODING_BYTES = 1_000_000_000
"""Pictures that need more memory than this while they are decoded are refused from their header alone.

The file itself and the frame that is made of it, at most 200 MB, come on top.
"""

MAX_FRAME_PIXELS = 25_000_000
"""Larger pictures are shrunk by a whole number; a JPEG is decoded at the smaller size to begin with."""

MAX_FRAME_SIDE = 32_000
"""OpenCV's geometric functions count pixels in 16 bits; a longer side is shrunk to this."""

PICTURE_FORMATS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "HEIC": (".heic", ".heif", ".hif"),
    "WebP": (".webp",),
    "AVIF": (".avif",),
    "JPEG 2000": (".jp2", ".j2k", ".jpf", ".jpx"),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp", ".dib"),
    "GIF": (".gif",),
    "PPM": (".ppm", ".pgm"),
}
"""The formats that can be opened, as people call them, and how their files' names end, in lower case."""

PICTURE_SUFFIXES = frozenset(suffix for suffixes in PICTURE_FORMATS.values() for suffix in suffixes)

SUPPORTED = ", ".join(list(PICTURE_FORMATS)[:-1]) + f" or {list(PICTURE_FORMATS)[-1]}"
"""The formats for a sentence."""

# Formats read by Pillow without calling another program. JPEG includes MPO, the form in which many phones write it.
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "PPM", "JPEG2000")
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
_JPEG_XL = (b"\xff\x0a", b"\x00\x00\x00\x0cJXL \r\n\x87\n")
_JPEG = ("JPEG", "MPO")
_ORIENTATION_TAG = 0x0112
# Bytes per pixel: of Pillow's own storage, by mode (4 for all others), and what decoders hold beside it, as measured.
_STORED_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2}
_DECODER_BYTES = {"AVIF": 4.5, "HEIF": 6, "WEBP": 13, "JPEG2000": 21}
_SLOW_PIXELS = 1_000_000  # that are decoded in Python
_MOST_BLANK, _BLANK_PIXELS = 50, 100_000_000  # of an animation that is looked through for a frame with content
_SAVE_AGAIN = "Save it again as PNG or JPEG."
_SAMPLED = 200_000  # values of a band by which the range of deep pixels is told
_FULL = 16384  # a quarter of 16 bits: pictures that stay below it do not use them all
_STICKS_OUT = (0.1, 99.9)  # percentiles: dead and hot pixels of a sensor lie beyond
_BAND_PIXELS = 4_000_000  # of the parts in which a large picture is converted

logging.getLogger("PIL").addHandler(logging.NullHandler())  # else its errors are printed where logging is not set up


def decode_image(data: bytes, max_pixels: int | None = None, notes: list[str] | None = None) -> np.ndarray:
    """Decode an uploaded file.

    Gray, palette, CMYK, 1-bit, 10-bit, 16-bit and floating-point pictures become 8-bit colour; transparent parts become
    white; the camera's orientation tag is applied. Large pictures are shrunk. Pillow's warnings about damaged metadata
    are switched off for the whole process.

    Args:
        data: The file's content.
        max_pixels: Pictures with more pixels are refused, too; None for no limit but :data:`MAX_DECODING_BYTES`.
        notes: Takes in a sentence on what was left out or is missing where a damaged file was opened all the same;
            None to have such files refused.

    Returns:
        frame_bgr: uint8, shape (H, W, 3), of at most :data:`MAX_FRAME_PIXELS` pixels.

    Raises:
        ImageError: The file is empty, no picture, cut off, of an unreadable kind, or too large.
    """
    try:
        return _decode(data, max_pixels)
    except ImageError:
        if notes is None:
            raise
        for changed, note, is_cut in mended(data):
            with suppress(ImageError):
                frame = _decode(changed, max_pixels)
                if is_cut and _is_blank(frame):  # nothing but its header is there
                    continue
                notes.append(note)
                return frame
        raise


def _decode(data: bytes, max_pixels: int | None) -> np.ndarray:
    if not data:
        raise ImageError("The file is empty.", "Choose another file.")
    if costly := costly_part(data):
        raise ImageError(f"The file {costly}.", _SAVE_AGAIN)
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.|pillow_heif")
    with _PILLOW_LIMIT.lifted():
        try:
            image = _open(data)
        except Exception as error:  # on hostile bytes a parser may raise anything
            raise _not_a_picture(data) from error
        with image:
            _check_size(image, max_pixels, avif_plane_bytes(data) if image.format == "AVIF" else 0)
            _check_decoder(image)
            if image.format in _JPEG:
                scale = _jpeg_scale(image)
                image.draft(None, (max(1, image.width // scale), max(1, image.height // scale)))
            try:
                image.load()  # turns some kinds upright by itself, and then drops their tag
                orientation = _orientation(image)
                frame = _to_bgr(image)
            except Exception as error:  # as above
                raise ImageError(
                    f"The {_name(image)} picture is damaged or ends too early.",
                    "Save it again or choose another file.",
                ) from error
            if _is_blank(frame):
                frame = _next_with_content(image, max_pixels, frame)
    return _turn_upright(frame, orientation)


def read_image(path: Path | str, notes: list[str] | None = None) -> np.ndarray:
    """Decode a picture file on disk; see :func:`decode_image`.

    Raises:
        ImageError: The file cannot be read, or is no picture that can be opened.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ImageError(f"{path} cannot be read ({error.strerror or error}).", "Check the path.") from error
    return decode_image(data, notes=notes)


def data_url(content: bytes, mime: str) -> str:
    """Return a file as a ``data:`` address, e.g. ``data:image/png;base64,…``."""
    return f"data:{mime};base64,{base64.b64encode(content).decode('ascii')}"


def data_url_content(url: object) -> bytes:
    """Return the file that a browser sends as a ``data:`` address.

    Raises:
        ImageError: It is no such address.
    """
    try:
        return base64.b64decode(str(url).partition(",")[2], validate=True)
    except ValueError as error:
        raise ImageError("What the browser sent is no picture.", "Try again.") from error


def encode_png(frame_bgr: np.ndarray) -> bytes:
    """Encode a picture as PNG, at the compression level that favours speed.

    Args:
        frame_bgr: uint8, shape (H, W, 3) BGR or (H, W) gray.
    """
    done, data = cv2.imencode(".png", frame_bgr, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise ValueError(f"The picture cannot be encoded. Received: shape {frame_bgr.shape}, {frame_bgr.dtype}")
    return data.tobytes()


def _open(data: bytes) -> Image.Image:
    """Read a picture's header."""
    if not _is_heif(data):
        return Image.open(io.BytesIO(data), formats=_FORMATS)
    _register_heif()
    return Image.open(io.BytesIO(data), formats=(*_FORMATS, "HEIF"))  # also AVIF files may begin like this


def _is_heif(data: bytes) -> bool:
    return data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS


@cache
def _register_heif() -> None:
    import pillow_heif  # here, since most processes never meet such a file

    pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)


class _PillowLimit:
    """Pillow's own limit of 179 megapixels, lifted while any thread decodes: :data:`MAX_DECODING_BYTES` holds here."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._decoding = 0
        self._limit = Image.MAX_IMAGE_PIXELS

    @contextmanager
    def lifted(self) -> Iterator[None]:
        with self._lock:
            if not self._decoding:
                self._limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
            self._decoding += 1
        try:
            yield
        finally:
            with self._lock:
                self._decoding -= 1
                if not self._decoding:
                    Image.MAX_IMAGE_PIXELS = self._limit


_PILLOW_LIMIT = _PillowLimit()


def _check_size(image: Image.Image, max_pixels: int | None, plane_bytes: float) -> None:
    """Refuse a picture that is larger than is allowed.

    Raises:
        ImageError: It has more pixels than ``max_pixels``, or would take too much memory.
    """
    size = f"({image.width} × {image.height} pixels)"
    if max_pixels is not None and image.width * image.height > max_pixels:
        raise ImageError(
            f"The picture is too large {size}; the limit is {max_pixels / 1e6:g} megapixels.", "Scale it down first."
        )
    needed = decoding_bytes(image, plane_bytes)
    if needed > MAX_DECODING_BYTES:
        raise ImageError(
            f"The picture is too large {size}: it would take {needed / 1e9:.1f} GB of memory, and the limit is "
            f"{MAX_DECODING_BYTES / 1e9:g} GB.",
            "Scale it down first.",
        )


def _check_decoder(image: Image.Image) -> None:
    """Refuse a picture whose pixels would be decoded one by one in Python.

    Raises:
        ImageError: It is a BMP with run-length coding, or a large PPM with a rare maximum value or written as text.
    """
    decoders = {tile.codec_name for tile in getattr(image, "tile", ())}
    if "bmp_rle" in decoders:
        raise ImageError("BMP pictures with run-length coding cannot be opened.", _SAVE_AGAIN)
    if decoders & {"ppm", "ppm_plain"} and image.width * image.height > _SLOW_PIXELS:
        raise ImageError(
            f"PPM pictures of more than {_SLOW_PIXELS / 1e6:g} megapixels can be opened only with a maximum value of "
            "255, or of 65535 in gray, and not as text.",
            _SAVE_AGAIN,
        )


def decoding_bytes(image: Image.Image, plane_bytes: float = 0) -> int:
    """Return how much memory a picture takes while it is decoded, as its header tells; at most, for a JPEG.

    Args:
        image: Opened, not decoded.
        plane_bytes: Of an AVIF file, the bytes per pixel of its planes.
    """
    pixels = image.width * image.height
    if image.format not in _JPEG:
        stored = _STORED_BYTES.get(image.mode, 4)
        beside = stored if image.format == "TIFF" else _DECODER_BYTES.get(image.format or "", 0)  # it may be one strip
        return int(pixels * (stored + beside + plane_bytes))
    # The file may hold its coefficients in an order in which all of them, 16 bits each, are needed at once.
    sampling = [across * down for _, across, down, _ in getattr(image, "layer", ())]
    coefficients = sum(sampling) / max(sampling, default=1) if sampling else len(image.getbands())
    return int(2 * coefficients * pixels + 4 * pixels / _jpeg_scale(image) ** 2)


def _jpeg_scale(image: Image.Image) -> int:
    """Return 1, 2, 4 or 8, by which libjpeg is to divide a picture while it decodes it."""
    return min(8, 1 << (_shrink_factor(*image.size) - 1).bit_length())


def _name(image: Image.Image) -> str:
    """Return what people call a picture's format."""
    names = {"MPO": "JPEG", "HEIF": "HEIC", "WEBP": "WebP", "JPEG2000": "JPEG 2000"}
    return names.get(image.format or "", image.format or "")


def _shrink_factor(width: int, height: int) -> int:
    """Return the smallest whole number by which a picture is to be divided to fit."""
    by_pixels = math.ceil(math.sqrt(width * height / MAX_FRAME_PIXELS))
    return max(1, by_pixels, math.ceil(max(width, height) / MAX_FRAME_SIDE))


def _to_bgr(image: Image.Image) -> np.ndarray:
    """Convert the pixels of a decoded picture; in bands where it is large, so that no second full copy exists."""
    width, height = image.size
    factor = _shrink_factor(width, height)
    is_deep = image.mode.startswith("I") or image.mode == "F"
    if factor == 1 and not is_deep:
        return _band_to_bgr(image, None)
    rows = factor * max(1, _BAND_PIXELS // (factor * width))
    parts = [(0, top, width, min(top + rows, height)) for top in range(0, height, rows)]
    ends = _used_range(np.asarray(image.crop(part)) for part in parts) if is_deep else None
    frame = np.empty((-(-height // factor), -(-width // factor), 3), np.uint8)
    for part in parts:
        band = Image.fromarray(_band_to_bgr(image.crop(part), ends)).reduce(factor)
        frame[part[1] // factor :][: band.height] = np.asarray(band)
    return frame


def _band_to_bgr(image: Image.Image, ends: tuple[float, float] | None) -> np.ndarray:
    """Convert a decoded picture or a part of it; ``ends`` is None, or the gray values that become 0 and 255."""
    if ends is not None:
        black, white = ends
        values = np.nan_to_num(np.asarray(image).astype(np.float32), nan=black, posinf=white, neginf=black)
        gray = cv2.convertScaleAbs(np.clip(values, black, white) - black, alpha=255 / (white - black))
        return cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)
    if image.has_transparency_data:
        layer = _in_mode(image, "RGBA")
        opaque = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
        return cv2.cvtColor(np.asarray(opaque), cv2.COLOR_RGBA2BGR)
    if image.mode in ("1", "L"):
        return cv2.cvtColor(np.asarray(_in_mode(image, "L")), cv2.COLOR_GRAY2BGR)
    return cv2.cvtColor(np.asarray(_in_mode(image, "RGB")), cv2.COLOR_RGB2BGR)


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    return image if image.mode == mode else image.convert(mode)  # which would copy it


def _used_range(parts: Iterator[np.ndarray]) -> tuple[float, float]:
    """Return the values of black and white in deep gray pixels, whose files do not say where these lie.

    Black is 0, and white the first of 1 (floating point only), 255 and 65535 that nothing exceeds. Where that would
    leave a picture nearly black, as 10- to 14-bit values do in 16 bits, or where values are negative or larger still,
    both are taken from the values themselves, but for the few that stick out.
    """
    samples = []
    is_float = False
    for pixels in parts:
        is_float |= pixels.dtype.kind == "f"
        known = pixels[np.isfinite(pixels)]
        samples.append(known[:: max(1, known.size // _SAMPLED)].astype(np.float64))
        samples.append(np.array([known.min(), known.max()]) if known.size else np.empty(0))
    values = np.concatenate(samples) if samples else np.empty(0)
    if not values.size:
        return 0.0, 1.0
    whites = [1.0, 255.0, 65535.0] if is_float else [255.0, 65535.0]
    white = next((white for white in whites if values.max() <= white), None)
    if white is not None and values.min() >= 0 and (white < 65535 or values.max() >= _FULL):
        return 0.0, white
    low, high = np.percentile(values, _STICKS_OUT)
    if low == high:
        low, high = values.min(), values.max()
    return (float(low), float(high)) if low < high else (0.0, max(65535.0, abs(2 * float(high))))


def _next_with_content(image: Image.Image, max_pixels: int | None, blank: np.ndarray) -> np.ndarray:
    """Return the next picture of a file that is not blank; the blank one where none follows soon."""
    pixels = image.width * image.height
    for place in range(1, _MOST_BLANK):
        try:
            image.seek(place)
            pixels += image.width * image.height  # each page of a TIFF file has a size of its own
            if pixels > _BLANK_PIXELS:
                return blank
            _check_size(image, max_pixels, 0)
            _check_decoder(image)
            frame = _to_bgr(image)
        except Exception:  # the file ends, is damaged, or has a picture in it that is too large
            return blank
        if not _is_blank(frame):
            return frame
    return blank


def _is_blank(frame_bgr: np.ndarray) -> bool:
    """Tell whether a picture has one colour throughout."""
    first = frame_bgr[0, 0]
    return bool((frame_bgr[::64, ::64] == first).all() and (frame_bgr == first).all())  # nearly all differ at once


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation 1..8; 1 where there is none or the tag is damaged."""
    if image.format == "HEIF":  # the file says how it is turned apart from EXIF, and the decoder has done it
        return 1
    try:
        exif = image.info.get("exif", b"").removeprefix(b"Exif\0\0")
        if not has_few_tags(exif):
            return 1
        value: Any = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # a damaged tag must not cost the picture
        return 1
    return value if value in range(1, 9) else 1


def _turn_upright(frame: np.ndarray, orientation: int) -> np.ndarray:
    if orientation in (5, 6, 7, 8):
        frame = cv2.transpose(frame)
    flips = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}
    return cv2.flip(frame, flips[orientation]) if orientation in flips else frame


def _not_a_picture(data: bytes) -> ImageError:
    if data.startswith(_JPEG_XL):
        return ImageError("JPEG XL pictures cannot be opened.", "Convert the picture to JPEG or PNG first.")
    if _is_heif(data):
        return ImageError("The HEIC picture is damaged or ends too early.", "Save it again or choose another file.")
    return ImageError("The file is no picture that can be opened.", f"Choose a {SUPPORTED} file.")
