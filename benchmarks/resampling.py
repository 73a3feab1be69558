"""Time intervals and comparisons beside the plain bootstrap: ``python -m benchmarks.resampling``.

The reference, in the same run, draws sample indices and recomputes accuracy alone, one replicate after another; it is
timed on a few replicates and scaled to as many as the vectorised form draws.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from time import perf_counter

import numpy as np

from benchmarks.machine import describe_machine
from emoscope.model.evaluation.comparison import Pair, compare
from emoscope.model.evaluation.metrics import compute_metrics
from emoscope.model.evaluation.statistics import RESAMPLES
from emoscope.model.runs.predictions import Predictions
from tests.factories import make_predictions

SIZES = ((3_589, 7), (100_000, 20))
REFERENCE_REPLICATES = 20


def best_seconds(call: Callable[[], object], repetitions: int) -> float:
    times = []
    for _ in range(repetitions):
        start = perf_counter()
        call()
        times.append(perf_counter() - start)
    return min(times)


def plain_bootstrap(predictions: Predictions, replicates: int) -> list[float]:
    rng, n = np.random.default_rng(0), len(predictions.label)
    right = predictions.probabilities.argmax(1) == predictions.label
    return [float(right[rng.integers(0, n, n)].mean()) for _ in range(replicates)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=5)
    repetitions = parser.parse_args().repetitions
    print(", ".join(f"{name}: {value}" for name, value in describe_machine().items()))
    print(f"Seconds for {RESAMPLES:,} replicates, best of {repetitions}")
    print(f"{'samples':>9}{'classes':>9}{'all figures':>13}{'two runs':>10}{'plain, accuracy only':>22}")
    for n, classes in SIZES:
        names = tuple(f"class {k}" for k in range(classes))
        a, b = (make_predictions(n, classes, seed=seed) for seed in (0, 1))
        figures = best_seconds(lambda a=a, names=names: compute_metrics(a, names), repetitions)
        pair = Pair("a", "b", names, a, b)
        comparison = best_seconds(lambda pair=pair: compare(pair), repetitions)
        plain = best_seconds(lambda a=a: plain_bootstrap(a, REFERENCE_REPLICATES), repetitions)
        plain *= RESAMPLES / REFERENCE_REPLICATES
        print(f"{n:>9,}{classes:>9}{figures:>13.3f}{comparison:>10.3f}{plain:>22.3f}")


if __name__ == "__main__":
    main()
