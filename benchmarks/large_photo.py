"""Time a 12-megapixel photo from file to drawn result: ``python -m benchmarks.large_photo``.

The photo is scikit-image's astronaut, enlarged and set into 4000×3000 pixels, as JPEG. Its way is timed stage by stage:
decoding, detection, classification, and drawing a copy of 1600 pixels that is sent to the browser as JPEG. Beside it,
taken in turn, a plain decoding of the same file by OpenCV. Medians are printed and written to
``benchmarks/large_photo.json``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import median
from time import perf_counter

import cv2
import numpy as np

from benchmarks.machine import describe_machine
from emoscope.model.drawing.annotate import annotate
from emoscope.model.faces.detectors import DEFAULT_DETECTOR, create_picture_detector
from emoscope.model.images import decode_image
from emoscope.model.networks.load import load_classifier
from emoscope.model.pipeline import Pipeline
from emoscope.model.runs.run import DEFAULT_RUN, load_run

WIDTH, HEIGHT = 4000, 3000
SHOWN_SIDE = 1600
STAGES = ("decode", "detect", "classify", "draw", "total", "plain_decode")


def make_photo() -> bytes:
    from skimage.data import astronaut

    person = cv2.resize(np.ascontiguousarray(astronaut()[:, :, ::-1]), (HEIGHT, HEIGHT), interpolation=cv2.INTER_CUBIC)
    side = (WIDTH - HEIGHT) // 2
    photo = cv2.copyMakeBorder(person, 0, 0, side, WIDTH - HEIGHT - side, cv2.BORDER_REFLECT)
    return cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()


def time_stages(data: bytes, pipeline: Pipeline) -> dict[str, float]:
    marks = [perf_counter()]
    frame = decode_image(data)
    marks.append(perf_counter())
    detections = pipeline.detect(frame)
    marks.append(perf_counter())
    predictions = pipeline.classify(frame, detections)
    marks.append(perf_counter())
    drawn = annotate(frame, predictions)
    shown = cv2.resize(drawn, (SHOWN_SIDE, SHOWN_SIDE * frame.shape[0] // frame.shape[1]), interpolation=cv2.INTER_AREA)
    cv2.imencode(".jpg", shown)
    marks.append(perf_counter())
    cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    marks.append(perf_counter())
    if not predictions:
        raise RuntimeError("The face in the photo was not found.")
    seconds = np.diff(marks).tolist()
    return dict(zip(STAGES, [*seconds[:4], sum(seconds[:4]), seconds[4]], strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description="Time a 12-megapixel photo from file to drawn result.")
    parser.add_argument("--run", default=DEFAULT_RUN, help="saved run to use")
    parser.add_argument("--detector", default=DEFAULT_DETECTOR)
    parser.add_argument("--repetitions", type=int, default=15)
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    pipeline = Pipeline(create_picture_detector(options.detector), load_classifier(load_run(options.run)))
    data = make_photo()
    timings = [time_stages(data, pipeline) for _ in range(options.repetitions + 1)][1:]  # the first warms up
    seconds = {stage: round(median(timing[stage] for timing in timings), 4) for stage in STAGES}
    for stage in STAGES:
        print(f"{stage:<12} {seconds[stage] * 1e3:>7.0f} ms")
    content = {
        "machine": describe_machine(),
        "run": options.run,
        "detector": options.detector,
        "file_mb": round(len(data) / 1e6, 2),
        "repetitions": options.repetitions,
        "seconds": seconds,
    }
    options.output.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
