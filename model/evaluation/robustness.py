"""How much accuracy is left on damaged pictures: a run's ``robustness.csv``, read and summed up.

The file is written by ``python -m training robustness``; ``robustness.json`` beside it describes the samples.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import TypedDict, cast

import numpy as np

from emoscope.model.errors import RunError
from emoscope.model.runs.checks import LARGEST, Check, checked_fields, count, text, whole
from emoscope.model.runs.files import read_json, read_text, write_atomically, write_json
from emoscope.model.runs.run import Run

CORRUPTION_NAMES = (
    "brightness",
    "contrast",
    "blur",
    "noise",
    "jpeg",
    "rotation",
    "crop_margin",
    "low_resolution",
    "occlusion",
)
SEVERITIES = (1, 2, 3, 4, 5)
CLEAN = "none"


@dataclass(frozen=True)
class RobustnessRow:
    """One measurement: a corruption at a severity.

    Attributes:
        corruption: One of :data:`CORRUPTION_NAMES`, or :data:`CLEAN` at severity 0.
        severity: 0 (untouched) to 5.
        n: Samples scored.
        accuracy: 0..1.
        macro_f1: 0..1.
    """

    corruption: str
    severity: int
    n: int
    accuracy: float
    macro_f1: float


class RobustnessMeta(TypedDict, total=False):
    """The content of ``robustness.json``: on which samples the figures were measured."""

    split: str
    samples: int
    seed: int
    fingerprint: str
    corruptions_version: int


@dataclass(frozen=True)
class RobustnessSummary:
    """The share of its accuracy that a run keeps.

    Attributes:
        clean_accuracy: On the untouched samples, 0..1.
        retained: By corruption, the mean accuracy over its severities as a share of the clean accuracy.
        mean_retained: The mean of these; the relative robustness of the run.
        weakest: The corruption that costs most; empty if none was measured.
    """

    clean_accuracy: float
    retained: Mapping[str, float]
    mean_retained: float
    weakest: str


def read_robustness(run: Run) -> list[RobustnessRow]:
    """Read a run's ``robustness.csv``; empty where there is none.

    Raises:
        RunError: The file is no such table, or lacks the clean row, or ``robustness.json`` beside it is broken.
    """
    file = run.path / "robustness.csv"
    if not file.is_file():
        return []
    try:
        rows = [
            RobustnessRow(
                row["corruption"], int(row["severity"]), int(row["n"]), float(row["accuracy"]), float(row["macro_f1"])
            )
            for row in csv.DictReader(io.StringIO(read_text(file), newline=""))
        ]
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise RunError(f"{run.key}/robustness.csv is not a table of measurements ({error}).", _AGAIN) from error
    if not all(row.severity in (0, *SEVERITIES) and 0 <= row.n <= LARGEST for row in rows):
        raise RunError(f"{run.key}/robustness.csv holds a severity or a number of samples that cannot be.", _AGAIN)
    if unknown := [row.corruption for row in rows if row.corruption not in (CLEAN, *CORRUPTION_NAMES)]:
        raise RunError(
            f"{run.key}/robustness.csv names the corruption {unknown[0][:60]!r}, which is not known.", _AGAIN
        )
    if not all(0 <= row.accuracy <= 1 and 0 <= row.macro_f1 <= 1 for row in rows):
        raise RunError(f"{run.key}/robustness.csv holds an accuracy outside 0..1.", _AGAIN)
    if not any(row.corruption == CLEAN for row in rows):
        raise RunError(f"{run.key}/robustness.csv has no row for untouched images.", _AGAIN)
    robustness_meta(run)
    return rows


def robustness_meta(run: Run) -> RobustnessMeta:
    """Return the content of ``robustness.json``; empty where there is none.

    Raises:
        RunError: The file is broken.
    """
    file = run.path / "robustness.json"
    if not file.is_file():
        return {}
    checks: dict[str, Check] = {
        "split": text,
        "samples": count,
        "seed": whole,
        "fingerprint": text,
        "corruptions_version": whole,
    }
    try:
        return cast(RobustnessMeta, checked_fields(read_json(file), "", checks))
    except ValueError as error:
        raise RunError(f"{run.key}/robustness.json describes no samples ({error}).", _AGAIN) from error


def write_robustness(path: Path, rows: Sequence[RobustnessRow], meta: RobustnessMeta) -> None:
    """Write ``robustness.csv`` and ``robustness.json`` into a run's folder."""
    names = [f.name for f in fields(RobustnessRow)]
    lines = [",".join(names)]
    lines += [",".join(map(str, astuple(row))) for row in rows]
    write_atomically(path / "robustness.csv", "\n".join(lines) + "\n")
    write_json(path / "robustness.json", meta)


def summarize_robustness(rows: Sequence[RobustnessRow]) -> RobustnessSummary:
    """Sum up measurements that include the clean row.

    Source: after the relative corruption error of Hendrycks and Dietterich, ICLR 2019 (arXiv 1903.12261), as a share
    kept of the network's own clean accuracy instead of errors relative to another network.
    """
    clean = next(row.accuracy for row in rows if row.corruption == CLEAN)
    corruptions = dict.fromkeys(row.corruption for row in rows if row.corruption != CLEAN)
    retained = {
        name: float(np.mean([row.accuracy for row in rows if row.corruption == name])) / max(clean, 1e-9)
        for name in corruptions
    }
    mean = float(np.mean(list(retained.values()))) if retained else 1.0
    return RobustnessSummary(clean, retained, mean, min(retained, key=retained.__getitem__, default=""))


def robustness_comparable(a: Run, b: Run) -> str:
    """Return why two runs' robustness must not be compared; empty if it may."""
    meta_a, meta_b = robustness_meta(a), robustness_meta(b)
    for name in ("fingerprint", "split", "samples", "seed"):
        one, other = meta_a.get(name), meta_b.get(name)
        if one != other:
            return f"{a.key} and {b.key} were scored on different samples: {name} is {one} and {other}."
    return ""


_AGAIN = "Run `python -m training robustness` on it again."
