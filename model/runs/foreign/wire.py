"""The wire format of protocol buffers, in which TensorBoard and Weights & Biases log.

Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator

Span = tuple[int, int]
"""First byte, and the one behind the last."""


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the number and the value of each field of a message: an int for varints, the bytes for all else.

    Raises:
        ValueError: It is no message, or a field is cut off.
        IndexError: A number is cut off.
    """
    for number, wire, (start, stop) in spans(data, 0, len(data)):
        yield number, varint(data, start)[0] if wire == 0 else data[start:stop]


def spans(data: bytes, place: int, end: int) -> Iterator[tuple[int, int, Span]]:
    """Yield the number, the wire type and the place of the value of each field of a message.

    Raises:
        ValueError: It is no message, or a field is cut off.
        IndexError: A number is cut off.
    """
    while place < end:
        key, start = varint(data, place)
        wire = key & 7
        if wire == 0:
            _, stop = varint(data, start)
        elif wire == 2:
            length, start = varint(data, start)
            stop = start + length
        elif wire in (1, 5):
            stop = start + (8 if wire == 1 else 4)
        else:
            raise ValueError(f"wire type {wire}")
        if not start <= stop <= end:
            raise ValueError("a field is cut off")
        yield key >> 3, wire, (start, stop)
        place = stop


def varint(data: bytes, place: int) -> tuple[int, int]:
    """Return the number, signed as int64, that stands at a place, and the place behind it.

    Raises:
        ValueError: It has more than ten bytes.
        IndexError: It is cut off.
    """
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 127) << shift
        place += 1
        if byte < 128:
            return value - (1 << 64) if value >= 1 << 63 else value, place
        shift += 7
        if shift > 63:
            raise ValueError("a number is too long")
