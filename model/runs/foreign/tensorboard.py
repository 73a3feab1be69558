"""Scalars in TensorBoard's event files, read without TensorFlow or TensorBoard.

An event file is a sequence of records (length, checksum, content, checksum), each an ``Event`` in the wire format of
protocol buffers. Only the fields of scalars are decoded, in ``event_records``.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emoscope.model.errors import RunError
from emoscope.model.runs.foreign.event_records import Series, read_series
from emoscope.model.runs.foreign.results import Found, Reading
from emoscope.model.runs.foreign.rows import build_curves, extent
from emoscope.model.runs.foreign.source import Source
from emoscope.model.runs.foreign.trackers import by_step

SIDES = ("train", "training", "validation", "valid", "val", "eval")
_VERSION = b"brain.Event:"


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
    logged: dict[str, list[Series]] = {}
    notes: list[str] = []
    for prefix, sources in files.items():
        for one in sources:
            series, is_whole = _series(one)
            notes += [] if is_whole else [f"{one.name} breaks off within a record; what stands before it is kept."]
            for tag, found in series.items():
                logged.setdefault(prefix + tag, []).append(found)
    left_out = [tag for tag in logged if tag.endswith("_vs_iterations")]  # Keras counts these by batches
    kept = {tag: last_written(found) for tag, found in logged.items() if tag not in left_out}
    if not kept:
        raise RunError(f"{source.name} holds no scalars.", "Log some: a loss and an accuracy per epoch.")
    times = np.concatenate([one.seconds for found in logged.values() for one in found])
    notes += [f"Left out, since it counts batches: {', '.join(left_out)}."] if left_out else []
    columns, taken = by_step(kept)
    curves, decided = build_curves(columns, source.name, reading.restarts)
    what = f"TensorBoard's event {'file' if source.path.is_file() else 'files'}, {extent(curves)}"
    return Found(source.name, what, curves, seconds=float(np.ptp(times)), notes=(*notes, *taken, *decided))


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


def _series(source: Source) -> tuple[dict[str, Series], bool]:
    """Return the scalars of an event file by tag, and whether its last record is whole.

    Raises:
        RunError: The file is broken.
    """
    try:
        return read_series(source.content)
    except (ValueError, IndexError, struct.error) as error:
        raise RunError(f"{source.name} holds a record that is no event ({error}).", "Copy it again.") from error


def last_written(series: Sequence[Series]) -> tuple[np.ndarray, np.ndarray]:
    """Return steps, ascending, and values of one tag: float64, both of shape (n,).

    Where steps go back, the training started again there, and later values replace.
    """
    step, value = (np.concatenate([getattr(one, name) for one in series]) for name in ("step", "value"))
    later = np.minimum.accumulate(step[::-1])[::-1]  # the lowest step from each place on
    stays = np.append(step[:-1] < later[1:], True)
    return step[stays].astype(np.float64), value[stays]
