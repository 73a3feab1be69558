"""Arrays of a run's ``.npz`` files, each judged by its header before any of it is unpacked."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np

from emoscope.model.errors import reason_of

METHODS = (ZIP_STORED, ZIP_DEFLATED)
"""How entries of a zip may be compressed; others can unpack to millions of times their size."""
MOST_CELLS = 1 << 26
"""Samples times classes: as many probabilities take 256 MiB."""

_FORMS = {
    "index": ("iu", 1),
    "pixel_hash": ("iu", 1),
    "label": ("iu", 1),
    "predicted": ("iu", 1),
    "probabilities": ("f", 2),
    "votes": ("iu", 2),
}
_KINDS = {"iu": "whole numbers", "f": "floating-point numbers"}


def read_arrays(file: Path, names: Iterable[str] = tuple(_FORMS)) -> dict[str, np.ndarray]:
    """Read the arrays of predictions that there are, by name.

    Args:
        file: An ``.npz`` file.
        names: Of the arrays that are wanted.

    Returns:
        Arrays of one length, at least 1: whole numbers of shape (N,), probabilities and votes of shape (N, columns).

    Raises:
        ValueError: The file is damaged, is none, or holds an array of another type, shape or length. The text says
            which.
    """
    try:
        with ZipFile(file) as archive:
            found = {name: _read(archive, name) for name in names if f"{name}.npy" in archive.NameToInfo}
    except Exception as error:  # on damaged bytes the readers of zip and npy raise anything
        raise ValueError(reason_of(error)) from error
    lengths = {len(values) for values in found.values()}
    if len(lengths) > 1:
        raise ValueError(f"{', '.join(found)} differ in length")
    if 0 in lengths:
        raise ValueError("there are no samples")
    return found


def _read(archive: ZipFile, name: str) -> np.ndarray:
    entry = archive.getinfo(f"{name}.npy")
    if entry.compress_type not in METHODS:
        raise ValueError(f"{name} is compressed in a way that is not read here")
    kinds, dimensions = _FORMS[name]
    with archive.open(entry) as stream:
        version = np.lib.format.read_magic(stream)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(stream)
    if dtype.kind not in kinds:
        raise ValueError(f"{name} holds {dtype}, where {_KINDS[kinds]} are expected")
    if len(shape) != dimensions:
        raise ValueError(f"{name} has shape {shape}, where {dimensions} dimensions are expected")
    if math.prod(shape) > MOST_CELLS or math.prod(shape) * dtype.itemsize > entry.file_size:
        raise ValueError(f"{name} has shape {shape}, more than the file holds or can be opened here")
    with archive.open(entry) as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)
