"""Measure how each detector's boxes and landmarks lie in FER-2013's frame.

FER-2013's images are the crops of an unknown detector. Each is magnified and set into a larger canvas, surrounded by
its own blurred border; a detector looks for the face there, and what it finds is written in the coordinates of the
image: a square of side 1. The inverse of the median box is the detector's crop margin; the median landmarks are what a
face is aligned to. What is left over after cropping by these constants is the scatter that a network meets in use and
should be trained with.

    python -m benchmarks.crop_margin                                  # all detectors, several minutes
    python -m benchmarks.crop_margin --detectors haar --images 200    # a try, not written

A run at the standard size writes its detectors into ``benchmarks/crop_margin.json``; the constants in
``model/faces/detectors`` are copied from there, and a test holds the two equal.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from emoscope.model.dataset import find_dataset, load_dataset
from emoscope.model.entities import Detection
from emoscope.model.faces.cropping import CropGeometry, frame_square
from emoscope.model.faces.detectors import DETECTOR_NAMES, create_detector
from emoscope.model.runs.files import read_json, write_json

OUTPUT = Path(__file__).with_suffix(".json")
IMAGES = {"blazeface": 1000, "haar": 500, "yunet": 1500}
IMAGES_OF_OTHERS = 300
FACE_SIDES = (144, 240)  # pixels; the canvas is twice as wide


def set_in_canvas(image: np.ndarray, side: int, canvas_side: int) -> np.ndarray:
    """Magnify a gray image to a side and surround it by its blurred border.

    Args:
        image: uint8, shape (H, W).
        side: Of the magnified image in pixels.
        canvas_side: Of the result.

    Returns:
        uint8, shape (canvas_side, canvas_side, 3).
    """
    method = cv2.INTER_AREA if side < image.shape[0] else cv2.INTER_CUBIC
    face = cv2.resize(image, (side, side), interpolation=method)
    before = (canvas_side - side) // 2
    after = canvas_side - side - before
    canvas = cv2.copyMakeBorder(face, before, after, before, after, cv2.BORDER_REPLICATE)
    canvas = cv2.GaussianBlur(canvas, (0, 0), side / 12)
    canvas[before : before + side, before : before + side] = face
    return cv2.cvtColor(canvas, cv2.COLOR_GRAY2BGR)


def in_image_coordinates(detection: Detection, side: int, canvas_side: int) -> Detection:
    """Take a detection from pixels of the canvas to the image's unit square."""
    before = (canvas_side - side) // 2
    landmarks = None if detection.landmarks is None else (detection.landmarks - before) / side
    return Detection((detection.xyxy - before) / side, detection.confidence, landmarks)


def is_the_image(detection: Detection) -> bool:
    """Tell whether a detection in the image's coordinates is centred in it and of about its size."""
    center = detection.xyxy.reshape(2, 2).mean(0)
    return bool(np.abs(center - 0.5).max() < 0.25 and 0.5 < max(detection.size) < 2)


