"""Picture files whose headers ask for far more work than their pixels: refused before anything is decoded."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from PIL import Image, ImageFile

from emoscope.model import image_headers, images
from emoscope.model.errors import ImageError
from emoscope.model.image_headers import avif_plane_bytes, costly_part, has_few_tags
from emoscope.model.images import decode_image


def saved(format: str, size: tuple[int, int] = (16, 16), **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (9, 99, 199)).save(buffer, format, **options)
    return buffer.getvalue()


def tiff(tags: Sequence[tuple[int, int, int, int]], after: bytes = b"") -> bytes:
    """Return a TIFF header with tags, each (number, type, count, value)."""
    table = b"".join(struct.pack("<HHLL", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<LH", 8, len(tags)) + table + bytes(4) + after


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))


def after_start(data: bytes, inserted: bytes, start: int = 2) -> bytes:
    return data[:start] + inserted + data[start:]


def run_length_bmp() -> bytes:
    header = struct.pack("<LllHHLLllLL", 40, 4, 4, 1, 8, 1, 0, 0, 0, 256, 0)
    return b"BM" + struct.pack("<LHHL", 0, 0, 0, 1078) + header + bytes(range(256)) * 4 + b"\4\1\0\0" * 4


def repeated_scans() -> bytes:
    data = saved("JPEG", progressive=True)
    start, end = data.rfind(b"\xff\xda"), data.rfind(b"\xff\xd9")
    return data[:start] + data[start:end] * 40 + data[end:]


def png_of_many_chunks() -> bytes:
    return after_start(saved("PNG"), chunk(b"teSt", b"") * 50_001, 33)


def gif_of_many_comments() -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", 4, 4, 0, 0, 0) + b"\x21\xfe" + b"\1a" * 20_001 + b"\0\x2c" + bytes(20)


COSTLY: dict[str, tuple[Callable[[], bytes], str]] = {
    "PPM, odd maximum": (lambda: b"P6 2000 1000 254 " + bytes(6_000_000), "maximum value of 255"),
    "PPM, odd maximum in 16 bits": (lambda: b"P5 2000 1000 65534 " + bytes(4_000_000), "maximum value of 255"),
    "PPM, large as text": (lambda: b"P2 2000 1000 255 " + b"1 " * 1_900_000, "not as text"),
    "PPM, long text": (lambda: b"P2 9 9 255 " + b"1 " * 2_100_000, "pixels as text"),
    "PPM, comments in text": (lambda: b"P2 9 9 255 " + b"1 " * 3000 + b"#\n" * 81, "with comments"),
    "PPM, long comment": (lambda: b"P6 #" + b"a" * 5000 + b"\n9 9 255 " + bytes(243), "more than 4,096 bytes"),
    "PPM, many comments": (lambda: b"P6 " + b"#\n" * 3000 + b"9 9 255 " + bytes(243), "more than 4,096 bytes"),
    "PPM, spaces": (lambda: b"P6" + b" " * 5000 + b"9 9 255 " + bytes(243), "more than 4,096 bytes"),
    "BMP, run-length": (run_length_bmp, "run-length coding"),
    "TIFF, long tag": (lambda: tiff([(282, 5, 210_000, 30)], struct.pack("<LL", 3, 1) * 210_001), "too many tags"),
    "TIFF, many tags": (lambda: tiff([(1000 + n, 3, 1, 1) for n in range(1001)]), "too many tags"),
    "TIFF, many tags of EXIF": (
        lambda: tiff([(34665, 4, 1, 26)], struct.pack("<H", 2000) + struct.pack("<HHLL", 1, 3, 1, 1) * 2000),
        "too many tags",
    ),
    "PNG, chunks": (png_of_many_chunks, "too many chunks"),
    "GIF, comments": (gif_of_many_comments, "too many blocks"),
    "GIF, junk": (lambda: b"GIF89a" + struct.pack("<HHBBB", 4, 4, 0, 0, 0) + bytes(20_002), "too many blocks"),
    "JPEG, scans": (repeated_scans, "over its pixels too many times"),
    "JPEG, segments": (lambda: after_start(saved("JPEG"), b"\xff\xfe\0\2" * 1001), "too many segments"),
    "JPEG, EXIF": (lambda: after_start(saved("JPEG"), b"\xff\xe1\0\x08Exif\0\0" * 17), "too many segments"),
    "JPEG, Photoshop": (lambda: after_start(saved("JPEG"), b"\xff\xed\0\2" * 33), "too many segments"),
    "JPEG, padding": (lambda: after_start(saved("JPEG"), b"\xff" * 70_000), "too much between them"),
    "JPEG, nothing else": (lambda: b"\xff\xd8" + bytes(70_000), "no pixels where they should begin"),
    "JPEG 2000, boxes": (
        lambda: after_start(saved("JPEG2000"), struct.pack(">L4s", 8, b"free") * 1001, 12), "too many boxes"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", COSTLY)
def test_costly_files_are_refused_without_decoding(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data, sentence = COSTLY[name][0](), COSTLY[name][1]
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda image: pytest.fail("pixels were decoded"))
    with pytest.raises(ImageError, match=sentence) as caught:
        decode_image(data)
    assert caught.value.action == "Save it again as PNG or JPEG."


def test_no_more_is_read_of_a_costly_file_than_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = 0

    def counted(*arguments: object) -> tuple[object, ...]:
        nonlocal steps
        steps += 1
        return struct.unpack_from(*arguments)  # type: ignore[arg-type]

    class CountingStruct:
        unpack_from, error = staticmethod(counted), struct.error

    monkeypatch.setattr(image_headers, "struct", CountingStruct)
    limits = {"TIFF, many tags": 2, "PNG, chunks": 50_001, "JPEG, segments": 1001, "JPEG 2000, boxes": 1001}
    for name, most in limits.items():
        steps = 0
        assert costly_part(COSTLY[name][0]()) and steps <= most, name


def test_small_pictures_of_rare_kinds_are_still_read() -> None:
    frame = decode_image(b"P6 2 1 100 " + bytes([100, 50, 0, 0, 0, 100]))
    assert frame[0, :, ::-1].tolist() == [[255, 128, 0], [0, 0, 255]]
    frame = decode_image(b"P6 1 1 65535 " + struct.pack(">HHH", 65535, 0, 257))
    assert frame[0, 0, ::-1].tolist() == [255, 0, 1]
    text = b"P2 # by hand\n2 1 # wide\n255\n0 # black\n255\n"
    assert decode_image(text)[0, :, 0].tolist() == [0, 255]


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "TIFF", "BMP", "PPM", "JPEG2000", "WEBP"])
def test_what_programs_write_is_not_costly(format: str) -> None:
    assert costly_part(saved(format, (300, 200))) == ""


def test_a_progressive_photo_with_large_metadata_is_not_costly() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8))
    exif = Image.Exif()
    exif[0x010E] = "x" * 60_000
    buffer = io.BytesIO()
    noise.save(buffer, "JPEG", progressive=True, quality=100, exif=exif, icc_profile=bytes(3_000_000))
    assert costly_part(buffer.getvalue()) == "" and decode_image(buffer.getvalue()).shape == (300, 300, 3)


def test_a_large_tiff_of_single_rows_is_not_costly() -> None:
    assert costly_part(saved("TIFF", (8, 20_000), tiffinfo={278: 1})) == ""


def test_an_orientation_among_too_many_tags_is_left_alone() -> None:
    exif = tiff([(0x0112, 3, 250_000, 26)], struct.pack("<H", 6) * 250_000)
    assert not has_few_tags(exif)
    wide = after_start(saved("PNG", (20, 10)), chunk(b"eXIf", exif), 33)
    assert decode_image(wide).shape == (10, 20, 3)


@pytest.mark.parametrize(
    ("mode", "subsampling", "expected"), [("RGB", "4:2:0", 1.5), ("RGB", "4:4:4", 3), ("RGBA", "4:2:0", 2.5)]
)
def test_the_planes_of_avif_files_are_reckoned(mode: str, subsampling: str, expected: float) -> None:
    buffer = io.BytesIO()
    Image.new(mode, (16, 16), (9, 99, 199, 99)[: len(mode)]).save(buffer, "AVIF", subsampling=subsampling)
    assert avif_plane_bytes(buffer.getvalue()) == expected
    deep = buffer.getvalue().replace(b"av1C\x81", b"av1C\x81\x00\x4c", 1)
    assert avif_plane_bytes(deep) >= 3  # 10 bits in two bytes, at half the resolution


def test_deep_avif_pictures_are_refused_at_fewer_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, "AVIF")
    data = buffer.getvalue()
    monkeypatch.setattr(images, "MAX_DECODING_BYTES", 16 * 16 * 10)
    assert decode_image(data).shape == (16, 16, 3)
    monkeypatch.setattr(images, "MAX_DECODING_BYTES", 16 * 16 * 10 - 1)
    with pytest.raises(ImageError, match="too large"):
        decode_image(data)
