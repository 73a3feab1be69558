"""Decoding of what people upload, against Pillow's own round trips."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from emoscope.model import images
from emoscope.model.errors import ImageError
from emoscope.model.images import MAX_FRAME_PIXELS, decode_image, encode_png, read_image


@pytest.fixture
def picture() -> Image.Image:
    """A smooth picture, different in each corner, so that lossy formats keep it and turns show."""
    x, y = np.meshgrid(np.linspace(20, 230, 40), np.linspace(30, 200, 24))
    return Image.fromarray(np.stack([x, y, (x + y) / 2], -1).astype(np.uint8))


def to_bytes(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def rgb(data: bytes) -> np.ndarray:
    frame = decode_image(data)
    assert frame.dtype == np.uint8 and frame.ndim == 3 and frame.shape[2] == 3
    assert frame.flags.c_contiguous and frame.flags.writeable  # OpenCV draws into frames
    return frame[:, :, ::-1].astype(int)


@pytest.mark.parametrize(
    ("format", "mode", "tolerance"),
    [
        *[("PNG", mode, 0) for mode in ("RGB", "L", "RGBA", "LA", "1")],
        *[(format, "RGB", 0) for format in ("BMP", "TIFF", "PPM")],
        *[("TIFF", mode, 0) for mode in ("L", "1", "P", "RGBA", "CMYK")],
        *[("JPEG", mode, 12) for mode in ("RGB", "L", "CMYK")],
        ("WEBP", "RGB", 16),
        ("AVIF", "RGB", 12),
        ("PNG", "P", 0),
        ("GIF", "P", 0),
    ],
)
def test_formats_and_modes_decode_as_pillow_converts_them(
    picture: Image.Image, format: str, mode: str, tolerance: int
) -> None:
    image = picture.convert(mode)
    expected = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(rgb(to_bytes(image, format)) - expected).max() <= tolerance


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_parts_become_white(picture: Image.Image, mode: str) -> None:
    image = picture.convert("RGBA")
    image.putalpha(Image.fromarray(np.repeat(np.uint8([[0, 128, 255, 255]]), 24, 0).repeat(10, 1)))
    found = rgb(to_bytes(image.convert(mode), "PNG"))
    assert (found[:, :10] == 255).all()
    opaque = np.asarray(image.convert(mode).convert("RGB")).astype(int)[:, 20:]
    assert np.abs(found[:, 20:] - opaque).max() <= 1
    if mode == "RGBA":
        half = np.asarray(picture).astype(int)[:, 10:20]
        assert np.abs(found[:, 10:20] - (half + 255) / 2).max() <= 1


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_16_bit_gray_is_scaled_not_clipped(format: str) -> None:
    deep = np.linspace(0, 65535, 256 * 8).reshape(8, 256).astype(np.uint16)
    found = rgb(to_bytes(Image.fromarray(deep), format))
    assert np.abs(found[:, :, 0] - deep / 257.0).max() <= 0.51


def test_16_bit_colour_is_scaled_not_clipped(picture: Image.Image) -> None:
    pixels = np.asarray(picture)
    done, data = cv2.imencode(".png", pixels[:, :, ::-1].astype(np.uint16) * 257)
    assert done
    assert np.abs(rgb(data.tobytes()) - pixels).max() <= 1


@pytest.mark.parametrize("white", [1.0, 255.0, 65535.0, 1e6])
def test_floating_point_gray_is_scaled_by_its_range(white: float) -> None:
    ramp = np.linspace(0, white, 256).reshape(1, 256).astype(np.float32)
    ramp[0, 0] = np.nan
    assert np.abs(rgb(to_bytes(Image.fromarray(ramp), "TIFF"))[0, :, 0] - np.arange(256)).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF", "WEBP", "AVIF"])
def test_exif_orientation_is_applied_once(picture: Image.Image, format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = to_bytes(picture, format, exif=exif)
    tagged = picture.copy()
    tagged.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(tagged)).astype(int)
    found = rgb(data)
    assert found.shape == expected.shape and np.abs(found - expected).max() <= 16


@pytest.mark.parametrize("value", [0, 9, 77])
def test_damaged_orientation_costs_nothing(picture: Image.Image, value: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    assert (rgb(to_bytes(picture, "PNG", exif=exif)) == np.asarray(picture)).all()


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_first_picture_of_several_is_used(picture: Image.Image, format: str) -> None:
    first, second = picture.convert("P").convert("RGB"), Image.new("RGB", picture.size, "black")
    data = to_bytes(
        first, format, save_all=True, append_images=[second], **({"lossless": True} if format == "WEBP" else {})
    )
    assert np.abs(rgb(data) - np.asarray(first).astype(int)).max() <= 1


def test_one_pixel() -> None:
    assert (rgb(to_bytes(Image.new("RGB", (1, 1), (10, 20, 30)), "PNG")) == (10, 20, 30)).all()


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_large_pictures_are_shrunk_to_the_documented_limit(format: str) -> None:
    frame = decode_image(to_bytes(Image.new("RGB", (8000, 4000), (200, 100, 50)), format))
    assert frame.shape == (2000, 4000, 3) and frame[:, :, 0].size <= MAX_FRAME_PIXELS
    assert np.abs(frame[::50, ::50].astype(int) - (50, 100, 200)).max() <= 2


def test_12_megapixels_are_kept() -> None:
    assert decode_image(to_bytes(Image.new("L", (4000, 3000)), "JPEG")).shape == (3000, 4000, 3)


def test_very_long_pictures_stay_below_what_opencv_can_turn() -> None:
    height, width, _ = decode_image(to_bytes(Image.new("L", (60_000, 2)), "PNG")).shape
    assert width < 32_767 and height >= 1


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(9_500, 9_500), (12_000, 12_000), (100_000, 100_000)])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_decompression_bombs_are_refused_from_the_header(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "_to_bgr", lambda image: pytest.fail("pixels were decoded"))
    with pytest.raises(ImageError, match=r"too large.*80 megapixels"):
        decode_image(png_header(*size))


HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(100)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is empty"),
        (b"hello", "no picture"),
        (b"%PDF-1.7\n", "no picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture"),
        (bytes(5000), "no picture"),
        (HEIC, "HEIC.*Convert the photo to JPEG"),
    ],
)
def test_what_is_no_picture_is_refused_with_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(ImageError, match=sentence) as caught:
        decode_image(data)
    assert caught.value.message.endswith(".") and caught.value.action.endswith(".")


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"])
def test_cut_off_files_are_refused(format: str) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8))
    data = to_bytes(noise, format)
    with pytest.raises(ImageError):
        decode_image(data[: len(data) * 2 // 3])


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "PPM"])
@pytest.mark.filterwarnings("ignore")
def test_damaged_bytes_give_a_frame_or_an_image_error(picture: Image.Image, format: str) -> None:
    rng = np.random.default_rng(1)
    intact = np.frombuffer(to_bytes(picture, format), np.uint8)
    refused = 0
    for _ in range(150):
        data = intact.copy()
        places = rng.integers(0, min(len(data), 400), rng.integers(1, 6))
        data[places] = rng.integers(0, 256, len(places))
        try:
            assert decode_image(data.tobytes()).shape[2] == 3
        except ImageError:
            refused += 1
    assert refused > 0


def test_png_round_trip_through_a_file(picture: Image.Image, tmp_path: Path) -> None:
    frame = np.ascontiguousarray(np.asarray(picture)[:, :, ::-1])
    file = tmp_path / "picture.png"
    file.write_bytes(encode_png(frame))
    assert (read_image(file) == frame).all()


def test_missing_file_is_an_image_error(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="cannot be read"):
        read_image(tmp_path / "absent.jpg")
