"""How much quicker than real time a video is analysed, beside its parts alone: ``python -m benchmarks.video``.

A clip of 720p is made from scikit-image's photo of an astronaut, filmed by a moving camera. In the same run it is
decoded without analysis, its faces are detected without decoding, and it is analysed as the page and the command
do it: decoded, detected, classified, tracked and kept. Printed and written to ``benchmarks/video.json``.
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time

from benchmarks.machine import describe_machine
from emoscope.model.faces.detectors import DEFAULT_DETECTOR
from emoscope.model.machine import available_cores
from emoscope.model.pictures.batch import PipelineSettings
from emoscope.model.runs.run import DEFAULT_RUN, load_run
from emoscope.model.video.analysis import DEFAULT_RATE, LONGEST_SIDE, VideoAnalysis
from emoscope.model.video.reader import Video
from emoscope.model.video.writer import AnnotatedVideo
from tests.clips import make_clip

SIZE, FRAME_RATE = (1280, 720), 30


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return wall-clock seconds and seconds of processor time, all threads together."""
    wall, processor = perf_counter(), process_time()
    work()
    return perf_counter() - wall, process_time() - processor


def main() -> None:
    parser = argparse.ArgumentParser(description="Analysis of a video against real time, beside its parts.")
    parser.add_argument("--run", default=DEFAULT_RUN, help="saved run to use")
    parser.add_argument("--detector", default=DEFAULT_DETECTOR)
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the clip")
    parser.add_argument("--rate", type=float, default=DEFAULT_RATE, help="analyses per second of the clip")
    parser.add_argument("--annotate", action="store_true", help="also time the annotated copy")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    run = load_run(options.run)
    pipeline = PipelineSettings(run.path, options.detector).open(for_video=True)
    clip = make_clip(options.seconds, size=SIZE, rate=FRAME_RATE, sound="aac")

    def decode() -> None:
        with Video(io.BytesIO(clip)) as video:
            for _ in video.frames():
                pass

    with Video(io.BytesIO(clip)) as video:
        picture = next(video.frames()).to_bgr(LONGEST_SIDE)
    pipeline.analyze(picture)  # the first use of anything is slow
    analyses = round(options.seconds * options.rate)

    def detect() -> None:
        for _ in range(analyses):
            pipeline.detect(picture)

    with Video(io.BytesIO(clip)) as video:
        analysis = VideoAnalysis(video, pipeline, options.rate)

        def analyze() -> None:
            for _ in analysis.run():
                pass

        parts = {"decode": timed(decode), "detect": timed(detect), "analysis": timed(analyze)}
    predictions = analysis.predictions()
    faces = len(predictions.person)
    if faces < 0.9 * analyses:
        raise RuntimeError(f"The clip shows one face throughout, but {faces} were detected in {analyses} analyses.")

    def annotate() -> None:
        for _ in AnnotatedVideo(io.BytesIO(clip), io.BytesIO(), predictions).run():
            pass

    if options.annotate:
        parts["annotated copy"] = timed(annotate)
    print(
        f"{options.seconds:.0f} s of {SIZE[0]}×{SIZE[1]}, {FRAME_RATE} frames and {options.rate:g} analyses per second"
    )
    print(f"{'':<16} seconds  processor  × real time")
    for name, (wall, processor) in parts.items():
        print(f"{name:<16} {wall:>7.2f}  {processor:>9.2f}  {options.seconds / wall:>11.1f}")
    content = {
        "machine": describe_machine(),
        "run": run.key,
        "detector": options.detector,
        "cores": available_cores(),
        "clip_seconds": options.seconds,
        "analyses_per_second": options.rate,
        "faces": faces,
        **{
            name.replace(" ", "_"): {
                "seconds": round(wall, 3),
                "processor_seconds": round(processor, 3),
                "times_real_time": round(options.seconds / wall, 2),
            }
            for name, (wall, processor) in parts.items()
        },
    }
    options.output.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
