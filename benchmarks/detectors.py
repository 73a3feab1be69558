"""Compare the face detectors: what they find by face size, what they mistake for a face, and what that costs.

    python -m benchmarks.detectors                             # all detectors, about half an hour
    python -m benchmarks.detectors --detectors yunet --images 20

*Found*: FER-2013 Training images, magnified to each size and set into their own blurred border on a frame of 800 × 800
pixels. Many of these faces are tilted, in profile or covered, and their surroundings are made up: the figures compare
detectors and sizes rather than promise a rate. *False*: boxes in pictures of scikit-image without a human face.
*Accuracy*: FER-2013 PublicTest images in such a canvas, cropped by the detector and classified by a saved run, beside
the same run's accuracy on the same images untouched; the difference is what detection and cropping cost. *Time* is
beside a matrix product in the same run. Results of a run at the standard size are kept in
``benchmarks/detectors.json``.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import cv2
import numpy as np
from skimage import data
from tqdm import tqdm

from benchmarks.crop_margin import in_image_coordinates, is_the_image, set_in_canvas
from benchmarks.machine import describe_machine
from emoscope.model.dataset import find_dataset, load_dataset
from emoscope.model.faces.cropping import crop_face
from emoscope.model.faces.detectors import DETECTOR_NAMES, Detector, create_detector
from emoscope.model.networks.load import load_classifier
from emoscope.model.runs.files import read_json, write_json
from emoscope.model.runs.run import DEFAULT_RUN, load_run

OUTPUT = Path(__file__).with_suffix(".json")
SIZES = (24, 32, 48, 64, 96, 160, 256, 400)
FRAME_SIDE = 800
CROP_SIDE = 192
FACE_FREE = (
    *("brick", "cat", "cell", "clock", "coffee", "grass", "gravel"),
    *("hubble_deep_field", "moon", "page", "rocket", "text"),
)
MATRIX_SIDE = 1024


def hit_rates(detector: Detector, images: np.ndarray) -> dict[str, float]:
    """Return the share of images whose face is found, by side of the image in the frame."""
    rates = {}
    for size in tqdm(SIZES, desc=f"{detector.name}: found", unit="size"):
        hits = 0
        for image in images:
            found = detector.detect(set_in_canvas(image, size, FRAME_SIDE))
            hits += any(is_the_image(in_image_coordinates(d, size, FRAME_SIDE)) for d in found)
        rates[str(size)] = round(hits / len(images), 3)
    return rates


def false_faces(detector: Detector) -> int:
    """Return the number of boxes in pictures without a face."""
    count = 0
    for name in FACE_FREE:
        image = getattr(data, name)()
        count += len(detector.detect(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR if image.ndim == 2 else cv2.COLOR_RGB2BGR)))
    return count


def accuracy_after_cropping(
    detector: Detector, images: np.ndarray, labels: np.ndarray, run_key: str
) -> dict[str, float]:
    """Return the run's accuracy on the crops, and on the same images untouched."""
    run = load_run(run_key)
    crops, kept = [], []
    for index, image in enumerate(tqdm(images, desc=f"{detector.name}: accuracy", unit="image")):
        canvas = set_in_canvas(image, CROP_SIDE, 2 * CROP_SIDE)
        found = [d for d in detector.detect(canvas) if is_the_image(in_image_coordinates(d, CROP_SIDE, 2 * CROP_SIDE))]
        if found:
            crops.append(crop_face(canvas, found[0], detector.crop, run.info.input_size, run.info.channels)[0])
            kept.append(index)
    classifier = load_classifier(run)
    cropped = classifier.classify(crops).probabilities.argmax(1)
    untouched = classifier.classify(images[kept]).probabilities.argmax(1)
    return {
        "faces": len(kept),
        "cropped": round(float((cropped == labels[kept]).mean()), 4),
        "untouched": round(float((untouched == labels[kept]).mean()), 4),
        "same_answer": round(float((cropped == untouched).mean()), 4),
    }


