"""Show how ``model/faces/quality.py`` got its thresholds: ``python benchmarks/face_quality.py``.

FER-2013's validation images are shrunk, blurred and darkened step by step. Beside each step stand the accuracy of the
bundled run and the share of faces that a warning rejects; the first row, the images as they are, is the reference.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import cv2  # noqa: E402
import numpy as np  # noqa: E402

from emoscope.model.dataset import find_dataset, load_dataset  # noqa: E402
from emoscope.model.entities import Detection  # noqa: E402
from emoscope.model.faces.quality import face_warnings  # noqa: E402
from emoscope.model.networks.load import load_classifier  # noqa: E402
from emoscope.model.runs.run import DEFAULT_RUN, load_run  # noqa: E402

CAMERA_SIDE = 96  # a face of usual size in a webcam's picture


def shown(face: np.ndarray, side: int) -> np.ndarray:
    """Scale a face to the size that it has in the camera's picture."""
    way = cv2.INTER_AREA if side < face.shape[0] else cv2.INTER_CUBIC
    return cv2.resize(face, (side, side), interpolation=way)


def darkened(face: np.ndarray, share: float) -> np.ndarray:
    """Take light away, and add the noise that a camera then has."""
    noise = np.random.default_rng(0).normal(0, 2, face.shape)
    return np.clip(face * share + noise, 0, 255).astype(np.uint8)


STEPS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as it is": lambda f: shown(f, CAMERA_SIDE),
    **{f"{side} pixels wide": lambda f, side=side: shown(f, side) for side in (48, 40, 32, 28, 24, 20, 16)},
    **{
        f"blurred, {sigma:g} of 48 pixels": lambda f, sigma=sigma: shown(
            cv2.GaussianBlur(f, (0, 0), sigma), CAMERA_SIDE
        )
        for sigma in (0.5, 1, 1.5, 2, 3)
    },
    **{
        f"{share:.0%} of the light": lambda f, share=share: darkened(shown(f, CAMERA_SIDE), share)
        for share in (0.5, 0.35, 0.25, 0.15, 0.1)
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", default=DEFAULT_RUN)
    parser.add_argument("--data", type=Path, default=None, help="FER-2013; found by itself by default")
    parser.add_argument("--count", type=int, default=1000, help="how many images (default 1000)")
    arguments = parser.parse_args()
    path = arguments.data or find_dataset()
    if path is None:
        parser.error("FER-2013 was not found; set EMOSCOPE_DATA or give --data")
    split = load_dataset(path).splits["PublicTest"]
    faces, labels = split.images[: arguments.count, :, :, 0], split.labels[: arguments.count]
    classifier = load_classifier(load_run(arguments.run))
    rows = []
    print(f"{'step':28} accuracy  rejected  accuracy of the accepted")
    for name, degrade in STEPS.items():
        pictures = [degrade(face) for face in faces]
        right = classifier.classify(pictures).probabilities.argmax(1) == labels
        boxes = [Detection(np.array([0, 0, p.shape[1], p.shape[0]], np.float32)) for p in pictures]
        rejected = np.array(
            [bool(face_warnings(cv2.cvtColor(p, cv2.COLOR_GRAY2BGR), b)) for p, b in zip(pictures, boxes, strict=True)]
        )
        accepted = float(right[~rejected].mean()) if (~rejected).any() else float("nan")
        rows.append(
            {"step": name, "accuracy": float(right.mean()), "rejected": float(rejected.mean()), "accepted": accepted}
        )
        print(f"{name:28} {right.mean():8.1%}  {rejected.mean():8.1%}  {accepted:8.1%}", flush=True)
    Path(__file__).with_suffix(".json").write_text(json.dumps({"run": arguments.run, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
