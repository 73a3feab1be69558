"""Picture files whose headers ask for far more work than their pixels do, told without decoding them.

The decoders read some parts of a file in Python, one small piece after the other, or go over all pixels once for every
piece. What is counted here is far above what cameras, phones and image programs write.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

MAX_PPM_HEADER = 4096
MAX_PPM_TEXT = 4_000_000
"""Bytes of a PPM file that is written as text."""
MAX_TAGS = 1000
MAX_TAG_NUMBERS = 200_000
"""In all tags of a TIFF file or of EXIF data, which list each strip of a picture."""
MAX_CHUNKS = 50_000
MAX_SEGMENTS = 1000
MAX_JUNK = 65_536
"""Bytes between the segments of a JPEG, before its pixels."""
MAX_EXIF_SEGMENTS = 16
MAX_PHOTOSHOP_SEGMENTS = 32
MAX_SCANS = 32
"""Of a progressive JPEG; programs write about ten."""
MAX_GIF_BLOCKS = 20_000
MAX_BOXES = 1000
MAX_JP2_HEADER = 4_000_000

_COMMENT = re.compile(rb"#[^\r\n]*[\r\n]")
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
_BYTES = (1, 2, 6, 7)  # types of which any number is read at once
_MORE_TAGS = (34665, 34853, 40965)  # where EXIF, GPS and interoperability have tags of their own


def costly_part(data: bytes) -> str:
    """Return what a picture file has too much of, as the end of "The file …"; empty where it is like others."""
    if data[:1] == b"P" and data[1:2] in b"123456fy":
        return _costly_ppm(data)
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "" if has_few_tags(data) else "has too many tags"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "has too many chunks" if _more(_png_chunks(data), MAX_CHUNKS) else ""
    if data[:2] == b"\xff\xd8":
        return _costly_jpeg(data)
    if data[:4] == b"GIF8":
        return "has too many blocks before its picture" if _more(_gif_blocks(data), MAX_GIF_BLOCKS) else ""
    if data[4:8] == b"jP  ":
        return _costly_jpeg2000(data)
    return ""


def _more(pieces: Iterator[object], limit: int) -> bool:
    return any(number >= limit for number, _ in enumerate(pieces))


def _costly_ppm(data: bytes) -> str:
    tokens = _COMMENT.sub(b"", data[:MAX_PPM_HEADER]).split(maxsplit=4)
    if len(data) > MAX_PPM_HEADER and len(tokens) < 5:
        return f"has a header of more than {MAX_PPM_HEADER:,} bytes"
    if data[1:2] in b"123" and (len(data) > MAX_PPM_TEXT or b"#" in data[MAX_PPM_HEADER:]):
        return f"writes its pixels as text, in more than {MAX_PPM_TEXT / 1e6:g} MB or with comments"
    return ""


def has_few_tags(data: bytes) -> bool:
    """Tell whether TIFF or EXIF data, from its byte order on, has no more tags and numbers than a picture needs."""
    order = ">" if data[:2] == b"MM" else "<"
    large = data[2:4] in (b"+\0", b"\0+")
    entries = numbers = 0
    seen: set[int] = set()
    try:
        pending = [struct.unpack_from(order + ("Q" if large else "L"), data, 8 if large else 4)[0]]
        while pending:
            start = pending.pop()
            if start in seen:
                continue
            seen.add(start)
            found = struct.unpack_from(order + ("Q" if large else "H"), data, start)[0]
            entries += found
            if entries > MAX_TAGS:
                return False
            for place in range(found):
                at = start + (8 + 20 * place if large else 2 + 12 * place)
                tag, kind, count, value = struct.unpack_from(order + ("HHQQ" if large else "HHLL"), data, at)
                if kind not in _BYTES and count * _SIZES.get(kind, 0) <= len(data):  # else it is left out
                    numbers += count
                if tag in _MORE_TAGS:
                    pending.append(value)
    except struct.error:
        pass  # the file ends within its tags: those that were there were counted
    return numbers <= MAX_TAG_NUMBERS


def _png_chunks(data: bytes) -> Iterator[int]:
    place = 8
    while place + 8 <= len(data):
        yield place
        place += 12 + struct.unpack_from(">L", data, place)[0]


def _costly_jpeg(data: bytes) -> str:
    segments = exif = photoshop = scans = junk = 0
    place = 2
    while found := _MARKER.search(data, place):
        junk += 0 if scans else found.start() - place
        marker, place = data[found.end() - 1], found.end()
        if marker == 0xD9:
            break
        if place + 2 > len(data):
            break
        segments += 1
        exif += marker == 0xE1 and data[place + 2 : place + 6] == b"Exif"
        photoshop += marker == 0xED
        scans += marker == 0xDA
        if scans > MAX_SCANS:
            return "goes over its pixels too many times"
        if junk > MAX_JUNK or segments > MAX_SEGMENTS or exif > MAX_EXIF_SEGMENTS or photoshop > MAX_PHOTOSHOP_SEGMENTS:
            return "has too many segments, or too much between them"
        if marker != 0x01:  # which stands alone
            place += struct.unpack_from(">H", data, place)[0]
    return "" if scans or len(data) - place <= MAX_JUNK else "has no pixels where they should begin"


def _gif_blocks(data: bytes) -> Iterator[int]:
    if len(data) < 13:
        return
    place = 13 + (3 << (data[10] & 7) + 1 if data[10] & 128 else 0)
    while place + 1 < len(data) and data[place] != 0x2C:  # where the first picture begins
        yield place
        if data[place] != 0x21:
            place += 1
            continue
        place += 2
        while place < len(data) and data[place]:
            yield place
            place += 1 + data[place]
        place += 1


def _costly_jpeg2000(data: bytes) -> str:
    place = boxes = 0
    while place + 16 <= len(data):
        size, kind, longer = struct.unpack_from(">L4sQ", data, place)
        size = longer if size == 1 else size
        boxes += 1
        if kind == b"jp2c" or size < 8:
            break
        if boxes > MAX_BOXES or (kind == b"jp2h" and size > MAX_JP2_HEADER):
            return "has too many boxes before its picture"
        place += size
    return ""


def avif_plane_bytes(data: bytes) -> float:
    """Return how many bytes per pixel the decoded planes of an AVIF file take, opacity included.

    Source: AV1 Codec ISO Media File Format Binding, section 2.3 (``av1C``, one for the colours and one for opacity).
    """
    found = 0.0
    for box in re.finditer(rb"av1C\x81.(.)", data, re.DOTALL):
        flags = box[1][0]
        sample = 2 if flags & 0x40 else 1  # 10 or 12 bits
        across, down = 1 + (flags >> 3 & 1), 1 + (flags >> 2 & 1)
        found += sample * (1 if flags & 0x10 else 1 + 2 / (across * down))
    return max(1.5, min(found, 8.0))  # at most three planes and opacity in full resolution and 12 bits