def box_geometry(found: list[Detection]) -> CropGeometry:
    """Invert the median box: the image's square in terms of the box."""
    boxes = np.stack([d.xyxy for d in found]).astype(float)
    sizes = np.sqrt((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    offset = np.median((0.5 - centers) / sizes[:, None], axis=0)
    return CropGeometry(round(float(np.median(1 / sizes)), 3), (round(float(offset[0]), 3), round(float(offset[1]), 3)))


def landmark_template(found: list[Detection]) -> tuple[tuple[float, float], ...]:
    """Return the median landmarks, mirrored evenly, such that the median fitted square is the image's."""
    points = np.stack([d.landmarks for d in found if d.landmarks is not None]).astype(float)
    template = np.median(points, axis=0)
    mirrored = template[[1, 0, 2, 4, 3]] * (-1, 1) + (1, 0)
    template = (template + mirrored) / 2
    for _ in range(5):
        squares = leftover(found, CropGeometry(landmarks=tuple(map(tuple, template))))
        template = 0.5 + (template - 0.5) * math.exp(np.median(squares[:, 2]))
        template[:, 1] += np.median(squares[:, 1])
    return tuple((round(float(x), 3), round(float(y), 3)) for x, y in template)


def leftover(found: list[Detection], geometry: CropGeometry) -> np.ndarray:
    """Return each crop's square relative to the image's: centre shift x, y, log side, roll in degrees; shape (N, 4)."""
    rows = []
    for detection in found:
        square = frame_square(detection, geometry)
        x, y, _ = square @ (0.5, 0.5, 1.0)
        side, roll = math.hypot(square[0, 0], square[1, 0]), math.atan2(square[1, 0], square[0, 0])
        rows.append((x - 0.5, y - 0.5, math.log(side), math.degrees(roll)))
    return np.array(rows)


def summarize(values: np.ndarray) -> dict[str, Any]:
    """Return quartiles, interquartile range and tails of each column of :func:`leftover`."""
    summary = {}
    for name, column in zip(("shift_x", "shift_y", "log_side", "roll_degrees"), values.T, strict=True):
        p5, q1, median, q3, p95 = (round(float(v), 4) for v in np.percentile(column, [5, 25, 50, 75, 95]))
        summary[name] = {"p5": p5, "q1": q1, "median": median, "q3": q3, "p95": p95, "iqr": round(q3 - q1, 4)}
    return summary


def measure(name: str, images: np.ndarray, seed: int) -> dict[str, Any]:
    detector = create_detector(name)
    rng = np.random.default_rng(seed)
    found = []
    for image in tqdm(images, desc=name, unit="image"):
        side = int(rng.integers(*FACE_SIDES))
        detections = detector.detect(set_in_canvas(image, side, 2 * side))
        detections = [d for d in (in_image_coordinates(d, side, 2 * side) for d in detections) if is_the_image(d)]
        if detections:
            found.append(max(detections, key=lambda d: d.confidence))
    geometry = box_geometry(found)
    result: dict[str, Any] = {
        "images": len(images),
        "hit_rate": round(len(found) / len(images), 4),
        "box": {"scale": geometry.scale, "offset": geometry.offset, "leftover": summarize(leftover(found, geometry))},
    }
    if found[0].landmarks is not None:
        aligned = CropGeometry(geometry.scale, geometry.offset, landmark_template(found))
        result["landmarks"] = {"template": aligned.landmarks, "leftover": summarize(leftover(found, aligned))}
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--detectors", nargs="+", default=list(DETECTOR_NAMES), choices=DETECTOR_NAMES)
    parser.add_argument("--images", type=int, help="images per detector (the default differs by its speed)")
    parser.add_argument("--data", type=Path, default=None, help="FER-2013; found like the app finds it if not given")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    path = options.data or find_dataset()
    if path is None:
        parser.error("FER-2013 was not found; name it with --data")
    dataset = load_dataset(path)
    training = dataset.splits["Training"].images[..., 0]
    order = np.random.default_rng(options.seed).permutation(len(training))
    results = {}
    for name in options.detectors:
        count = options.images or IMAGES.get(name, IMAGES_OF_OTHERS)
        results[name] = measure(name, training[order[:count]], options.seed)

    print("\nWhere the crop's square lies relative to FER-2013's, of side 1 (interquartile ranges), and the constants")
    print(f"{'':18}{'found':>7}{'shift x':>9}{'shift y':>9}{'log side':>9}{'roll':>7}")
    for name, result in results.items():
        for kind in ("box", "landmarks"):
            if kind in result:
                iqr = {key: values["iqr"] for key, values in result[kind]["leftover"].items()}
                print(
                    f"{name + ' ' + kind:18}{result['hit_rate']:7.1%}{iqr['shift_x']:9.3f}{iqr['shift_y']:9.3f}", end=""
                )
                print(f"{iqr['log_side']:9.3f}{iqr['roll_degrees']:6.1f}°", end="  ")
                print(*(value for key, value in result[kind].items() if key != "leftover"))
    if options.images is None:
        about = {
            "command": "python -m benchmarks.crop_margin",
            "dataset": dataset.name,
            "fingerprint": dataset.fingerprint,
            "split": "Training",
            "opencv": cv2.__version__,
        }
        earlier = read_json(OUTPUT).get("detectors", {}) if OUTPUT.is_file() else {}
        write_json(OUTPUT, {**about, "detectors": {**earlier, **results}})
        print(f"\nWritten to {OUTPUT.name}; copy changed constants into model/faces/detectors/.")


if __name__ == "__main__":
    main()
