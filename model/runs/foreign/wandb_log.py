"""The binary log that Weights & Biases keeps of a run (``run-*.wandb``), read without its program.

The file is a sequence of records in blocks of 32 KiB, as LevelDB lays its log out, each a ``Record`` in the wire format
of protocol buffers. Only the history, the settings and what was noted of the run are decoded.

Source: core/internal/transactionlog and proto/wandb_internal.proto of https://github.com/wandb/wandb
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Mapping
from typing import Any

from emoscope.model.errors import RunError
from emoscope.model.runs.foreign.results import Found, Reading, counted, listed
from emoscope.model.runs.foreign.rows import extent
from emoscope.model.runs.foreign.source import Source
from emoscope.model.runs.foreign.trackers import curves_of_history
from emoscope.model.runs.foreign.wire import fields

_MARK = b":W&B"
_HEADER, _BLOCK = 7, 32768
_PART = struct.Struct("<IHB")  # checksum, length, kind
_WHOLE, _FIRST, _LAST = 1, 2, 4  # kinds of part; 3 is one between the first and the last
_HISTORY, _CONFIG, _RUN = 2, 5, 17
"""Fields of a ``Record``."""
_STEP = "_step"
_NO_METRICS = {_STEP, "_runtime", "_timestamp", "epoch"}


def read_log(source: Source, reading: Reading) -> Found | None:
    """Read a log; text, media, histograms and truth values of its history are left out.

    Raises:
        RunError: It is broken.
    """
    if not source.path.is_file() or not source.content.startswith(_MARK):
        return None
    rows: list[dict[str, Any]] = []
    settings: dict[str, Any] = {}
    tags: dict[str, str] = {}
    records, is_whole = _records(source.content)
    try:
        for record in records:
            for number, content in fields(record):
                if not isinstance(content, bytes):
                    continue
                if number == _HISTORY:
                    rows.append(_logged(content))
                elif number == _CONFIG:
                    settings |= _settings(content)
                elif number == _RUN:
                    config, noted = _run(content)
                    settings |= config
                    tags |= noted
    except (ValueError, IndexError, RecursionError) as error:
        raise RunError(
            f"{source.name} is no log of Weights & Biases that can be read ({error}).", "Copy the run's folder again."
        ) from error
    notes = [] if is_whole else [f"{source.name} breaks off within a record; what stands before it is kept."]
    plain = [
        {name: value for name, value in row.items() if isinstance(value, int | float) and not isinstance(value, bool)}
        for row in rows
    ]
    curves, seconds = None, 0.0
    if any(row.keys() - _NO_METRICS for row in plain):
        curves, decided, seconds = curves_of_history(plain, source, reading)
        notes += decided
    what = "a run of Weights & Biases" + (f", {extent(curves)}" if curves else " without metrics")
    return Found(
        source.name,
        f"{what}, {counted(len(settings), 'parameter')}",
        curves,
        settings=settings,
        tags=tags,
        seconds=seconds,
        notes=tuple(notes),
    )


def read_folder(source: Source, reading: Reading) -> Found | None:
    """Read the folder of a run, ``wandb/offline-run-…`` or ``wandb/run-…``, or one that holds a single such folder.

    Raises:
        RunError: It holds several runs, or the log is broken.
    """
    if not source.path.is_dir():
        return None
    logs = sorted({*source.path.glob("*.wandb"), *source.path.glob("*/*.wandb"), *source.path.glob("*/*/*.wandb")})
    logs = [path for path in logs if path.is_file() and not path.parent.is_symlink()]
    if not logs:
        return None
    if len(logs) > 1:
        shown = listed([path.parent.name for path in logs])
        raise RunError(f"{source.name} holds {len(logs)} runs of Weights & Biases ({shown}).", "Name one of them.")
    return read_log(Source(logs[0]), reading)


def _records(content: bytes) -> tuple[list[bytes], bool]:
    """Return the whole records of a log, and whether nothing behind them is cut off or damaged."""
    found: list[bytes] = []
    parts: list[bytes] = []
    place = _HEADER
    while place + _PART.size <= len(content):
        left = _BLOCK - place % _BLOCK
        if left < _PART.size:  # too little of a block for a part's header
            place += left
            continue
        checksum, length, kind = _PART.unpack_from(content, place)
        start = place + _PART.size
        part = content[start : start + length]
        if len(part) < length or zlib.crc32(bytes([kind]) + part) != checksum:
            return found, False
        place = start + length
        parts = [part] if kind in (_WHOLE, _FIRST) else [*parts, part]
        if kind in (_WHOLE, _LAST):
            found.append(b"".join(parts))
            parts = []
    return found, not parts and place == len(content)


def _logged(record: bytes) -> dict[str, Any]:
    """Return what one step of a history holds; nested names are joined by ``/``."""
    found: dict[str, Any] = {}
    for number, content in fields(record):
        if number == 1 and isinstance(content, bytes):
            name, value = _item(content, "/")
            found[name] = value
        elif number == 2 and isinstance(content, bytes):
            found.setdefault(_STEP, next((value for field, value in fields(content) if field == 1), 0))
    return found


def _item(item: bytes, between: str) -> tuple[str, Any]:
    """Return name and value of an item, whichever way it holds them; None for what is no JSON value."""
    names: list[str] = []
    value: Any = None
    for number, content in fields(item):
        if isinstance(content, int):
            if number == 4:
                value = bool(content)
            elif number == 5:
                value = (content >> 1) ^ -(content & 1)
        elif number in (1, 2):
            names.append(content.decode("utf-8", "replace"))
        elif number == 6 and len(content) == 8:
            (value,) = struct.unpack("<d", content)
        elif number == 7:
            value = content.decode("utf-8", "replace")
        elif number in (8, 16):
            value = _json(content)
    return between.join(names), value


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _settings(config: bytes) -> dict[str, Any]:
    """Return the settings of a ``ConfigRecord``, those within others by names with a point."""
    found: dict[str, Any] = {}
    for number, item in fields(config):
        if number == 1 and isinstance(item, bytes):
            name, value = _item(item, ".")
            if not name.startswith("_wandb"):
                found |= _flat(name, value)
    return found


def _flat(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping) and value:
        return {key: one for inner, content in value.items() for key, one in _flat(f"{name}.{inner}", content).items()}
    is_plain = isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))
    return {name: value if is_plain else json.dumps(value)}


def _run(run: bytes) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the settings of a ``RunRecord``, and what was noted of the run; its host and user stay out."""
    settings: dict[str, Any] = {}
    noted: dict[str, list[str]] = {}
    names = {3: "project", 6: "group", 8: "name", 9: "notes", 10: "tags"}
    for number, content in fields(run):
        if number == 4 and isinstance(content, bytes):
            settings |= _settings(content)
        elif number in names and isinstance(content, bytes) and content:
            noted.setdefault(names[number], []).append(content.decode("utf-8", "replace"))
    return settings, {name: ", ".join(texts) for name, texts in noted.items()}
