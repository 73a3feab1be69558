"""``python -m model predict PATH…``: read every face in files and folders."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from model.artifacts import DEFAULT_RUN, Run, load_run
from model.classifier import load_classifier
from model.detectors import DETECTOR_NAMES, create_detector
from model.errors import ImageError
from model.images import encode_png, read_image
from model.picture_files import PictureFile, annotated_paths, find_pictures
from model.pipeline import Pipeline
from model.results import Reading, Writer, csv_writer, json_writer, open_output, writing

_LISTED = 20
_EPILOG = """exit status: 0 if every file was read, 1 if some could not be read, 2 if the command could not start

examples:
  python -m model predict photo.jpg
  python -m model predict holidays/ 'more/**/*.png' --csv emotions.csv --annotate drawn/
  python -m model predict crops/ --detector none --json - | jq '.pictures[].faces[].emotion'"""


def add_predict_command(commands: argparse._SubParsersAction) -> None:
    """Add ``predict`` to the command line."""
    parser = commands.add_parser(
        "predict",
        help="read every face in pictures",
        description="Find every face in pictures and say which emotion the network reads in it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a picture, a folder (with all below it) or a pattern")
    parser.add_argument("--csv", metavar="FILE", help="write a row a face to FILE (- for standard output)")
    parser.add_argument(
        "--json",
        metavar="FILE",
        nargs="?",
        const="-",
        help="write an entry a picture to FILE (standard output if left out)",
    )
    parser.add_argument(
        "--annotate", metavar="DIR", type=Path, help="write the pictures with boxes and emotions to DIR"
    )
    parser.add_argument(
        "--detector",
        choices=(*DETECTOR_NAMES, "none"),
        default="haar",
        help="how to find faces; none if each picture is a cropped face already (default: haar)",
    )
    parser.add_argument(
        "--run", default=DEFAULT_RUN, help=f"saved run to use, by name or folder (default: {DEFAULT_RUN})"
    )
    parser.add_argument("--threads", type=_positive, default=1, help="cores that the network may use (default: 1)")
    parser.set_defaults(run_command=run_predict)


def _positive(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 256:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 256")
    return int(text)


def run_predict(options: argparse.Namespace) -> int:
    """Carry out the command and return its exit status.

    Raises:
        EmoscopeError: The command cannot start: no such run or detector, nothing to read, or an output that cannot be
            written.
    """
    from tqdm import tqdm

    for stream in (sys.stdout, sys.stderr):  # a file name may hold bytes that are no text
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    files = list(find_pictures(options.paths, leave_out=options.annotate))
    if not files:
        raise ImageError(f"There are no pictures in {', '.join(options.paths)}.", "Name a picture or another folder.")
    run = load_run(options.run)
    pipeline = Pipeline(create_detector(options.detector), load_classifier(run, options.threads))
    targets = annotated_paths(files, options.annotate) if options.annotate else [None] * len(files)

    failed: list[Reading] = []
    without_face: list[Reading] = []
    with ExitStack() as outputs:
        writers = _open_writers(options, files, run, outputs)
        hidden = len(files) < 2 or None  # None: where standard error is no terminal
        bar = outputs.enter_context(tqdm(total=len(files), unit=" pictures", file=sys.stderr, disable=hidden))
        for file, target in zip(files, targets, strict=True):
            reading = read_picture(file, pipeline, target)
            with tqdm.external_write_mode(file=sys.stdout), writing():
                for write in writers:
                    write(reading)
            if reading.error:
                failed.append(reading)
            elif not reading.predictions:
                without_face.append(reading)
            bar.update()
    _print_summary(failed, without_face, len(files), options.detector)
    return 1 if failed else 0


def read_picture(file: PictureFile, pipeline: Pipeline, annotate_to: Path | None = None) -> Reading:
    """Read the faces of one file, and draw them into a copy if asked to.

    Raises:
        OutputError: The annotated copy cannot be written.
    """
    try:
        frame = read_image(file.path)
    except ImageError as error:
        return Reading(file, [], error=error)
    predictions = pipeline.analyze(frame)
    if annotate_to:
        from model.annotate import annotate

        drawn = encode_png(annotate(frame, predictions))
        with writing():
            annotate_to.parent.mkdir(parents=True, exist_ok=True)
            annotate_to.write_bytes(drawn)
    return Reading(file, predictions, frame.shape[1], frame.shape[0])


def _open_writers(
    options: argparse.Namespace, files: Sequence[PictureFile], run: Run, outputs: ExitStack
) -> list[Writer]:
    """Open every output before the first picture is read, so that a wrong path costs no time."""
    writers = []
    if options.csv:
        writers.append(csv_writer(outputs.enter_context(open_output(options.csv)), run.info.class_names))
    if options.json:
        writers.append(
            outputs.enter_context(
                json_writer(outputs.enter_context(open_output(options.json)), run.key, options.detector)
            )
        )
    if options.annotate:
        with writing():
            options.annotate.mkdir(parents=True, exist_ok=True)
    if "-" not in (options.csv, options.json):
        writers.append(_table_writer(files))
    return writers


def _table_writer(files: Sequence[PictureFile]) -> Writer:
    width = min(48, max(len(str(file.path)) for file in files))
    print(f"{'file':<{width}}  face  {'emotion':<10} confidence  {'box':<22} warnings".rstrip())

    def write(reading: Reading) -> None:
        name = str(reading.file.path)
        name = name if len(name) <= width else "…" + name[1 - width :]
        if reading.error:
            print(f"{name:<{width}}     –  could not be read")
        elif not reading.predictions:
            print(f"{name:<{width}}     –  no face found")
        for number, p in enumerate(reading.predictions, start=1):
            box = " ".join(f"{side:.0f}" for side in p.detection.xyxy)
            line = (
                f"{name:<{width}}  {number:>4}  {p.label:<10} {p.confidence:>10.1%}  {box:<22} {' '.join(p.warnings)}"
            )
            print(line.rstrip())

    return write


def _print_summary(failed: list[Reading], without_face: list[Reading], total: int, detector_name: str) -> None:
    if without_face:
        print(f"\nNo face was found in {len(without_face)} of {total} pictures:", file=sys.stderr)
        for reading in without_face[:_LISTED]:
            print(f"  {reading.file.path}", file=sys.stderr)
        if len(without_face) > _LISTED:
            print(f"  … and {len(without_face) - _LISTED} more", file=sys.stderr)
        others = [name for name in DETECTOR_NAMES if name != detector_name]
        print(f"Try --detector {others[0]}, or --detector none for pictures that are cropped faces.", file=sys.stderr)
    if failed:
        print(f"\n{len(failed)} of {total} files could not be read:", file=sys.stderr)
        for reading in failed:
            print(f"  {reading.file.path}: {reading.error}", file=sys.stderr)
