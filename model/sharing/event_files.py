"""TensorBoard's event files, written without TensorFlow or TensorBoard.

Source: tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto, and the record format in
tensorflow/core/lib/io/record_writer.h. The checksum is CRC-32C (RFC 3720, appendix B.4).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from functools import cache

from emoscope.model.runs.foreign.event_records import Scalar

_POLYNOMIAL = 0x82F63B78
_MASK = 0xA282EAD8
_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5


def event_file(scalars: Iterable[Scalar], seconds: float) -> bytes:
    """Return an event file.

    Args:
        scalars: In their order; values are kept as float32.
        seconds: When the file was begun, since 1970.
    """
    version = _double(1, seconds) + _message(3, b"brain.Event:2")
    return _record(version) + b"".join(_record(_event(scalar)) for scalar in scalars)


def _event(scalar: Scalar) -> bytes:
    value = _message(1, scalar.tag.encode()) + _key(2, _FOUR_BYTES) + struct.pack("<f", scalar.value)
    step = _key(2, _VARINT) + _varint(scalar.step)
    return _double(1, scalar.seconds) + step + _message(5, _message(1, value))


def _record(content: bytes) -> bytes:
    length = struct.pack("<Q", len(content))
    return length + _checksum(length) + content + _checksum(content)


def _checksum(content: bytes) -> bytes:
    crc = 0xFFFFFFFF
    for byte in content:
        crc = crc >> 8 ^ _table()[(crc ^ byte) & 255]
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF)


@cache
def _table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return tuple(table)


def _key(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _double(number: int, value: float) -> bytes:
    return _key(number, _EIGHT_BYTES) + struct.pack("<d", value)


def _message(number: int, content: bytes) -> bytes:
    return _key(number, _LENGTH) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1  # negative numbers in two's complement
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])
