"""Decoding of what people upload, against Pillow's own round trips."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageOps, PngImagePlugin

from emoscope.model import images
from emoscope.model.errors import ImageError
from emoscope.model.images import (
    MAX_DECODING_BYTES,
    MAX_FRAME_PIXELS,
    PICTURE_FORMATS,
    SUPPORTED,
    decode_image,
    decoding_bytes,
    encode_png,
    read_image,
)
from tests.paths import ROOT

pillow_heif.register_heif_opener()  # to write HEIC


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
        ("HEIF", "RGB", 12),
        ("HEIF", "L", 12),
        *[("JPEG2000", mode, 0) for mode in ("RGB", "L", "RGBA")],
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


@pytest.mark.parametrize("format", ["PNG", "TIFF", "JPEG2000"])
def test_16_bit_gray_is_scaled_not_clipped(format: str) -> None:
    deep = np.linspace(0, 65535, 256 * 8).reshape(8, 256).astype(np.uint16)
    found = rgb(to_bytes(Image.fromarray(deep), format))
    assert np.abs(found[:, :, 0] - deep / 257.0).max() <= 0.51


def test_16_bit_colour_is_scaled_not_clipped(picture: Image.Image) -> None:
    pixels = np.asarray(picture)
    done, data = cv2.imencode(".png", pixels[:, :, ::-1].astype(np.uint16) * 257)
    assert done
    assert np.abs(rgb(data.tobytes()) - pixels).max() <= 1


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_fewer_bits_in_a_16_bit_file_are_stretched(format: str, bits: int) -> None:
    ramp = np.linspace(0, (1 << bits) - 1, 256 * 8).reshape(8, 256).astype(np.uint16)
    ramp[0, 0] = (1 << bits) - 1  # a hot pixel
    found = rgb(to_bytes(Image.fromarray(ramp), format))[1:, :, 0]
    assert found.max() == 255 and found.min() < 40
    assert np.abs(found - np.linspace(0, 255, 256 * 8).reshape(8, 256)[1:]).max() <= 2


def test_a_narrow_range_of_temperatures_becomes_black_to_white() -> None:
    warm = np.linspace(7000, 9000, 64 * 64).reshape(64, 64).astype(np.uint16)
    found = rgb(to_bytes(Image.fromarray(warm), "PNG"))
    assert found.min() == 0 and found.max() == 255


def test_8_bit_values_in_a_16_bit_file_keep_their_meaning() -> None:
    dim = np.linspace(0, 120, 256).reshape(1, 256).astype(np.uint16)
    assert np.abs(rgb(to_bytes(Image.fromarray(dim), "PNG"))[:, :, 0] - dim).max() <= 1


@pytest.mark.parametrize("level", [0, 5000, 65535])
def test_an_even_16_bit_picture_stays_even(level: int) -> None:
    assert np.ptp(rgb(to_bytes(Image.fromarray(np.full((9, 9), level, np.uint16)), "PNG"))) == 0


@pytest.mark.parametrize("alpha", [False, True])
def test_10_bit_heic_is_scaled_not_clipped(picture: Image.Image, alpha: bool) -> None:
    deep = np.asarray(picture.convert("RGBA" if alpha else "RGB")).astype(np.uint16) * 257
    file = io.BytesIO()
    mode = "RGBA;16" if alpha else "RGB;16"
    pillow_heif.encode(mode, picture.size, deep.tobytes(), file, quality=-1, chroma=444, matrix_coefficients=0)
    file.seek(0)
    assert pillow_heif.open_heif(file, convert_hdr_to_8bit=False).info["bit_depth"] == 10
    assert np.abs(rgb(file.getvalue()) - np.asarray(picture).astype(int)).max() <= 2


@pytest.mark.parametrize("white", [1.0, 255.0, 65535.0, 1e6])
def test_floating_point_gray_is_scaled_by_its_range(white: float) -> None:
    ramp = np.linspace(0, white, 256).reshape(1, 256).astype(np.float32)
    ramp[0, 0] = np.nan
    assert np.abs(rgb(to_bytes(Image.fromarray(ramp), "TIFF"))[0, :, 0] - np.arange(256)).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF", "WEBP", "AVIF", "HEIF"])
def test_exif_orientation_is_applied_once(picture: Image.Image, format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = to_bytes(picture, format, exif=exif.tobytes())
    tagged = picture.copy()
    tagged.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(tagged)).astype(int)
    found = rgb(data)
    assert found.shape == expected.shape and np.abs(found - expected).max() <= 16


@pytest.mark.parametrize("kind", ["exif", "xmp"])
def test_heic_that_names_its_orientation_twice_is_turned_once(picture: Image.Image, kind: str) -> None:
    """As phones write it: turned by the container, and the same again in the metadata, which readers are to ignore."""
    exif = Image.Exif()
    exif[0x0112] = 6
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    xmp += b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
    file = io.BytesIO()
    metadata = {"exif": exif.tobytes()} if kind == "exif" else {"xmp": xmp}
    pixels = (picture.size, "RGB", picture.tobytes())
    writer = pillow_heif.misc.CtxEncode(pillow_heif.constants.HeifCompressionFormat.HEVC, quality=-1)
    writer.add_image(pixels[0], pixels[1], pixels[2], image_orientation=6, primary=True, **metadata)
    writer.save(file)
    expected = np.asarray(picture.transpose(Image.Transpose.ROTATE_270)).astype(int)
    found = rgb(file.getvalue())
    assert found.shape == expected.shape and np.abs(found - expected).max() <= 16
    assert metadata.popitem()[1][:20] in file.getvalue()


@pytest.mark.parametrize("value", [0, 9, 77])
def test_damaged_orientation_costs_nothing(picture: Image.Image, value: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    assert (rgb(to_bytes(picture, "PNG", exif=exif)) == np.asarray(picture)).all()


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF", "HEIF"])
def test_first_picture_of_several_is_used(picture: Image.Image, format: str) -> None:
    first, second = picture.convert("P").convert("RGB"), Image.new("RGB", picture.size, "black")
    exact = {"WEBP": {"lossless": True}, "HEIF": {"quality": -1, "chroma": 444, "matrix_coefficients": 0}}
    data = to_bytes(first, format, save_all=True, append_images=[second], **exact.get(format, {}))
    assert np.abs(rgb(data) - np.asarray(first).astype(int)).max() <= 1


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_an_animation_that_begins_blank_shows_its_first_frame_with_content(picture: Image.Image, format: str) -> None:
    blank = Image.new("RGB", picture.size, "black")
    options = {"lossless": True} if format == "WEBP" else {}
    data = to_bytes(
        blank, format, save_all=True, append_images=[blank, picture, blank], duration=[40, 50, 60, 70], **options
    )
    assert np.abs(rgb(data) - np.asarray(picture)).max() <= (64 if format == "GIF" else 1)
    assert np.ptp(rgb(to_bytes(blank, format, save_all=True, append_images=[blank], duration=[40, 50]))) == 0


def test_a_blank_page_before_larger_ones_costs_no_more_than_is_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "_BLANK_PIXELS", 2_000)
    blank, large = Image.new("RGB", (4, 4)), Image.new("RGB", (50, 50), "red")
    assert rgb(to_bytes(blank, "TIFF", save_all=True, append_images=[large])).shape == (4, 4, 3)
    monkeypatch.setattr(images, "_BLANK_PIXELS", 3_000)
    large.putpixel((0, 0), (0, 0, 255))
    assert rgb(to_bytes(blank, "TIFF", save_all=True, append_images=[large])).shape == (50, 50, 3)


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


@pytest.mark.parametrize(("size", "needed"), [((16_000, 16_000), "1.0 GB"), ((100_000, 100_000), "40.0 GB")])
def test_decompression_bombs_are_refused_from_the_header(
    size: tuple[int, int], needed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image.Image, "load", lambda image: pytest.fail("pixels were decoded"))
    with pytest.raises(ImageError, match=rf"too large \({size[0]} × {size[1]} pixels\).*{needed}.*limit is 1 GB"):
        decode_image(png_header(*size))


def test_a_caller_may_allow_fewer_pixels() -> None:
    data = to_bytes(Image.new("L", (300, 100)), "PNG")
    assert decode_image(data, max_pixels=30_000).shape == (100, 300, 3)
    with pytest.raises(ImageError, match=r"300 × 100 pixels.*limit is 0.02 megapixels"):
        decode_image(data, max_pixels=20_000)


def test_pillows_own_limit_is_as_it_was_for_others() -> None:
    before = Image.MAX_IMAGE_PIXELS
    decode_image(to_bytes(Image.new("L", (30, 10)), "PNG"))
    assert before == Image.MAX_IMAGE_PIXELS and before is not None


PEAK = """
import resource, sys
from pathlib import Path
from emoscope.model.images import decode_image, read_image
read_image(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
frame = read_image(sys.argv[2])
print(*frame.shape, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


def measured(tmp_path: Path, data: bytes) -> tuple[list[int], int]:
    """Decode a picture in a process of its own; return the frame's shape and the bytes that this took at most."""
    (tmp_path / "small").write_bytes(to_bytes(Image.new("RGB", (9, 9)), "PNG"))
    (tmp_path / "large").write_bytes(data)
    command = [sys.executable, "-c", PEAK, str(tmp_path / "small"), str(tmp_path / "large")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    *shape, peak = map(int, done.stdout.split())
    return shape, peak


def upscaled(picture: Image.Image, size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    return picture.convert(mode).resize(size, Image.Resampling.NEAREST)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format", "mode", "size", "options", "shape", "megabytes"),
    [
        ("PNG", "RGB", (12_000, 10_000), {"compress_level": 1}, [3334, 4000, 3], 580),  # 480 MB are Pillow's own
        ("PNG", "RGBA", (12_000, 10_000), {"compress_level": 1}, [3334, 4000, 3], 580),
        ("TIFF", "P", (12_000, 10_000), {}, [3334, 4000, 3], 400),
        ("TIFF", "RGB", (9_000, 7_000), {"compression": "tiff_lzw", "tiffinfo": {278: 7_000}}, [3500, 4500, 3], 600),
        ("WEBP", "RGB", (7_000, 5_000), {"quality": 1, "method": 0}, [2500, 3500, 3], 700),
        ("JPEG2000", "RGBA", (6_000, 5_000), {"quality_mode": "rates", "quality_layers": [99]}, [2500, 3000, 3], 850),
        ("JPEG", "RGB", (16_320, 12_240), {}, [3060, 4080, 3], 250),
        ("JPEG", "RGB", (16_320, 12_240), {"progressive": True}, [3060, 4080, 3], 800),
        (
            "HEIF",
            "RGB",
            (8_064, 6_048),
            {"enc_params": {"preset": "ultrafast"}},
            [3024, 4032, 3],
            600,
        ),  # an iPhone's 48 megapixels
    ],
)
def test_large_photos_take_no_more_memory_than_is_stated(
    picture: Image.Image,
    tmp_path: Path,
    format: str,
    mode: str,
    size: tuple[int, int],
    options: dict[str, object],
    shape: list[int],
    megabytes: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = to_bytes(upscaled(picture, size, mode), format, **options)
    found, peak = measured(tmp_path, data)
    assert found == shape
    assert peak < megabytes * 1e6 < MAX_DECODING_BYTES
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    with Image.open(io.BytesIO(data)) as image:
        assert peak < decoding_bytes(image) + len(data) + 200e6  # of which the frame is a part


@pytest.mark.parametrize(
    ("format", "mode"),
    [("PNG", mode) for mode in ("RGB", "RGBA", "LA", "P", "L", "1", "I;16")] + [("JPEG", "RGB"), ("WEBP", "RGBA")],
)
def test_a_picture_that_is_shrunk_looks_like_one_that_is_not(
    picture: Image.Image, monkeypatch: pytest.MonkeyPatch, format: str, mode: str
) -> None:
    image = picture.resize((403, 241)).convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    if mode in ("RGBA", "LA"):
        image.putalpha(Image.fromarray(np.linspace(0, 255, 403 * 241).reshape(241, 403).astype(np.uint8)))
    data = to_bytes(image, format, **({"lossless": True, "exact": True} if format == "WEBP" else {}))
    whole = rgb(data).astype(np.uint8)
    monkeypatch.setattr(images, "MAX_FRAME_PIXELS", 403 * 241 // 9 + 1)
    monkeypatch.setattr(images, "_BAND_PIXELS", 403 * 50)
    shrunk = rgb(data)
    factor = 4 if format == "JPEG" else 3
    expected = np.asarray(Image.fromarray(whole).reduce(factor)).astype(int)
    assert shrunk.shape == expected.shape
    assert np.abs(shrunk - expected).max() <= (6 if format == "JPEG" else 1)


def test_the_heic_decoder_is_loaded_when_it_is_needed() -> None:
    code = "import sys, emoscope.model.images; print('pillow_heif' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_every_named_format_is_written_read_and_named_in_the_documents(picture: Image.Image) -> None:
    Image.init()
    for name, suffixes in PICTURE_FORMATS.items():
        for suffix in suffixes:
            image = picture.convert("L") if suffix == ".pgm" else picture
            format = "BMP" if suffix == ".dib" else Image.EXTENSION[suffix]
            assert rgb(to_bytes(image, format)).shape == (24, 40, 3), name
    for document in ("README.md", "docs/api.md", "docs/library.md"):
        assert SUPPORTED in " ".join((ROOT / document).read_text(encoding="utf-8").split()), document


HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(100)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is empty"),
        (b"hello", "no picture"),
        (b"%PDF-1.7\n", "no picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture"),
        (bytes(5000), "no picture"),
        (HEIC, "HEIC picture is damaged"),
        (b"\xff\x0a" + bytes(100), "JPEG XL.*Convert the picture to JPEG"),
        (b"\x00\x00\x00\x0cJXL \r\n\x87\n" + bytes(100), "JPEG XL.*Convert the picture to JPEG"),
    ],
)
def test_what_is_no_picture_is_refused_with_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(ImageError, match=sentence) as caught:
        decode_image(data)
    assert caught.value.message.endswith(".") and caught.value.action.endswith(".")


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "HEIF", "AVIF", "JPEG2000"])
def test_cut_off_files_are_refused(format: str) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8))
    data = to_bytes(noise, format)
    with pytest.raises(ImageError):
        decode_image(data[: len(data) * 2 // 3])


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "PPM", "HEIF", "JPEG2000"])
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


