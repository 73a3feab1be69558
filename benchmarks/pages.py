"""Time how long each evaluation page takes to open, beside an empty page: ``python -m benchmarks.pages``.

The runs are made up: 20 of FER-2013's test size, 5 of 100,000 samples and 20 classes, and 200 of 10,000 samples, 40
designs of five seeds each. *Unseen* is the opening of runs that no page has shown before: nothing of them is kept in
memory or on disk (reading, counting, resampling, drawing); *first* is that of a freshly started app which has shown
them before; *again* is the next one, as other sessions see it.
Timed is the page's script with all that it sends to the browser, in a process whose modules are loaded; the browser's
own drawing is not in it. Other work on the machine delays the clock and hardly the processor time, so both are kept.
Medians over the repetitions are printed and written to ``benchmarks/pages.json``.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

import streamlit as st
from streamlit.testing.v1 import AppTest

from benchmarks.machine import describe_machine
from tests.factories import FER7, write_run

ROOT = Path(__file__).resolve().parent.parent
CLASSES20 = tuple(f"class {i:02}" for i in range(20))
# Name, number of runs, samples per split, class names, whether metrics.json is there, limit in seconds.
WORLDS = (
    ("20 runs × 3,589", 20, 3_589, FER7, True, 1.0),
    ("20 runs × 3,589, no metrics.json", 20, 3_589, FER7, False, None),
    ("5 runs × 100,000 × 20 classes", 5, 100_000, CLASSES20, True, 3.0),
    ("200 runs × 10,000", 200, 10_000, FER7, True, 2.0),
)
SEEDS = 5
"""Of each design among 200 runs."""
VIEWS: tuple[tuple[str, dict[str, str]], ...] = (
    ("training_curves", {}),
    ("evaluation", {}),
    ("evaluation", {"section": "Confusion"}),
    ("evaluation", {"section": "ROC and PR"}),
    ("evaluation", {"section": "Confidence"}),
    ("evaluation", {"section": "Mistakes"}),
    ("compare", {}),
    ("compare", {"section": "Two runs"}),
    ("compare", {"section": "Settings"}),
    ("compare", {"section": "Robustness"}),
    ("dataset", {}),
)


def seconds_to_open(script: Path, query: dict[str, str]) -> tuple[float, float]:
    """Return what opening a page takes in seconds of the clock and of processor time."""
    page = AppTest.from_file(str(script), default_timeout=300)
    for key, value in query.items():
        page.query_params[key] = value
    start, worked = perf_counter(), process_time()
    page.run()
    seconds = perf_counter() - start, process_time() - worked
    if page.exception:
        raise RuntimeError(f"{script.name} failed: {page.exception[0].value}")
    return seconds


def empty_caches(on_disk: bool = False) -> None:
    st.cache_data.clear()
    st.cache_resource.clear()
    if on_disk:
        shutil.rmtree(os.environ["EMOSCOPE_CACHE"], ignore_errors=True)


def measure(view: tuple[str, dict[str, str]], empty: Path, repetitions: int) -> dict[str, Any]:
    name, query = view
    script = ROOT / "pages" / f"{name}.py"
    unseen, first, again, reference = [], [], [], []
    for _ in range(repetitions):
        reference.append(seconds_to_open(empty, {}))
        empty_caches(on_disk=True)
        unseen.append(seconds_to_open(script, query))
        empty_caches()
        first.append(seconds_to_open(script, query))
        again.append(seconds_to_open(script, query))
    row: dict[str, Any] = {"page": " · ".join([name, *query.values()])}
    for title, times in {"unseen": unseen, "first": first, "again": again, "empty_page": reference}.items():
        row[f"{title}_seconds"], row[f"{title}_processor_seconds"] = map(median, zip(*times, strict=True))
    return row


def _design(number: int, runs: int) -> dict[str, Any]:
    """Return what makes every five of many runs differ by seed alone."""
    if runs <= 20:
        return {}
    design, seed = divmod(number, SEEDS)
    config = {"learning_rate": 1e-4 * (1 + design), "batch_size": 64, "seed": seed}
    return {"config": config, "parameters": 10_000 * (1 + design), "multiply_adds": 1_000_000 * (1 + design)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--world", action="append", choices=[world[0] for world in WORLDS], help="only this one")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the samples, to try the script out")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "pages.json")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)  # Streamlit says of each run that no server is there
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty.py"
        empty.write_text('import streamlit as st\n\nst.title("Nothing")\n')
        os.environ["EMOSCOPE_DATA"] = str(Path(folder) / "none")  # the user's images are not part of this
        os.environ["EMOSCOPE_CACHE"] = str(Path(folder) / "cache")
        for number, (world, runs, samples, names, metrics, limit) in enumerate(WORLDS):
            if arguments.world and world not in arguments.world:
                continue
            root = Path(folder) / f"runs-{number}"
            os.environ["EMOSCOPE_ARTIFACTS"] = str(root)
            for i in range(runs):
                write_run(
                    root, f"run-{i:02}", n=round(samples * arguments.scale), class_names=names, seed=i,
                    accuracy=0.6 + 0.2 * i / runs, metrics=metrics, robustness=True, **_design(i, runs),
                )  # fmt: skip
            for view in VIEWS:
                seconds_to_open(ROOT / "pages" / f"{view[0]}.py", view[1])  # loads the modules
            print(f"\n{world}" + (f" (at most {limit:g} s)" if limit else ""))
            print(f"{'page':<28} {'unseen':>8} {'first':>8} {'again':>8} {'empty page':>11}")
            for view in VIEWS:
                row = {"world": world, "limit_seconds": limit, **measure(view, empty, arguments.repetitions)}
                rows.append(row)
                print(
                    f"{row['page']:<28} {row['unseen_seconds']:7.2f}s {row['first_seconds']:7.2f}s "
                    f"{row['again_seconds']:7.2f}s {row['empty_page_seconds']:10.3f}s   processor: "
                    + " ".join(f"{row[f'{n}_processor_seconds']:.2f}s" for n in ("unseen", "first", "again"))
                )
    result = {
        "machine": describe_machine(),
        "repetitions": arguments.repetitions,
        "scale": arguments.scale,
        "pages": rows,
    }
    arguments.output.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
