"""The records of an event file, those of one layout decoded together.

A training writes millions of records that differ in time, step, tag and value alone, so the place of each is found once
for all records of a layout. Whatever is laid out otherwise is decoded record by record.

Source: tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto and tensor.proto.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from emoscope.model.runs.foreign.wire import Span, fields, spans, varint

_DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8", 19: "<f2"}
_LONGEST = 1024
"""Bytes of a record that is decoded with others; longer ones hold pictures and distributions."""
_FEWEST, _MOST_ALONE = 16, 64
"""Records of one length that are worth it, and so many of them that are no scalars until the rest is taken for such."""
_LONGEST_STEP = 9
"""Bytes of a step that is not negative."""

_SECONDS, _STEP = (1, 1), (2, 0)
"""Field and wire type."""

_ODD = np.uint64(0x9E3779B97F4A7C15)


class Scalar(NamedTuple):
    """One logged value: seconds since 1970, step, tag, value."""

    seconds: float
    step: int
    tag: str
    value: float


@dataclass(frozen=True, eq=False)
class Series:
    """The values of one tag in the order in which they were logged.

    Attributes:
        seconds: Since 1970, float64, shape (n,).
        step: int64, shape (n,).
        value: float64, shape (n,).
    """

    seconds: np.ndarray
    step: np.ndarray
    value: np.ndarray


@dataclass(frozen=True)
class _Layout:
    """Where a record with one scalar holds what; None where it leaves it out."""

    length: int
    seconds: Span | None
    step: Span | None
    tag: Span
    value: Span
    dtype: str

    def fixed(self) -> np.ndarray:
        """Return the bytes that all records of the layout share: bool, shape (length,)."""
        found = np.ones(self.length, bool)
        for start, stop in filter(None, (self.seconds, self.step, self.tag, self.value)):
            found[start:stop] = False
        return found


def read_series(content: bytes) -> tuple[dict[str, Series], bool]:
    """Return the scalars of an event file by tag, and whether its last record is whole.

    Raises:
        ValueError: A record is no event.
    """
    starts, lengths, is_whole = _records(content)
    found: dict[str, list[tuple[np.ndarray, ...]]] = {}  # places, seconds, steps and values by tag
    data = np.frombuffer(content, np.uint8)
    for length in np.unique(lengths).tolist():
        places = np.flatnonzero(lengths == length)
        alone: list[int] = []
        while len(places) >= _FEWEST and length <= _LONGEST and len(alone) < _MOST_ALONE:
            start = int(starts[places[0]])
            layout = _layout(content[start : start + length])
            if layout is None:
                alone.append(int(places[0]))
                places = places[1:]
                continue
            rows = np.lib.stride_tricks.sliding_window_view(data, length)[starts[places]]
            alike = _of_layout(rows, layout)
            rows, those = rows[alike], places[alike]
            for tag, inside in _by_tag(rows, layout):
                found.setdefault(tag, []).append((those[inside], *_decoded(rows[inside], layout)))
            places = places[~alike]
        for place in (*alone, *places.tolist()):
            start = int(starts[place])
            for scalar in _scalars_of(content[start : start + length]):
                one = (place, scalar.seconds, scalar.step, scalar.value)
                found.setdefault(scalar.tag, []).append(tuple(np.array([part]) for part in one))
    first = {tag: min(int(part[0].min()) for part in parts) for tag, parts in found.items()}
    return {tag: _in_order(found[tag]) for tag in sorted(found, key=first.__getitem__)}, is_whole


def _records(content: bytes) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return where records begin, how long they are, and whether the last one is whole."""
    begins, place, end = [0], 0, len(content)
    unpack = struct.Struct("<Q").unpack_from
    while place + 12 <= end:
        place += unpack(content, place)[0] + 16
        if place > end:
            break
        begins.append(place)
    places = np.array(begins, np.int64)
    return places[:-1] + 12, np.diff(places) - 16, begins[-1] == end


