"""Time every saved network per face, beside a NumPy matrix product in the same run: ``python -m benchmarks.inference``.

Each repetition times the product right before and right after the network, with as many threads, and compares their
arithmetic rates; the medians over the repetitions are printed and written to ``benchmarks/inference.json``. What is
timed is the whole ``classify`` call on crops of the network's size: normalisation, the forward pass, and the outputs'
way back.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.machine import describe_machine
from emoscope.model.networks.classifier import Classifier
from emoscope.model.networks.load import load_classifier
from emoscope.model.runs.run import Run, iter_runs, load_run

BATCHES = (1, 32)
THREADS = (1, 2)
MATRIX_SIDE = 1024
# Calls timed together, so that a timing is long against the clock and the scheduler.
FACES_A_TIMING = 32


def seconds_per_face(classifier: Classifier, faces: np.ndarray) -> float:
    calls = max(1, FACES_A_TIMING // len(faces))
    start = perf_counter()
    for _ in range(calls):
        classifier.classify(faces)
    return (perf_counter() - start) / (calls * len(faces))


def product_rate(matrices: tuple[np.ndarray, np.ndarray, np.ndarray]) -> float:
    """Return the operations per second of a float32 matrix product."""
    left, right, out = matrices
    start = perf_counter()
    np.matmul(left, right, out=out)
    return 2 * MATRIX_SIDE**3 / (perf_counter() - start)


def measure(run: Run, repetitions: int) -> list[dict[str, Any]]:
    random = np.random.default_rng(0)
    left, right = random.random((2, MATRIX_SIDE, MATRIX_SIDE), np.float32)
    matrices = (left, right, np.empty_like(left))
    faces = random.integers(0, 256, (max(BATCHES), *run.info.input_size, run.info.channels), np.uint8)
    classifiers = {threads: load_classifier(run, threads) for threads in THREADS}
    settings = [(threads, batch) for threads in THREADS for batch in BATCHES]
    times: dict[tuple[int, int], list[float]] = {setting: [] for setting in settings}
    products: dict[tuple[int, int], list[float]] = {setting: [] for setting in settings}
    for repetition in range(repetitions + 1):
        for threads, batch in settings:
            with threadpool_limits(threads, user_api="blas"):
                before = product_rate(matrices)
                seconds = seconds_per_face(classifiers[threads], faces[:batch])
                after = product_rate(matrices)
            if repetition:  # the first only warms up
                times[threads, batch].append(seconds)
                products[threads, batch].append(2 / (1 / before + 1 / after))
    operations = run.info.multiply_adds
    return [
        {
            "run": run.key,
            "operations_per_face": operations,
            "threads": threads,
            "batch": batch,
            "ms_per_face": median(times[threads, batch]) * 1e3,
            "gflops": operations / median(times[threads, batch]) / 1e9,
            "product_gflops": median(products[threads, batch]) / 1e9,
            "ratio": median(
                operations / seconds / product
                for seconds, product in zip(times[threads, batch], products[threads, batch], strict=True)
            ),
        }
        for threads, batch in settings
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="Time networks per face beside a NumPy matrix product.")
    parser.add_argument("--runs", nargs="+", help="saved runs to time (default: all that hold a LiteRT network)")
    parser.add_argument("--repetitions", type=int, default=30)
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    found = [load_run(key) for key in options.runs or ()] or [run for run in iter_runs() if isinstance(run, Run)]
    results = []
    print("run                    M operations  threads  batch    ms/face  GFLOP/s  NumPy product GFLOP/s  ratio")
    for run in found:
        if run.litert_file is None:
            continue
        for row in measure(run, options.repetitions):
            results.append(row)
            print(
                f"{run.key:<21}  {row['operations_per_face'] / 1e6:>12.1f}  {row['threads']:>7}  {row['batch']:>5}  "
                f"{row['ms_per_face']:>9.3f}  {row['gflops']:>7.1f}  {row['product_gflops']:>21.1f}  "
                f"{row['ratio']:>5.2f}",
                flush=True,
            )
    content = {
        "machine": describe_machine(),
        "matrix_side": MATRIX_SIDE,
        "repetitions": options.repetitions,
        "results": [{k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()} for row in results],
    }
    options.output.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
