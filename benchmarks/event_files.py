"""Time how long 100 MB of TensorBoard's event files take to become a run: ``python -m benchmarks.event_files``.

The file is made up: nothing but scalars, which is the slowest content, twenty tags as PyTorch and as TensorFlow 2 write
them. Timed is ``import_results`` (reading, writing the run, opening it) and opening its training curves; beside it
stands TensorFlow's own iterator over the same file, on a part of it that is scaled up. Both are given in seconds of the
clock and of processor time, since other work on the machine delays the clock alone. Medians over the repetitions are
printed and written to ``benchmarks/event_files.json``.
"""

from __future__ import annotations

import argparse
import json
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from benchmarks.machine import describe_machine
from emoscope.model.runs.foreign.merge import import_results
from emoscope.model.runs.run import load_run

ROOT = Path(__file__).resolve().parent.parent
LIMIT_SECONDS = 5.0
TAGS = 20
REFERENCE_SHARE = 0.05


def message(number: int, content: bytes) -> bytes:
    """Return a field of at most 127 bytes in the wire format of protocol buffers."""
    return bytes([number << 3 | 2, len(content)]) + content


def varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def event(step: int, tag: str, value: float, as_tensor: bool) -> bytes:
    number = struct.pack("<f", value)
    tensor = message(8, b"\x08\x01" + message(4, number))
    entry = message(1, tag.encode()) + (tensor if as_tensor else b"\x15" + number)
    return b"\x09" + struct.pack("<d", 1.7e9 + step) + b"\x10" + varint(step) + message(5, message(1, entry))


def write_events(file: Path, size: int) -> int:
    """Write an event file of about so many bytes, checksums included, and return the number of its scalars."""
    import tensorflow as tf

    written = count = 0
    with tf.io.TFRecordWriter(str(file)) as writer:
        writer.write(b"\x09" + struct.pack("<d", 1.7e9) + message(3, b"brain.Event:2"))
        for step in range(1, size):
            for tag in range(TAGS):
                content = event(step, f"metric_{tag:02}", 1 / (step + tag), as_tensor=tag % 2 == 0)
                writer.write(content)
                written += len(content) + 16
            count += TAGS
            if written >= size:
                break
    return count


def iterate(file: Path) -> None:
    """Read every event as TensorFlow does."""
    import tensorflow as tf

    for one in tf.compat.v1.train.summary_iterator(str(file)):
        for value in one.summary.value:
            _ = value.simple_value if value.HasField("simple_value") else tf.make_ndarray(value.tensor)


def seconds(call: Callable[[], object]) -> tuple[float, float]:
    """Return what a call takes in seconds of the clock and of processor time."""
    start, worked = perf_counter(), process_time()
    call()
    return perf_counter() - start, process_time() - worked


def medians(title: str, times: list[tuple[float, float]], scale: float = 1.0) -> dict[str, float]:
    clock, worked = (scale * median(column) for column in zip(*times, strict=True))
    return {f"{title}_seconds": clock, f"{title}_processor_seconds": worked}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--megabytes", type=float, default=100)
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "event_files.json")
    arguments = parser.parse_args()
    size = round(arguments.megabytes * 1e6)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        events, part = folder / "events.out.tfevents.1.made", folder / "part.tfevents"
        scalars = write_events(events, size)
        write_events(part, round(REFERENCE_SHARE * size))
        imports, opens, references = [], [], []
        for _ in range(arguments.repetitions):
            imports.append(seconds(lambda: import_results([events], name="made", root=folder, overwrite=True)))
            opens.append(seconds(lambda: load_run(folder / "made").history))
            references.append(seconds(lambda: iterate(part)))
        result = {
            "machine": describe_machine(),
            "repetitions": arguments.repetitions,
            "megabytes": round(events.stat().st_size / 1e6, 1),
            "scalars": scalars,
            "limit_seconds": LIMIT_SECONDS,
            **medians("import", imports),
            **medians("open_curves", opens),
            **medians("tensorflow_iterator", references, events.stat().st_size / part.stat().st_size),
        }
    for title, value in result.items():
        print(f"{title}: {value}")
    arguments.output.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
