"""Compare the face detectors: what they find, what they mistake for a face, how exact they are, and what that costs.

    python -m benchmarks.detectors                             # all detectors, most of an hour
    python -m benchmarks.detectors --detectors yunet --faces 20
    python -m benchmarks.detectors --parts times agreement     # what a quiet machine is needed for, and a part more

*Found*: the share of FER-2013's PublicTest faces that are found in made-up scenes (``benchmarks/scenes.py``), by size,
roll, part cut off, light, blur, compression and noise, and in groups of 40. Images that an annotator of FER+ did not
take for a face are left out. *Error*: centre, size and roll of the crop against FER-2013's, medians over faces of 96
pixels. *False*: boxes per picture in pictures without a human face. *Time*: on a photo of two sizes, beside a matrix
product in the same run. *Agreement*: the share of faces of 96 pixels that get another emotion from the default network
when another detector frames them. *Cropped*: FER-2013's PrivateTest as single pictures, by the default detector and
taken whole. A run of 40 faces a case or more writes ``benchmarks/detectors.json``, into what others wrote there.
"""

from __future__ import annotations

import argparse
import sys
from itertools import combinations
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import cv2
import numpy as np
from skimage import data
from tqdm import tqdm

from benchmarks.machine import describe_machine
from benchmarks.scenes import USUAL_SIDE, cases, crop_error, single, without_a_face
from emoscope.model.dataset import find_dataset, load_dataset
from emoscope.model.dataset.samples import Split
from emoscope.model.faces.detectors import (
    DEFAULT_DETECTOR,
    DETECTOR_NAMES,
    Detector,
    FollowingDetector,
    create_detector,
    create_picture_detector,
)
from emoscope.model.networks.classifier import Classifier
from emoscope.model.networks.load import load_classifier
from emoscope.model.pipeline import Pipeline
from emoscope.model.runs.files import read_json, write_json
from emoscope.model.runs.run import DEFAULT_RUN, load_run

OUTPUT = Path(__file__).with_suffix(".json")
FACES = 120
FEWEST_KEPT = 40
MATRIX_SIDE = 1024
USUAL = f"{USUAL_SIDE} px"
PARTS = ("found", "agreement", "cropped", "times")


def clear_faces(split: Split, count: int) -> np.ndarray:
    """Return images that every annotator took for a face, drawn at random, uint8, shape (N, 48, 48)."""
    images = split.images[..., 0]
    if split.votes is not None:
        images = images[split.votes[:, 9] == 0]
    return images[np.random.default_rng(0).permutation(len(images))[:count]]


def measure(detector: Detector, images: np.ndarray) -> dict[str, Any]:
    """Return recall by case, errors of the crop and false boxes per picture."""
    found, errors = {}, []
    for case, scenes in tqdm(list(cases(images)), desc=detector.name, unit="case"):
        hits, faces = 0, 0
        for scene in scenes:
            detections = detector.detect(scene.frame)
            for number, square in enumerate(scene.squares):
                faces += 1
                hit = scene.hit(number, detections)
                if hit is not None:
                    hits += 1
                    if case == USUAL:
                        errors.append(crop_error(square, hit, detector.crop))
        if faces:
            found[case] = round(hits / faces, 3)
    center, size, roll = np.median(np.abs(np.array(errors).reshape(-1, 3)), axis=0) if errors else (0.0, 0.0, 0.0)
    boxes = [len(detector.detect(frame)) for frame in without_a_face()]
    return {
        "faces": len(images),
        "found": found,
        "false_a_picture": round(sum(boxes) / len(boxes), 4),
        "pictures_without_a_face": len(boxes),
        "error": {"center": round(float(center), 3), "log_side": round(float(size), 3), "roll": round(float(roll), 1)},
    }


def agreement(detectors: dict[str, Detector], classifier: Classifier, images: np.ndarray) -> dict[str, float]:
    """Return the share of faces whose most probable class differs, by pair of detectors.

    Only faces that both find count. *dataset* is the crop that FER-2013 has of the face.
    """
    rng = np.random.default_rng(0)
    answers = {name: np.full(len(images), -1) for name in (*detectors, "dataset")}
    answers["dataset"] = classifier.classify(images).probabilities.argmax(1)
    for index, image in enumerate(tqdm(images, desc="agreement", unit="face")):
        scene = single(image, rng)
        for name, detector in detectors.items():
            face = scene.hit(0, detector.detect(scene.frame))
            if face is not None:
                answers[name][index] = Pipeline(detector, classifier).classify(scene.frame, [face])[0].label_index
    shares = {}
    for first, second in combinations(answers, 2):
        both = (answers[first] >= 0) & (answers[second] >= 0)
        shares[f"{first}, {second}"] = round(float((answers[first] != answers[second])[both].mean()), 4)
    return shares


