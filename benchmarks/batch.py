"""Faces per second of a whole batch, beside each of its parts alone: ``python -m benchmarks.batch``.

Two folders of JPEG files are made from scikit-image's photo of an astronaut: photos in which the default detector finds
the face, and face crops. Decoding, detecting and classifying are timed alone, in as many processes as the batch uses,
each on its share of the same pictures and ready beforehand. The batch is timed from the first file to the finished
Parquet file, starting its processes included. Its rate stands beside that of the slowest part, and beside that of the
three parts one after the other, which no batch on the same cores can exceed. Printed and written to
``benchmarks/batch.json``.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any

import cv2
import numpy as np

from benchmarks.machine import describe_machine
from emoscope.model.faces.detectors import DEFAULT_DETECTOR
from emoscope.model.images import read_image
from emoscope.model.machine import available_cores
from emoscope.model.networks.classifier import BATCH_SIZE
from emoscope.model.pictures.batch import PipelineSettings, Task, predict_pictures
from emoscope.model.pictures.result_files import parquet_file
from emoscope.model.runs.run import DEFAULT_RUN, load_run

PARTS = ("decode", "detect", "classify")


def make_pictures(folder: Path, count: int, cropped: bool) -> list[Path]:
    from skimage.data import astronaut

    photo = np.ascontiguousarray(astronaut()[:, :, ::-1])
    photo = cv2.resize(photo[50:190, 155:295], (96, 96), interpolation=cv2.INTER_AREA) if cropped else photo
    random = np.random.default_rng(0)
    paths = []
    for number in range(count):
        picture = np.clip(photo * random.uniform(0.7, 1.1) + random.normal(0, 3, photo.shape), 0, 255).astype(np.uint8)
        paths.append(folder / f"{number:06}.jpg")
        cv2.imwrite(str(paths[-1]), picture)
    return paths


def time_parts(job: tuple[PipelineSettings, Sequence[Path]]) -> tuple[int, dict[str, float]]:
    """Count the faces of one process's share of the pictures and time each part, in step with the other processes."""
    settings, paths = job
    cv2.setNumThreads(1)
    pipeline = settings.open()
    frames = [read_image(path) for path in paths]
    crops = [crop for frame in frames for crop in pipeline.crop(frame, pipeline.detect(frame))]

    def decode() -> None:
        for path in paths:
            read_image(path)

    def detect() -> None:
        for frame in frames:
            pipeline.detect(frame)

    def classify() -> None:
        for start in range(0, len(crops), BATCH_SIZE):
            pipeline.classify_crops(crops[start : start + BATCH_SIZE])

    seconds = {}
    for name, part in zip(PARTS, (decode, detect, classify), strict=True):
        _barrier.wait(600)
        start = perf_counter()
        part()
        seconds[name] = perf_counter() - start
    return len(crops), seconds


def _share_barrier(barrier: Any) -> None:
    global _barrier
    _barrier = barrier


_barrier: Any = None


def measure(settings: PipelineSettings, paths: list[Path], processes: int) -> dict[str, float]:
    context = get_context("spawn")
    # Frames of the photos are held in memory, so the parts are timed on some of them.
    some = paths[: 100 * processes]
    with context.Pool(processes, _share_barrier, (context.Barrier(processes),)) as pool:
        shares = pool.map(time_parts, [(settings, some[i::processes]) for i in range(processes)], chunksize=1)
    in_some = sum(count for count, _ in shares)
    rates = {part: in_some / max(seconds[part] for _, seconds in shares) for part in PARTS}
    start = perf_counter()
    faces = 0
    with parquet_file(paths[0].parent / "out.parquet", load_run(settings.run).info.class_names) as write:
        for entry in predict_pictures([Task(path) for path in paths], settings, processes):
            faces += len(entry["faces"])
            write(entry)
    rates["batch"] = faces / (perf_counter() - start)
    if faces < 0.99 * len(paths):
        raise RuntimeError(f"Each picture holds a face, but only {faces} were found in {len(paths)}.")
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description="Faces per second of a batch, beside its parts.")
    parser.add_argument("--run", default=DEFAULT_RUN, help="saved run to use")
    parser.add_argument("--photos", type=int, default=600, help="photos to search")
    parser.add_argument("--crops", type=int, default=20_000, help="face crops to classify")
    parser.add_argument("--processes", type=int, default=available_cores())
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    run = load_run(options.run)
    results = []
    print("faces/s              decode   detect  classify    batch  of the slowest part  of the parts in turn")
    for title, detector, count in (
        (f"photos, {DEFAULT_DETECTOR}", DEFAULT_DETECTOR, options.photos),
        ("face crops", "none", options.crops),
    ):
        with tempfile.TemporaryDirectory() as folder:
            paths = make_pictures(Path(folder), count, cropped=detector == "none")
            rates = measure(PipelineSettings(run.path, detector), paths, options.processes)
        ratio = rates["batch"] / min(rates[part] for part in PARTS)
        in_turn = rates["batch"] * sum(1 / rates[part] for part in PARTS)
        columns = "  ".join(f"{rates[name]:>7.0f}" for name in (*PARTS, "batch"))
        print(f"{title:<17}  {columns}  {ratio:>19.2f}  {in_turn:>20.2f}", flush=True)
        rounded = {name: round(rate, 1) for name, rate in rates.items()}
        ratios = {"ratio": round(ratio, 3), "ratio_in_turn": round(in_turn, 3)}
        results.append({"pictures": title, "count": count, **rounded, **ratios})
    content = {"machine": describe_machine(), "run": run.key, "processes": options.processes, "results": results}
    options.output.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
