"""Size and time of every export of a run's network, measured side by side into ``exports.json``."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from emoscope.model.errors import EmoscopeError
from emoscope.model.machine import machine_name
from emoscope.model.networks.classifier import Classifier
from emoscope.model.runs.exports import MEASUREMENTS, ORIGIN, ORIGINAL, VARIANTS, variant_folder
from emoscope.model.runs.files import write_json
from emoscope.model.runs.run import Run
from emoscope.training.exporting.convert import open_variant

ROUNDS = 20
CALLS_A_ROUND = 8


def measure_exports(run: Run, origin: Run | None = None, rounds: int = ROUNDS) -> dict[str, str]:
    """Measure every export that there is, alternately in one go, and write ``exports.json``.

    Args:
        run: With its LiteRT file.
        origin: The run that it was pruned from, timed beside it.
        rounds: In each, every export classifies the same face a few times.

    Returns:
        By format why it was not timed, as a sentence.
    """
    files = {name: variant_folder(run, name) / variant.file for name, variant in VARIANTS.items()}
    files = {name: file for name, file in files.items() if file.is_file()}
    if origin is not None:
        files[ORIGIN] = origin.path / VARIANTS[ORIGINAL].file
    problems = {}
    with ExitStack() as stack:
        opened: dict[str, Classifier] = {}
        for name in files:
            try:
                source, variant = (origin, ORIGINAL) if name == ORIGIN and origin is not None else (run, name)
                opened[name] = stack.enter_context(closing(open_variant(source, variant)))
            except EmoscopeError as error:
                problems[name] = str(error)
        milliseconds = time_alternately(opened, run, rounds)
    networks: dict[str, Mapping[str, Any]] = {name: _sizes(file) for name, file in files.items()}
    for name, taken in milliseconds.items():
        networks[name] = {**networks[name], "milliseconds": round(taken, 4)}
    write_json(
        run.path / MEASUREMENTS,
        {"threads": 1, "rounds": rounds, "machine": machine_name(), "networks": networks},
    )
    return problems


def time_alternately(classifiers: Mapping[str, Classifier], run: Run, rounds: int) -> dict[str, float]:
    """Return the median milliseconds per face of each network; other load of the machine affects all alike."""
    shape = (*run.info.input_size, run.info.channels)
    face = np.random.default_rng(0).integers(0, 256, (1, *shape), np.uint8)
    taken: dict[str, list[float]] = {name: [] for name in classifiers}
    for number in range(rounds + 1):
        for name, classifier in classifiers.items():
            start = perf_counter()
            for _ in range(CALLS_A_ROUND):
                classifier.classify(face)
            if number:  # the first round only warms up
                taken[name].append(1000 * (perf_counter() - start) / CALLS_A_ROUND)
    return {name: median(times) for name, times in taken.items()}


def _sizes(file: Path) -> dict[str, int]:
    content = file.read_bytes()
    return {"bytes": len(content), "zipped_bytes": len(zlib.compress(content, 9))}
