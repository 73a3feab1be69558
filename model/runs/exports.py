"""Exports of a run's network: smaller files for the app, and files that other programs open.

Each export is a saved run of its own inside the one it was made from, ``<run>/exports/<variant>/``: its network, its
``run.json`` and its own predictions. So whatever takes a run takes an export as well (``--run emoscope/exports/int8``),
and its figures follow from its own predictions. ``<run>/exports.json`` holds what was measured of all side by side:
sizes, and milliseconds per face.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from emoscope.model.errors import RunError
from emoscope.model.runs.checks import Check, checked_fields, count, named, number, text
from emoscope.model.runs.files import read_json
from emoscope.model.runs.run import EXPORTS_FOLDER, Run, load_run

MEASUREMENTS = "exports.json"
ORIGINAL = "float32"
ORIGIN = "origin"
"""In a pruned run's measurements: the run that it was pruned from, timed beside it."""


@dataclass(frozen=True)
class Variant:
    """A format that a network can be exported to.

    Attributes:
        title: For people.
        file: Name of its file in the export's folder.
        summary: What it is for, one sentence.
    """

    title: str
    file: str
    summary: str


VARIANTS: Mapping[str, Variant] = {
    ORIGINAL: Variant("LiteRT float32", "model.tflite", "What the app runs, and what the others are measured against."),
    "float16": Variant("LiteRT float16", "model.tflite", "Weights in 16 bits: half the file, computed in 32 bits."),
    "dynamic": Variant("LiteRT dynamic range", "model.tflite", "Weights in 8 bits, computed partly in floats."),
    "int8": Variant(
        "LiteRT int8", "model.tflite", "Weights and activations in 8 bits, calibrated on training images: for phones."
    ),
    "web": Variant(
        "LiteRT web", "model.tflite", "Takes one face at a time, weights in 16 bits: for browsers and apps on phones."
    ),
    "onnx": Variant("ONNX", "model.onnx", "For ONNX Runtime and the programs built on it."),
    "h5": Variant("Keras HDF5", "model.h5", "The legacy format that older Keras programs open."),
}


@dataclass(frozen=True, eq=False)
class Exported:
    """One export of a network and what was measured of it.

    Attributes:
        run: The export as a saved run; the run itself for the original.
        variant: A key of :data:`VARIANTS`.
        file: The network; None where it was left out, as in an archive of figures.
        bytes: Size of the file; 0 where not known.
        zipped_bytes: Size of the file when compressed; 0 where not known.
        milliseconds: For one face on one thread; NaN where not timed.
        original_milliseconds: The same of the float32 original, timed alternately with it; NaN where not timed.
        stale: Whether the run was trained again since, so that this is an export of another network.
    """

    run: Run
    variant: str
    file: Path | None
    bytes: int = 0
    zipped_bytes: int = 0
    milliseconds: float = float("nan")
    original_milliseconds: float = float("nan")
    stale: bool = False


def variant_folder(run: Run, variant: str) -> Path:
    """Return where an export of a run's network lies."""
    return run.path if variant == ORIGINAL else run.path / EXPORTS_FOLDER / variant


def read_exports(run: Run) -> list[Exported]:
    """Return the exports of a run's network that there are, the original first.

    Raises:
        RunError: ``exports.json`` or an export's ``run.json`` is broken.
    """
    measured = _measurements(run)
    reference = measured.get(ORIGIN, measured.get(ORIGINAL, {})).get("milliseconds", float("nan"))
    found = []
    for name, variant in VARIANTS.items():
        folder = variant_folder(run, name)
        if name != ORIGINAL and not (folder / "run.json").is_file():
            continue
        file = folder / variant.file
        figures = measured.get(name, {})
        form = run if name == ORIGINAL else load_run(folder)
        found.append(
            Exported(
                form,
                name,
                file if file.is_file() else None,
                file.stat().st_size if file.is_file() else int(figures.get("bytes", 0)),
                int(figures.get("zipped_bytes", 0)),
                figures.get("milliseconds", float("nan")),
                reference,
                stale=_training(form) != _training(run),
            )
        )
    return found


def _training(run: Run) -> tuple[Any, ...]:
    return run.info.config, run.info.best_epoch, run.info.training_seconds


def _measurements(run: Run) -> dict[str, dict[str, float]]:
    return dict(_content(run).get("networks", {}))


def measured_on(run: Run) -> str:
    """Return the machine that the exports were timed on, for people; empty where they were not.

    Raises:
        RunError: ``exports.json`` is broken.
    """
    return str(_content(run).get("machine", ""))


def _content(run: Run) -> dict[str, Any]:
    file = run.path / MEASUREMENTS
    if not file.is_file():
        return {}
    figures: dict[str, Check] = {
        "bytes": count,
        "zipped_bytes": count,
        "milliseconds": partial(number, low=1e-6, high=1e9),
    }
    checks: dict[str, Check] = {
        "networks": partial(named, check=partial(checked_fields, checks=figures)),
        "machine": text,
    }
    try:
        return checked_fields(read_json(file), "", checks, needed=("networks",))
    except ValueError as error:
        raise RunError(
            f"{run.key}/{MEASUREMENTS} is not a table of measurements ({error}).",
            f"Run `python -m training export {run.key}`.",
        ) from error
