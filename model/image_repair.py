"""Picture files that are cut off, or have more in them than their picture: changed so that a decoder takes them."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator

MOST_BEFORE = 1024
"""Bytes before the mark by which a picture begins; what lies deeper in a file belongs to something else."""

MOST_COMPLETED = 150_000_000
"""Bytes of pixels, 50 megapixels in colour: larger PNG files are not completed, for they are unpacked here at once."""

_CUT = "The file ends early: what could be read of it is shown."
_JPEG, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
_PNG = b"\x89PNG\r\n\x1a\n"
_MARKS = re.compile(rb"\xff\xd8\xff[\xc0-\xfe]|" + re.escape(_PNG))
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of a PNG's colour types
_TEXT = (b"tEXt", b"zTXt", b"iTXt")


def mended(data: bytes) -> Iterator[tuple[bytes, str, bool]]:
    """Yield files that may be decoded where this one cannot: each with the sentence on it, and whether pixels lack.

    Args:
        data: A file that no decoder takes as it is.
    """
    before = ""
    found = _MARKS.search(data, 0, MOST_BEFORE + len(_PNG))
    if found and found.start():
        data = data[found.start() :]
        before = "The file has other bytes before its picture, which were left out."
        yield data, before, False
    if data.startswith(_PNG):
        chunks, is_whole = _png_chunks(data)
        pictures = [chunk for chunk in chunks if chunk[0] not in _TEXT]
        if is_whole and len(pictures) < len(chunks):
            yield _png(pictures), f"{before} The text in the file was left out.".strip(), False
        elif not is_whole and (completed := _completed_png(pictures)):
            yield completed, f"{before} {_CUT}".strip(), True
    elif data.startswith(_JPEG) and _JPEG_END not in data[-64:]:
        yield data + _JPEG_END, f"{before} {_CUT}".strip(), True


def _png_chunks(data: bytes) -> tuple[list[tuple[bytes, bytes]], bool]:
    """Return kind and content of each chunk, of the last as far as the file goes, and whether none is missing."""
    chunks: list[tuple[bytes, bytes]] = []
    place = len(_PNG)
    while place + 8 <= len(data):
        size, kind = struct.unpack_from(">L4s", data, place)
        chunks.append((kind, data[place + 8 : place + 8 + size]))
        place += 12 + size
        if kind == b"IEND":
            break
    return chunks, bool(chunks) and chunks[-1][0] == b"IEND"


def _png(chunks: list[tuple[bytes, bytes]]) -> bytes:
    parts = [_PNG]
    for kind, content in chunks:
        parts += [struct.pack(">L", len(content)), kind, content, struct.pack(">L", zlib.crc32(kind + content))]
    return b"".join(parts)


def _completed_png(chunks: list[tuple[bytes, bytes]]) -> bytes | None:
    """Return a cut PNG with black where its pixels are missing; None where that cannot be told, or nothing is there."""
    if not chunks or chunks[0][0] != b"IHDR" or len(chunks[0][1]) != 13:
        return None
    width, height, bits, color, _, _, interlaced = struct.unpack(">LLBBBBB", chunks[0][1])
    if interlaced or color not in _CHANNELS:
        return None
    needed = height * (1 + (width * bits * _CHANNELS[color] + 7) // 8)
    if needed > MOST_COMPLETED:
        return None
    stream = zlib.decompressobj()
    try:
        pixels = stream.decompress(b"".join(content for kind, content in chunks if kind == b"IDAT"), needed)
    except zlib.error:
        return None
    if not pixels:
        return None
    rows = zlib.compress(pixels.ljust(needed, b"\0"), 1)
    return _png([*(chunk for chunk in chunks if chunk[0] not in (b"IDAT", b"IEND")), (b"IDAT", rows), (b"IEND", b"")])
