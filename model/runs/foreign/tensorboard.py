"""Scalars in TensorBoard's event files, read without TensorFlow or TensorBoard.

An event file is a sequence of records (length, checksum, content, checksum), each an ``Event`` in the wire format of
protocol buffers. Only the fields of scalars are decoded.

Source: tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto and tensor.proto.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from emoscope.model.errors import RunError
from emoscope.model.runs.foreign.results import Found, Reading
from emoscope.model.runs.foreign.rows import build_curves, extent
from emoscope.model.runs.foreign.source import Source
from emoscope.model.runs.foreign.trackers import by_step

SIDES = ("train", "training", "validation", "valid", "val", "eval")
_VERSION = b"brain.Event:"
_DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8", 19: "<f2"}


class Scalar(NamedTuple):
    """One logged value: seconds since 1970, step, tag, value."""

    seconds: float
    step: int
    tag: str
    value: float


def read_event_files(source: Source, reading: Reading) -> Found | None:
    """Read an event file, or a folder of them with a folder for each split below.

    Raises:
        RunError: The folder holds several trainings, or a file is broken or holds no scalars.
    """
    if source.path.is_file():
        if _VERSION not in source.content[:64]:
            return None
        files = {"": [source]}
    else:
        files = _files_below(source.path)
        if not files:
            return None
    logged: dict[str, dict[float, float]] = {}
    times: list[float] = []
    notes: list[str] = []
    for prefix, sources in files.items():
        for one in sources:
            scalars, whole = read_scalars(one.content, one.name)
            notes += [] if whole else [f"{one.name} breaks off within a record; what stands before it is kept."]
            times += [scalar.seconds for scalar in scalars]
            _add(logged, scalars, prefix)
    left_out = [tag for tag in logged if tag.endswith("_vs_iterations")]  # Keras counts these by batches
    kept = {tag: values for tag, values in logged.items() if tag not in left_out}
    if not kept:
        raise RunError(f"{source.name} holds no scalars.", "Log some: a loss and an accuracy per epoch.")
    notes += [f"Left out, since it counts batches: {', '.join(left_out)}."] if left_out else []
    columns, taken = by_step(kept)
    curves, decided = build_curves(columns, source.name, reading.restarts)
    what = f"TensorBoard's event {'file' if source.path.is_file() else 'files'}, {extent(curves)}"
    return Found(source.name, what, curves, seconds=max(times) - min(times), notes=(*notes, *taken, *decided))


def _files_below(folder: Path) -> dict[str, list[Source]]:
    """Return the event files by the split whose folder they lie in, each split's in the order of their names."""
    found: dict[str, list[Source]] = {}
    trainings: set[str] = set()
    for path in sorted(folder.rglob("*tfevents*")):
        source = Source(path)
        if path.is_file() and path.stat().st_size and _VERSION in source.content[:64]:
            parts = path.relative_to(folder).parts[:-1]
            side = parts[-1] if parts and parts[-1].lower() in SIDES else ""
            trainings.add("/".join(parts[: len(parts) - bool(side)]))
            found.setdefault(f"{side}/" if side else "", []).append(source)
    if len(trainings) > 1:
        names = ", ".join(sorted(name or "." for name in trainings)[:4])
        raise RunError(
            f"{folder.name} holds {len(trainings)} trainings ({names}).", "Import one folder after the other."
        )
    return found


def _add(logged: dict[str, dict[float, float]], scalars: list[Scalar], prefix: str) -> None:
    """Add values by tag and step; where steps go back, the training started again there, and later values replace."""
    for scalar in scalars:
        values = logged.setdefault(prefix + scalar.tag, {})
        if values and scalar.step <= next(reversed(values)):
            for step in [step for step in values if step >= scalar.step]:
                del values[step]
        values[scalar.step] = scalar.value


def read_scalars(content: bytes, name: str) -> tuple[list[Scalar], bool]:
    """Return the scalars of an event file in their order, and whether its last record is whole.

    Raises:
        RunError: The file is broken.
    """
    scalars: list[Scalar] = []
    place = 0
    while place + 12 <= len(content):
        (length,) = struct.unpack_from("<Q", content, place)
        end = place + 12 + length
        if end + 4 > len(content):
            return scalars, False
        try:
            scalars += _scalars_of(content[place + 12 : end])
        except (ValueError, IndexError, struct.error, UnicodeDecodeError) as error:
            raise RunError(f"{name} holds a record that is no event ({error}).", "Copy it again.") from error
        place = end + 4
    return scalars, place == len(content)


def _scalars_of(event: bytes) -> Iterator[Scalar]:
    seconds, step, summaries = 0.0, 0, []
    for number, value in _fields(event):
        if number == 1 and isinstance(value, bytes):
            (seconds,) = struct.unpack("<d", value)
        elif number == 2 and isinstance(value, int):
            step = value
        elif number == 5 and isinstance(value, bytes):
            summaries.append(value)
    for summary in summaries:
        for number, value in _fields(summary):
            if number == 1 and isinstance(value, bytes):
                tag, scalar = _value(value)
                if scalar is not None:
                    yield Scalar(seconds, step, tag, scalar)


def _value(data: bytes) -> tuple[str, float | None]:
    tag, scalar = "", None
    for number, value in _fields(data):
        if number == 1 and isinstance(value, bytes):
            tag = value.decode("utf-8")
        elif number == 2 and isinstance(value, bytes) and len(value) == 4:
            (scalar,) = struct.unpack("<f", value)
        elif number == 8 and isinstance(value, bytes):
            scalar = _tensor(value)
    return tag, scalar


def _tensor(data: bytes) -> float | None:
    """Return the number that a tensor of one element holds; None for any other tensor."""
    dtype, content = 0, b""
    for number, value in _fields(data):
        if number == 1 and isinstance(value, int):
            dtype = value
        elif number in (4, 5, 6) and isinstance(value, bytes):  # raw content, float_val, double_val
            content = value
    if dtype not in _DTYPES or len(content) != np.dtype(_DTYPES[dtype]).itemsize:
        return None
    return float(np.frombuffer(content, _DTYPES[dtype])[0])


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the number and the value of each field of a message: an int for varints, the bytes for all else."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        wire = key & 7
        if wire == 0:
            value, place = _varint(data, place)
            yield key >> 3, value
            continue
        if wire == 2:
            length, place = _varint(data, place)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise ValueError(f"wire type {wire}")
        if place + length > len(data):
            raise ValueError("a field is cut off")
        yield key >> 3, data[place : place + length]
        place += length


def _varint(data: bytes, place: int) -> tuple[int, int]:
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
