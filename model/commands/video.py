"""``python -m model video FILE``: follow every face through a video."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emoscope.model.commands.command_line import without_library_lines
from emoscope.model.commands.predict import chosen_run
from emoscope.model.errors import OutputError
from emoscope.model.faces.detectors import DEFAULT_DETECTOR, DETECTOR_NAMES
from emoscope.model.pictures.batch import PipelineSettings
from emoscope.model.pictures.result_files import writing
from emoscope.model.runs.run import DEFAULT_RUN

if TYPE_CHECKING:
    from emoscope.model.video.analysis import Progress
    from emoscope.model.video.predictions import VideoPredictions
    from emoscope.model.video.summary import Person

_LISTED = 12
_EPILOG = """exit status: 0 if the whole file was analysed, 1 if only a part could be, 2 if nothing could be, 130 if
stopped

Ctrl-C stops the analysis and keeps the results until then.

examples:
  python -m model video holiday.mp4
  python -m model video interview.mov --csv emotions.csv --annotate interview-annotated.mp4
  python -m model video lecture.mkv --rate 1 --csv -"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Follow every face through a video, of whatever form FFmpeg decodes, and predict its emotion over time."
    )
    parser.epilog = _EPILOG
    add = parser.add_argument
    add("file", metavar="FILE", type=Path, help="the video")
    add("--csv", metavar="FILE", help="write one row per face and analysis to FILE (- for standard output)")
    add("--annotate", metavar="FILE", type=Path, help="write the video with boxes and emotions to FILE, an MP4")
    add("--rate", metavar="N", type=_rate, default=10.0, help="analyses per second of the video (default: 10)")
    add(
        "--detector",
        choices=DETECTOR_NAMES,
        default=DEFAULT_DETECTOR,
        help=f"face detector (default: {DEFAULT_DETECTOR})",
    )
    add("--run", default=DEFAULT_RUN, help=f"saved run to use, by name or folder (default: {DEFAULT_RUN})")
    add("--calibrated", action="store_true", help="apply the temperature saved with the run to the probabilities")


def _rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.01 <= value <= 120:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0.01 to 120")
    return value


@without_library_lines()
def run(options: argparse.Namespace) -> int:
    """Carry out the command and return its exit status.

    Raises:
        EmoscopeError: No such run or detector, no video, or an output that cannot be written.
    """
    from emoscope.model.video.analysis import VideoAnalysis
    from emoscope.model.video.reader import Video

    _check_outputs(options)
    settings = PipelineSettings(chosen_run(options).path, options.detector, calibrated=options.calibrated)
    pipeline = settings.open(for_video=True)
    stopped = False
    with Video(options.file) as video:
        analysis = VideoAnalysis(video, pipeline, options.rate)
        try:
            _follow(analysis.run(), "Reading")
        except KeyboardInterrupt:
            stopped = True
    predictions = analysis.predictions()
    problem = "The analysis was stopped here; the results until then are kept." if stopped else analysis.problem
    if options.csv:
        _write_csv(options.csv, predictions)
    if options.csv != "-":
        _print_people(predictions)
    if problem:
        print(problem, file=sys.stderr)
    if options.annotate and not stopped:
        _annotate(options.file, options.annotate, predictions)
    return 130 if stopped else 1 if problem else 0


def _check_outputs(options: argparse.Namespace) -> None:
    """Refuse, before the analysis, an output that cannot be written or would overwrite the video."""
    for name in (options.csv, options.annotate):
        if name is None or str(name) == "-":
            continue
        path = Path(name)
        if path.resolve() == options.file.resolve():
            raise OutputError(f"{name} is an input of this command and would be overwritten.", "Write to another file.")
        with writing():
            if path.is_dir():
                raise IsADirectoryError(21, "Is a directory", str(path))
            path.parent.mkdir(parents=True, exist_ok=True)
    if options.annotate and options.annotate.suffix.lower() not in (".mp4", ".m4v"):
        raise OutputError(f"{options.annotate} is written as MP4.", "Give it a name that ends in .mp4.")


def _follow(steps: Iterator[Progress], title: str) -> None:
    from tqdm import tqdm

    # None: no bar where standard error is no terminal
    with tqdm(total=100.0, desc=title, file=sys.stderr, disable=None, bar_format=_BAR) as bar:
        for step in steps:
            bar.update(100 * step.share - bar.n)


_BAR = "{desc} {percentage:3.0f}%|{bar}| {elapsed}, {remaining} to go"


def _write_csv(name: str, predictions: VideoPredictions) -> None:
    if name == "-":
        predictions.write_csv(sys.stdout)
        return
    with writing(), Path(name).open("w", encoding="utf-8", newline="") as stream:
        predictions.write_csv(stream)


def _annotate(source: Path, target: Path, predictions: VideoPredictions) -> None:
    from emoscope.model.video.writer import AnnotatedVideo

    with _appearing(target) as stream:
        _follow(AnnotatedVideo(source, stream, predictions).run(), "Drawing")


@contextmanager
def _appearing(path: Path) -> Iterator[Any]:
    """Open a file that appears under its name once it is whole."""
    partial = path.with_name(f".{path.name}.part")
    try:
        with writing():
            with partial.open("w+b") as stream:
                yield stream
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _print_people(predictions: VideoPredictions) -> None:
    from emoscope.model.video.reader import clock
    from emoscope.model.video.summary import people, seconds_text

    everyone = people(predictions)
    if not everyone:
        print("No face was found. Try --detector blazeface, which finds more.")
        return
    print(f"{'person':>6}  {'from':>7}  {'to':>7}  {'seen':>7}  {'mostly':<10} readable  emotions")
    for person in everyone[:_LISTED]:
        times = "  ".join(
            f"{text:>7}" for text in (clock(person.first), clock(person.last), f"{seconds_text(person.seen)} s")
        )
        label = person.label or "–"
        shares = _shares(person, predictions.class_names)
        print(f"{person.number:>6}  {times}  {label:<10} {person.readable:>8.0%}  {shares}")
    if everyone[_LISTED:]:
        print(f"… and {len(everyone) - _LISTED:,} more, seen for {seconds_text(everyone[_LISTED].seen)} s or less")


def _shares(person: Person, class_names: Sequence[str]) -> str:
    ranked = sorted(zip(person.shares, class_names, strict=True), reverse=True)
    return ", ".join(f"{name} {share:.0%}" for share, name in ranked if share >= 0.005)
