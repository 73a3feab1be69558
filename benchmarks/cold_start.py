"""Time from process start to the first classified face: ``python -m benchmarks.cold_start``.

A fresh Python process loads the bundled run, finds the face in scikit-image's photo of an astronaut with the default
detector and classifies it. Beside it, taken in turn, a process that does nothing but import OpenCV and NumPy. Medians
and the highest memory are printed and written to ``benchmarks/cold_start.json``.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.machine import describe_machine
from emoscope.model.runs.run import DEFAULT_RUN

ROOT = Path(__file__).resolve().parent.parent

# VmHWM is this program's own; getrusage would also count what the process was before it became Python.
REPORT = """
import json, sys, time
done = time.monotonic()
try:
    lines = open("/proc/self/status").read().splitlines()
    peak = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
except OSError:
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
heavy = sorted({"tensorflow", "keras", "streamlit", "scipy", "pandas", "skimage"} & set(sys.modules))
print(json.dumps({"done": done, "peak": peak, "heavy": heavy, "label": label}))
"""
FIRST_FACE = (
    """
import sys
from emoscope.model.runs.run import load_run
from emoscope.model.networks.load import load_classifier
from emoscope.model.faces.detectors import DEFAULT_DETECTOR, create_picture_detector
from emoscope.model.images import read_image
from emoscope.model.pipeline import Pipeline

pipeline = Pipeline(create_picture_detector(DEFAULT_DETECTOR), load_classifier(load_run(sys.argv[1])))
label = pipeline.analyze(read_image(sys.argv[2]))[0].label
"""
    + REPORT
)
REFERENCE = "import cv2, numpy\nlabel = None\n" + REPORT


def start(code: str, *arguments: str) -> dict[str, Any]:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    report = json.loads(done.stdout.splitlines()[-1])
    return {**report, "seconds": report["done"] - began}


def main() -> None:
    parser = argparse.ArgumentParser(description="Time from process start to the first classified face.")
    parser.add_argument("--run", default=DEFAULT_RUN, help="saved run to load")
    parser.add_argument("--repetitions", type=int, default=11)
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    package = importlib.util.find_spec("skimage")
    if package is None or package.origin is None:
        sys.exit("scikit-image, which brings the photo, is not installed: run `pip install -r requirements.txt`.")
    photo = Path(package.origin).parent / "data" / "astronaut.png"

    codes = {"first_face": (FIRST_FACE, options.run, str(photo)), "import_cv2_numpy": (REFERENCE,)}
    reports: dict[str, list[dict[str, Any]]] = {name: [] for name in codes}
    for repetition in range(options.repetitions + 1):
        for name, code in codes.items():
            report = start(*code)
            if repetition:  # the first fills the disk cache
                reports[name].append(report)
    rows = {
        name: {
            "seconds": round(median(report["seconds"] for report in found), 3),
            "peak_mb": round(max(report["peak"] for report in found) / 1e6, 1),
        }
        for name, found in reports.items()
    }
    first = reports["first_face"][0]
    print(f"medians of {options.repetitions} starts; the face is classified as {first['label']}")
    print("                   seconds  peak RSS (MB)")
    for name, row in rows.items():
        print(f"{name:<18} {row['seconds']:>7.2f}  {row['peak_mb']:>13.0f}")
    print(f"heavy packages imported: {', '.join(first['heavy']) or 'none'}")
    content = {
        "machine": describe_machine(),
        "run": options.run,
        "repetitions": options.repetitions,
        "label": first["label"],
        "heavy_packages": first["heavy"],
        **rows,
    }
    options.output.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
