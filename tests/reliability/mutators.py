"""Ways to damage or forge a file; every mutant follows from its random generator, so that it can be made again."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZipFile

import numpy as np

ODD_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 0.5, 1e308, 10**30, float("nan"), float("inf"), "", "x", "\ud800", [], {}, [[1]], {"a": [{}]},
)  # fmt: skip


def flipped(content: bytes, rng: np.random.Generator) -> bytes:
    """Change up to four bytes."""
    changed = bytearray(content)
    for place in rng.integers(0, len(changed), rng.integers(1, 5)):
        changed[place] = rng.integers(256)
    return bytes(changed)


def cut(content: bytes, rng: np.random.Generator) -> bytes:
    """Cut the end off, or put it twice."""
    return content[: rng.integers(len(content))] if rng.random() < 0.8 else content + content


def with_odd_field(content: bytes, rng: np.random.Generator) -> bytes:
    """Put an odd value somewhere into a JSON file, or leave one out."""
    values = json.loads(content)
    place, parent = values, None
    while isinstance(place, dict | list) and place and (parent is None or rng.random() < 0.75):
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        parent, key = place, keys[rng.integers(len(keys))]
        place = place[key]
    if parent is not None and rng.random() < 0.15:
        del parent[key]
    elif parent is not None:
        parent[key] = ODD_VALUES[rng.integers(len(ODD_VALUES))]
    return json.dumps(values).encode()


def with_odd_array(content: bytes, rng: np.random.Generator) -> bytes:
    """Change the type, shape or values of an array, or leave it out, or compress the file in another way."""
    with np.load(io.BytesIO(content)) as archive:
        arrays: dict[str, Any] = dict(archive)
    name = list(arrays)[rng.integers(len(arrays))]
    values = arrays[name]
    kinds = ["f2", "f8", "i1", "u8", ">i8", "?", "c16", "U5", "S3", "M8[s]", "O", [("a", "i4"), ("b", "f8")]]
    changes: list[Callable[[], Any]] = [
        lambda: np.zeros(values.shape, kinds[rng.integers(len(kinds))]),
        lambda: values[:, None],
        lambda: values.ravel(),
        lambda: values[0],
        lambda: values[:0],
        lambda: values[: rng.integers(1, len(values))],
        lambda: np.array(3),
        lambda: values - values.max() - 1,
        lambda: values.astype(np.float64) + 2**31,
        lambda: values.astype(np.int64) + 2**31,
        lambda: np.where(np.arange(values.size).reshape(values.shape) == 3, np.nan, values),
        lambda: values * 1e300,
        lambda: np.zeros_like(values),
        lambda: None,
    ]
    with np.errstate(all="ignore"):
        arrays[name] = changes[rng.integers(len(changes))]()
    if arrays[name] is None:
        del arrays[name]
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=True, **arrays)
    return recompressed(buffer.getvalue(), rng) if rng.random() < 0.2 else buffer.getvalue()


def with_odd_cell(content: bytes, rng: np.random.Generator) -> bytes:
    """Put an odd value into a cell of a CSV file, or add or leave out one."""
    lines = content.decode().splitlines()
    row = rng.integers(len(lines))
    cells = lines[row].split(",")
    odd = ["", "nan", "inf", "-1", "1e400", "x", '"', "\0", "9" * 5000, "none", "1,2"]
    cells[rng.integers(len(cells))] = odd[rng.integers(len(odd))]
    lines[row] = ",".join(cells[: rng.integers(1, len(cells) + 1)] if rng.random() < 0.2 else cells)
    return "\n".join(lines).encode()


def recompressed(content: bytes, rng: np.random.Generator) -> bytes:
    """Compress the entries of a zip in other ways."""
    methods = (ZIP_BZIP2, ZIP_LZMA, ZIP_DEFLATED)
    buffer = io.BytesIO()
    with ZipFile(io.BytesIO(content)) as old, ZipFile(buffer, "w") as new:
        for entry in old.infolist():
            new.writestr(entry.filename, old.read(entry), compress_type=methods[rng.integers(3)])
    return buffer.getvalue()


def mutated(name: str, content: bytes, rng: np.random.Generator) -> bytes:
    """Change a file of a run in one of the ways that fit its kind."""
    own = {".json": with_odd_field, ".npz": with_odd_array, ".csv": with_odd_cell}[Path(name).suffix]
    return (own, own, own, flipped, cut)[rng.integers(5)](content, rng)


def with_changed_entry(content: bytes, rng: np.random.Generator) -> bytes:
    """Change one of the files in a zip."""
    buffer = io.BytesIO()
    with ZipFile(io.BytesIO(content)) as old, ZipFile(buffer, "w", ZIP_DEFLATED) as new:
        chosen = rng.integers(len(old.infolist()))
        for place, entry in enumerate(old.infolist()):
            data = old.read(entry)
            new.writestr(entry.filename, mutated(entry.filename, data, rng) if place == chosen else data)
    return buffer.getvalue()
