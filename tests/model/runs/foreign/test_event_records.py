import struct

import numpy as np
import pytest

from emoscope.model.runs.foreign.event_records import Scalar, Series, _scalars_of, read_series
from emoscope.model.runs.foreign.tensorboard import last_written
from emoscope.model.sharing.event_files import _event, _key, _message, _varint, event_file


def record(content: bytes) -> bytes:
    return struct.pack("<Q", len(content)) + bytes(4) + content + bytes(4)


def tensor_event(step: int, tag: str, value: float, dtype: int = 1, form: str = "<f") -> bytes:
    """Return an event as TensorFlow 2 writes it: the scalar as a tensor, with a plugin's name."""
    tensor = _key(1, 0) + _varint(dtype) + _message(2, b"") + _message(4, struct.pack(form, value))
    entry = _message(1, tag.encode()) + _message(8, tensor) + _message(9, _message(1, _message(1, b"scalars")))
    return _key(1, 1) + struct.pack("<d", 5.0 + step) + _key(2, 0) + _varint(step) + _message(5, _message(1, entry))


def mixture() -> list[bytes]:
    """Return events of many layouts: steps of 0 to 3 bytes, simple values and tensors, pictures, several tags."""
    random = np.random.default_rng(0)
    events = [_key(1, 1) + struct.pack("<d", 1.0) + _message(3, b"brain.Event:2")]
    for i in range(600):
        step, value = int(random.integers(0, 40_000)), float(np.float32(random.standard_normal()))
        tag = ("loss", "accu", "é", "epoch_accuracy")[i % 4]
        kind = i % 5
        if kind == 0:
            events.append(tensor_event(step, tag, value))
        elif kind == 1:
            events.append(tensor_event(step, tag, value, 2, "<d"))
        elif kind == 2 and i % 3 == 0:
            picture = _message(1, b"picture") + _message(4, random.bytes(40))
            events.append(_key(2, 0) + _varint(step) + _message(5, _message(1, picture)))
        elif kind == 3 and i % 3 == 0:
            both = [_message(1, _message(1, name) + _key(2, 5) + struct.pack("<f", value)) for name in (b"x", b"y")]
            events.append(_key(2, 0) + _varint(step) + _message(5, b"".join(both)))
        else:
            events.append(_event(Scalar(float(i), step, tag, value)))
    return events


def test_records_that_are_decoded_together_are_those_decoded_one_by_one():
    events = mixture()
    series, is_whole = read_series(b"".join(map(record, events)))
    expected: dict[str, list[Scalar]] = {}
    for event in events:
        for scalar in _scalars_of(event):
            expected.setdefault(scalar.tag, []).append(scalar)
    assert is_whole and series.keys() == expected.keys()
    for tag, scalars in expected.items():
        found = series[tag]
        assert found.step.tolist() == [one.step for one in scalars]
        assert found.value.tolist() == [one.value for one in scalars]
        assert found.seconds.tolist() == [one.seconds for one in scalars]


def test_a_file_that_breaks_off_gives_what_stands_before():
    content = event_file([Scalar(float(i), i, "loss", 1.0) for i in range(40)], 0.0)
    series, is_whole = read_series(content[:-3])
    assert not is_whole and len(series["loss"].step) == 39


def test_a_record_that_is_no_event_is_refused():
    with pytest.raises((ValueError, IndexError)):
        read_series(record(b"\x0f\xff\xff") * 40)


def test_of_a_training_that_started_again_the_later_values_count():
    def series(steps: list[int], value: float) -> Series:
        return Series(np.zeros(len(steps)), np.array(steps), np.full(len(steps), value))

    step, value = last_written([series([1, 2, 3, 4], 1.0), series([3, 4, 5], 2.0), series([5], 3.0)])
    assert step.tolist() == [1, 2, 3, 4, 5] and value.tolist() == [1, 1, 2, 2, 3]