def cropped(classifier: Classifier, split: Split, faces: int | None) -> dict[str, float]:
    """Return for how many of a split's images, as single pictures, there is a prediction, and the accuracy."""
    images, labels = split.images[:faces, ..., 0], split.labels[:faces]
    result: dict[str, float] = {"images": len(images)}
    for name in ("none", DEFAULT_DETECTOR):
        pipeline = Pipeline(create_picture_detector(name), classifier)
        frames = (cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) for image in tqdm(images, desc=f"cropped faces, {name}"))
        found = [pipeline.analyze(frame)[:1] for frame in frames]
        indices = np.array([faces[0].label_index if faces else -1 for faces in found])
        result[f"answered, {name}"] = round(float((indices >= 0).mean()), 4)
        result[f"accuracy, {name}"] = round(float((indices == labels).mean()), 4)
    return result


def milliseconds(detectors: dict[str, Detector], repetitions: int) -> dict[str, float]:
    """Return the median time of each detector on a photo of two sizes, and of a matrix product beside them."""
    photo = np.ascontiguousarray(data.astronaut()[:288, :, ::-1])
    frames = {
        f"{w}x{h}": cv2.resize(photo, (w, h), interpolation=cv2.INTER_CUBIC) for w, h in ((640, 360), (1920, 1080))
    }
    left, right = np.random.default_rng(0).random((2, MATRIX_SIDE, MATRIX_SIDE), np.float32)
    times: dict[str, list[float]] = {}
    for repetition in range(repetitions + 1):
        rows = {f"product of {MATRIX_SIDE}x{MATRIX_SIDE} float32": _seconds(lambda: left @ right)}
        for name, detector in detectors.items():
            for size, frame in frames.items():
                rows[f"{name} {size}"] = _seconds(lambda: detector.detect(frame))  # noqa: B023
                if isinstance(detector, FollowingDetector) and (known := detector.detect(frame)):
                    rows[f"{name} {size}, following"] = _seconds(lambda: detector.follow(frame, known))  # noqa: B023
        if repetition:  # the first only warms up
            for key, seconds in rows.items():
                times.setdefault(key, []).append(seconds)
    return {key: round(median(values) * 1e3, 2) for key, values in times.items()}


def _seconds(call: Any) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--detectors", nargs="+", default=list(DETECTOR_NAMES), choices=DETECTOR_NAMES)
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    parser.add_argument("--faces", type=int, help=f"faces a case (default: {FACES})")
    parser.add_argument("--repetitions", type=int, default=20, help="timings of each detector")
    parser.add_argument("--data", type=Path, help="FER-2013; found like the app finds it if not given")
    options = parser.parse_args()
    path = options.data or find_dataset()
    if path is None:
        sys.exit("FER-2013 was not found; name it with --data")
    cv2.setNumThreads(1)
    splits = load_dataset(path).splits
    images = clear_faces(splits["PublicTest"], options.faces or FACES)
    run = load_run(DEFAULT_RUN)
    classifier = load_classifier(run)
    detectors = {name: create_picture_detector(name) for name in options.detectors}

    results: dict[str, Any] = {}
    if "found" in options.parts:
        results["detectors"] = {name: measure(detector, images) for name, detector in detectors.items()}
    if "agreement" in options.parts:
        many = clear_faces(splits["PublicTest"], 5 * len(images))
        results["agreement"] = agreement(detectors, classifier, many)
    if "cropped" in options.parts:
        results["cropped"] = cropped(classifier, splits["PrivateTest"], options.faces)
    if "times" in options.parts:
        timed = {f"{n} for video": create_detector(n, for_video=True) for n in options.detectors}
        results["milliseconds"] = milliseconds({**detectors, **timed}, options.repetitions)

    for name, result in results.get("detectors", {}).items():
        print(f"\n{name}: {result['false_a_picture']} false boxes per picture; error {result['error']}")
        print("  " + "  ".join(f"{case} {share:.0%}" for case, share in result["found"].items()))
    for title in ("agreement", "cropped", "milliseconds"):
        if title in results:
            print(f"\n{title}")
            for key, value in results[title].items():
                print(f"{key:40}{value:9.4g}")
    if len(images) >= FEWEST_KEPT:
        earlier = read_json(OUTPUT) if OUTPUT.is_file() else {}
        about = {"command": "python -m benchmarks.detectors", "machine": describe_machine()}
        merged = {key: {**earlier.get(key, {}), **values} for key, values in results.items()}
        write_json(OUTPUT, {**earlier, **about, **merged})


if __name__ == "__main__":
    main()