def opened(data: bytes) -> tuple[np.ndarray, list[str]]:
    notes: list[str] = []
    return decode_image(data, notes=notes)[:, :, ::-1].astype(int), notes


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_what_can_be_read_of_a_cut_picture_is_shown_and_said_to_whom_it_may_concern(format: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (12, 16, 3), np.uint8)
    whole = Image.fromarray(cv2.resize(noise, (320, 240), interpolation=cv2.INTER_CUBIC))
    data = to_bytes(whole, format)
    found, notes = opened(data[: len(data) * 6 // 10])
    assert found.shape == (240, 320, 3)
    assert notes == ["The file ends early: what could be read of it is shown."]
    assert np.abs(found[:80] - np.asarray(whole)[:80]).max() <= (40 if format == "JPEG" else 0)
    with pytest.raises(ImageError, match="ends too early"):
        decode_image(data[: len(data) * 6 // 10])


def test_a_cut_png_that_would_unpack_to_gigabytes_is_refused_from_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">L", len(content)) + kind + content + struct.pack(">L", zlib.crc32(kind + content))

    head = struct.pack(">LLBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(10_000_000)))
    monkeypatch.setattr(zlib, "decompressobj", None)
    with pytest.raises(ImageError):
        opened(data)


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_the_last_bytes_are_not_missed(picture: Image.Image, format: str) -> None:
    data = to_bytes(picture, format)
    found, notes = opened(data[:-2])
    assert np.abs(found - np.asarray(picture)).max() <= 12
    assert len(notes) <= 1


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_bytes_before_the_mark_are_left_out(picture: Image.Image, format: str) -> None:
    found, notes = opened(b"\r\nContent-Type: image\r\n\r\n" + to_bytes(picture, format))
    assert np.abs(found - np.asarray(picture)).max() <= 12
    assert notes == ["The file has other bytes before its picture, which were left out."]


def test_a_png_with_megabytes_of_text_is_opened(picture: Image.Image) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("workflow", "{ }" * 2_000_000, zip=True)
    found, notes = opened(to_bytes(picture, "PNG", pnginfo=text))
    assert (found == np.asarray(picture)).all()
    assert notes == ["The text in the file was left out."]


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_file_cut_within_its_header_is_refused(picture: Image.Image, format: str) -> None:
    with pytest.raises(ImageError):
        opened(to_bytes(picture, format)[:40])