def milliseconds(detectors: dict[str, Detector], repetitions: int) -> dict[str, float]:
    """Return the median time of each detector on a photo of two sizes, and of a matrix product beside them."""
    photo = np.ascontiguousarray(data.astronaut()[:, :, ::-1])
    small = cv2.resize(photo[64:448], (640, 480), interpolation=cv2.INTER_LINEAR)
    frames = {"640x480": small, "4000x3000": cv2.resize(small, (4000, 3000), interpolation=cv2.INTER_CUBIC)}
    left, right = np.random.default_rng(0).random((2, MATRIX_SIDE, MATRIX_SIDE), np.float32)
    times: dict[str, list[float]] = {}
    for repetition in range(repetitions + 1):
        start = perf_counter()
        left @ right
        rows = {f"product of {MATRIX_SIDE}x{MATRIX_SIDE} float32": perf_counter() - start}
        for name, detector in detectors.items():
            for size, frame in frames.items():
                start = perf_counter()
                detector.detect(frame)
                rows[f"{name} {size}"] = perf_counter() - start
        if repetition:  # the first only warms up
            for key, seconds in rows.items():
                times.setdefault(key, []).append(seconds)
    return {key: round(median(values) * 1e3, 2) for key, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--detectors", nargs="+", default=list(DETECTOR_NAMES), choices=DETECTOR_NAMES)
    parser.add_argument("--images", type=int, help="images a size, and for the accuracy (default: 100 and 600)")
    parser.add_argument("--repetitions", type=int, default=20, help="timings of each detector")
    parser.add_argument("--run", default=DEFAULT_RUN, help="saved run that reads the crops")
    parser.add_argument("--data", type=Path, help="FER-2013; found like the app finds it if not given")
    options = parser.parse_args()
    path = options.data or find_dataset()
    if path is None:
        sys.exit("FER-2013 was not found; name it with --data")
    splits = load_dataset(path).splits
    rng = np.random.default_rng(0)
    training = splits["Training"].images[..., 0]
    faces = training[rng.choice(len(training), options.images or 100, replace=False)]
    public = splits["PublicTest"]
    chosen = rng.choice(len(public), options.images or 600, replace=False)

    results: dict[str, dict[str, Any]] = {}
    for name in options.detectors:
        for for_video in (False, True):
            detector = create_detector(name, for_video)
            results[f"{name} for video" if for_video else name] = {
                "found": hit_rates(detector, faces),
                "false": false_faces(detector),
                "accuracy": accuracy_after_cropping(
                    detector, public.images[chosen, ..., 0], public.labels[chosen], options.run
                ),
            }
    timed = {f"{n} for video" if v else n: create_detector(n, v) for n in options.detectors for v in (False, True)}
    times = milliseconds(timed, options.repetitions)

    print(f"\nFound by side of FER-2013's frame in pixels, in a frame of {FRAME_SIDE} × {FRAME_SIDE}")
    print(f"{'':17}{''.join(f'{size:>6}' for size in SIZES)}   false   accuracy cropped / untouched")
    for name, result in results.items():
        rates = "".join(f"{rate:6.0%}" for rate in result["found"].values())
        accuracy = result["accuracy"]
        print(f"{name:17}{rates}{result['false']:>8}   {accuracy['cropped']:.1%} / {accuracy['untouched']:.1%}")
    print("\nMilliseconds per frame (median)")
    for key, value in times.items():
        print(f"{key:36}{value:9.2f}")
    if options.images is None:
        earlier = read_json(OUTPUT) if OUTPUT.is_file() else {}
        about = {"command": "python -m benchmarks.detectors", "machine": describe_machine(), "run": options.run}
        new = {"detectors": results, "milliseconds": times}
        merged = {key: {**earlier.get(key, {}), **values} for key, values in new.items()}
        write_json(OUTPUT, {**about, **merged})


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=UserWarning)
    main()
