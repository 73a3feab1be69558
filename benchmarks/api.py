"""Load the HTTP API over loopback, beside the bare classifier in the same run: ``python -m benchmarks.api``.

Clients send cropped faces as 48×48 PNG bodies with ``detector=none``, each on a kept connection, the next request as
soon as the last one is answered. The load comes from ``wrk`` (Debian's package), which takes a few hundredths of a
millisecond per request from the same cores. Right before and after each level the classifier is timed without the API:
the same faces in batches, on one thread and on one thread per core. The ratio is requests per second over the mean of
the one-thread timings; the other ratio, to all cores, is what would be left if the API cost nothing at all.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import cv2
import numpy as np

from benchmarks.machine import describe_machine
from emoscope.dashboard.api.batching import MAX_FACES
from emoscope.model.faces.detectors import create_detector
from emoscope.model.images import decode_image
from emoscope.model.machine import available_cores
from emoscope.model.networks.classifier import Classifier
from emoscope.model.networks.load import load_classifier
from emoscope.model.pictures.results import picture_entry
from emoscope.model.pipeline import Pipeline
from emoscope.model.runs.run import DEFAULT_RUN, load_run
from tests.browser.serving import serving

CLIENTS = (1, 8, 64)
FACES = 128
SIDE = 48

LUA = """
local files, next_one = {paths}, 0
local requests = {{}}
init = function()
  for i, path in ipairs(files) do
    local file = io.open(path, "rb")
    requests[i] = wrk.format("POST", nil, {{["Content-Type"] = "image/png"}}, file:read("*a"))
    file:close()
  end
end
request = function()
  next_one = next_one % #requests + 1
  return requests[next_one]
end
done = function(summary, latency)
  local e = summary.errors
  print("@@" .. string.format(
    '{{"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "errors": %d}}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


def make_faces() -> list[np.ndarray]:
    """Return smooth random crops, whose files are as large as those of real ones."""
    noise = np.random.default_rng(0).integers(0, 256, (FACES, SIDE, SIDE), np.uint8)
    return [cv2.normalize(cv2.GaussianBlur(n, (7, 7), 2), None, 0, 255, cv2.NORM_MINMAX) for n in noise]


def faces_per_second(classifier: Classifier, faces: list[np.ndarray], threads: int, seconds: float) -> float:
    """Return how many faces the classifier predicts in batches of the API's size, on several threads at once."""

    def predict(_: int) -> int:
        count, end = 0, perf_counter() + seconds
        while perf_counter() < end:
            classifier.classify(faces[:MAX_FACES])
            count += MAX_FACES
        return count

    with ThreadPoolExecutor(threads) as pool:
        start = perf_counter()
        return sum(pool.map(predict, range(threads))) / (perf_counter() - start)


def load(url: str, script: Path, clients: int, seconds: float) -> dict[str, Any]:
    """Send requests from a number of clients for some seconds; return what wrk counted."""
    command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds:g}s", "--timeout", "30s", "-s", str(script), url]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(output.split("@@", 1)[1].splitlines()[0])


def server_metric(url: str, name: str) -> float:
    with urllib.request.urlopen(f"{url}/api/v1/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def check_answer(url: str, pipeline: Pipeline, body: bytes) -> None:
    """Check that the API's predictions are the pipeline's."""
    request = urllib.request.Request(f"{url}/api/v1/predict?detector=none", body, {"Content-Type": "image/png"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        found = json.loads(answer.read())["pictures"][0]
    expected = picture_entry("image", SIDE, SIDE, pipeline.analyze(decode_image(body)), "none")
    assert found == json.loads(json.dumps(expected)), (found, expected)


def measure(clients: tuple[int, ...], seconds: float) -> list[dict[str, Any]]:
    """Return one row per number of clients."""
    cores = available_cores()
    faces = make_faces()
    bodies = [cv2.imencode(".png", face)[1].tobytes() for face in faces]
    classifier = load_classifier(load_run(DEFAULT_RUN))
    rows = []
    with TemporaryDirectory() as folder, serving(EMOSCOPE_API_IMAGES_PER_MINUTE="0") as url:
        paths = [Path(folder) / f"{i}.png" for i in range(FACES)]
        for path, body in zip(paths, bodies, strict=True):
            path.write_bytes(body)
        script = Path(folder) / "load.lua"
        script.write_text(LUA.format(paths="{" + ", ".join(f'"{path}"' for path in paths) + "}"))
        target = f"{url}/api/v1/predict?detector=none"
        check_answer(url, Pipeline(create_detector("none"), classifier), bodies[0])
        load(target, script, max(clients), min(seconds, 3))  # warms up
        bare = [[faces_per_second(classifier, faces, n, seconds / 4) for n in (1, cores)]]
        for number in clients:
            faces_before, passes_before = (server_metric(url, f"emoscope_batch_faces_{w}") for w in ("sum", "count"))
            row = {"clients": number, **load(target, script, number, seconds)}
            bare.append([faces_per_second(classifier, faces, n, seconds / 4) for n in (1, cores)])
            one, all_cores = (mean(bare[i][j] for i in (-2, -1)) for j in (0, 1))
            rate = row["requests"] / row.pop("seconds")
            passes = server_metric(url, "emoscope_batch_faces_count") - passes_before
            predicted = server_metric(url, "emoscope_batch_faces_sum") - faces_before
            rows.append(
                {
                    **row,
                    "requests_per_second": rate,
                    "faces_per_forward_pass": predicted / max(passes, 1),
                    "bare_faces_per_second": one,
                    "bare_faces_per_second_all_cores": all_cores,
                    "ratio": rate / one,
                    "ratio_all_cores": rate / all_cores,
                    "server_mb": server_metric(url, "process_resident_memory_bytes") / 1e6,
                }
            )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="Load the HTTP API beside the bare classifier.")
    parser.add_argument("--seconds", type=float, default=20, help="per level of clients")
    parser.add_argument("--clients", type=int, nargs="+", default=list(CLIENTS))
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("The load comes from wrk, which is not installed. Run `apt-get install wrk`.")
    rows = measure(tuple(options.clients), options.seconds)
    print(
        "clients  requests/s   p50 ms   p99 ms  errors    faces/pass  bare faces/s  (all cores)  ratio  (all cores)  MB"
    )
    for row in rows:
        print(
            f"{row['clients']:>7}  {row['requests_per_second']:>10.0f}  {row['p50_ms']:>7.1f}  {row['p99_ms']:>7.1f}"
            f"  {row['errors']:>6}  {row['faces_per_forward_pass']:>12.1f}  {row['bare_faces_per_second']:>12.0f}"
            f"  {row['bare_faces_per_second_all_cores']:>11.0f}  {row['ratio']:>5.2f}  {row['ratio_all_cores']:>11.2f}"
            f"  {row['server_mb']:>3.0f}"
        )
    content = {
        "machine": describe_machine(),
        "run": DEFAULT_RUN,
        "seconds_per_level": options.seconds,
        "results": [{k: v if isinstance(v, int) else round(v, 3) for k, v in row.items()} for row in rows],
    }
    options.output.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
