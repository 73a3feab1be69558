"""How long reading FER-2013 takes, beside what its decompression and a plain pandas read take alone.

    python -m benchmarks.dataset [PATH]

Run it from the project's folder. Every figure is the best of the repeats, in seconds.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.machine import describe_machine
from emoscope.model.dataset import exact_duplicates, find_dataset, load_dataset, near_duplicates
from emoscope.model.dataset.locate import locate, opened_table

REPEATS = 2


def best(action: Callable[[], object]) -> float:
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def decompress(path: Path) -> None:
    with opened_table(locate(path)) as (stream, _):
        while stream.read(1 << 20):
            pass


def read_with_pandas(path: Path) -> None:
    with opened_table(locate(path)) as (stream, _):
        pixels = pd.read_csv(stream)["pixels"]
    np.stack([np.array(text.split(), np.uint8) for text in pixels])


def main() -> int:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else find_dataset()
    if path is None or locate(path).kind != "table":
        print("Give the path of fer2013.csv, compressed or not.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as cache:
        os.environ["EMOSCOPE_CACHE"] = cache
        dataset = load_dataset(path)
        rows = {
            "reference: decompress only": best(lambda: decompress(path)),
            "reference: pandas and str.split": best(lambda: read_with_pandas(path)),
            "load_dataset, parsing": best(lambda: load_dataset(path, cache=False)),
            "load_dataset, from the cache": best(lambda: load_dataset(path)),
            "exact_duplicates": best(lambda: exact_duplicates(dataset)),
            "near_duplicates": best(lambda: near_duplicates(dataset)),
        }
    machine = describe_machine()
    images = sum(dataset.split_sizes.values())
    print(f"{locate(path).path.name}, {images:,} images; {machine['processor']}, {machine['cores']} cores")
    for name, seconds in rows.items():
        print(f"{name:34}{seconds:8.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
