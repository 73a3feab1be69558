"""Event files are what TensorFlow's own reader and ours read."""

import struct

import pytest

from emoscope.model.runs.foreign.event_records import Scalar, read_series
from emoscope.model.sharing.event_files import _checksum, event_file

SCALARS = [
    Scalar(1.5e9, 0, "loss", 0.5),
    Scalar(1.5e9 + 60, 300, "genauigkeit äöü", -2.25),
    Scalar(1.6e9, -1, "x", 1e30),
]


def test_the_checksum_is_masked_crc_32c():
    crc = 0xE3069283  # of "123456789", as RFC 3720 and its implementations have it
    masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    assert _checksum(b"123456789") == struct.pack("<I", masked)


def test_our_own_reader_reads_it():
    found, is_whole = read_series(event_file(SCALARS, 1.5e9))
    assert is_whole and list(found) == [written.tag for written in SCALARS]
    for one, written in zip(found.values(), SCALARS, strict=True):
        assert (one.seconds.tolist(), one.step.tolist()) == ([written.seconds], [written.step])
        assert one.value[0] == struct.unpack("<f", struct.pack("<f", written.value))[0]


@pytest.mark.slow
def test_tensorflow_reads_it(tmp_path):
    import tensorflow as tf
    from tensorflow.core.util import event_pb2

    file = tmp_path / "events.out.tfevents.1.host"
    file.write_bytes(event_file(SCALARS, 1.5e9))
    records = list(tf.data.TFRecordDataset(str(file)).as_numpy_iterator())  # checks both checksums of each
    events = [event_pb2.Event.FromString(record) for record in records]
    assert events[0].file_version == "brain.Event:2" and events[0].wall_time == 1.5e9
    found = [(e.wall_time, e.step, e.summary.value[0].tag, e.summary.value[0].simple_value) for e in events[1:]]
    assert [one[:3] for one in found] == [scalar[:3] for scalar in SCALARS]
    assert [one[3] for one in found] == pytest.approx([scalar.value for scalar in SCALARS], rel=1e-7)
    file.write_bytes(file.read_bytes()[:-1] + b"\xff")
    with pytest.raises(tf.errors.DataLossError):
        list(tf.data.TFRecordDataset(str(file)))