def _layout(event: bytes) -> _Layout | None:
    """Return the layout of a record; None where it holds anything but one scalar."""
    try:
        outer = {(number, wire): span for number, wire, span in spans(event, 0, len(event))}
        if not outer.keys() <= {_SECONDS, _STEP, (5, 2)}:
            return None
        (summary,) = (span for number, _, span in spans(event, 0, len(event)) if number == 5)
        (inner,) = (span for _, _, span in spans(event, *summary))
        fields = {number: span for number, _, span in spans(event, *inner)}
        tag, dtype = fields[1], "<f4"
        (number,) = (span for field, span in fields.items() if field in (2, 8))
        if 8 in fields:
            tensor = {(field, wire): span for field, wire, span in spans(event, *number)}
            dtype = _DTYPES[varint(event, tensor[1, 0][0])[0]]
            (number,) = (span for (field, _), span in tensor.items() if field in (4, 5, 6))
    except (ValueError, KeyError, IndexError):
        return None
    step = outer.get(_STEP)
    if number[1] - number[0] != np.dtype(dtype).itemsize or (step and step[1] - step[0] > _LONGEST_STEP):
        return None
    return _Layout(len(event), outer.get(_SECONDS), step, tag, number, dtype)


def _of_layout(rows: np.ndarray, layout: _Layout) -> np.ndarray:
    """Tell which rows, one record each, have the layout of the first: bool, shape (n,)."""
    fixed = layout.fixed()
    alike: np.ndarray = (rows[:, fixed] == rows[0, fixed]).all(1)
    if layout.step:
        ends = rows[:, slice(*layout.step)] & 128
        alike &= (ends == ends[0]).all(1)
    return alike


def _by_tag(rows: np.ndarray, layout: _Layout) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each tag and the places of the rows that have it."""
    width = layout.tag[1] - layout.tag[0]
    tags = np.zeros((len(rows), width + -width % 8), np.uint8)
    tags[:, :width] = rows[:, slice(*layout.tag)]
    mixed = (tags.view("<u8") * _ODD ** np.arange(1, tags.shape[1] // 8 + 1, dtype=np.uint64)).sum(1)
    order = np.argsort(mixed, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(mixed[order])) + 1):
        while group.size:  # once, but for tags that are mixed to the same number
            same = (tags[group] == tags[group[0]]).all(1)
            yield tags[group[0], :width].tobytes().decode("utf-8"), group[same]
            group = group[~same]


def _decoded(rows: np.ndarray, layout: _Layout) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return seconds, steps and values of rows of one layout."""

    def numbers(span: Span, dtype: str) -> np.ndarray:
        return np.ascontiguousarray(rows[:, slice(*span)]).view(dtype)[:, 0]

    seconds = numbers(layout.seconds, "<f8") if layout.seconds else np.zeros(len(rows))
    step = np.zeros(len(rows), np.int64)
    for place in range(*(layout.step or (0, 0))):
        step |= (rows[:, place].astype(np.int64) & 127) << 7 * (place - (layout.step or (0, 0))[0])
    return seconds.astype(np.float64), step, numbers(layout.value, layout.dtype).astype(np.float64)


def _in_order(parts: list[tuple[np.ndarray, ...]]) -> Series:
    places, seconds, step, value = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.argsort(places, kind="stable")
    return Series(seconds[order], step[order].astype(np.int64), value[order])


def _scalars_of(event: bytes) -> Iterator[Scalar]:
    seconds, step, summaries = 0.0, 0, []
    for number, value in fields(event):
        if number == 1 and isinstance(value, bytes):
            (seconds,) = struct.unpack("<d", value)
        elif number == 2 and isinstance(value, int):
            step = value
        elif number == 5 and isinstance(value, bytes):
            summaries.append(value)
    for summary in summaries:
        for number, value in fields(summary):
            if number == 1 and isinstance(value, bytes):
                tag, scalar = _value(value)
                if scalar is not None:
                    yield Scalar(seconds, step, tag, scalar)


def _value(data: bytes) -> tuple[str, float | None]:
    tag, scalar = "", None
    for number, value in fields(data):
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
    for number, value in fields(data):
        if number == 1 and isinstance(value, int):
            dtype = value
        elif number in (4, 5, 6) and isinstance(value, bytes):  # raw content, float_val, double_val
            content = value
    if dtype not in _DTYPES or len(content) != np.dtype(_DTYPES[dtype]).itemsize:
        return None
    return float(np.frombuffer(content, _DTYPES[dtype])[0])
