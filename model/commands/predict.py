"""``python -m model predict PATH…``: predict every face in files, folders and lists."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from hashlib import blake2b
from pathlib import Path

from emoscope.model.commands.command_line import without_library_lines
from emoscope.model.errors import ConfigError, ImageError, OutputError, RunError
from emoscope.model.faces.detectors import DEFAULT_DETECTOR, DETECTOR_NAMES
from emoscope.model.machine import available_cores
from emoscope.model.pictures.batch import PipelineSettings, Task, predict_pictures
from emoscope.model.pictures.files import PictureFile, annotated_paths, find_pictures, left_out
from emoscope.model.pictures.journal import Journal
from emoscope.model.pictures.result_files import Writer, csv_file, json_file, parquet_file, writing
from emoscope.model.pictures.results import FaceEntry, PictureEntry
from emoscope.model.runs.run import DEFAULT_RUN, Run, load_run

# Below this many pictures, starting processes takes longer than they save.
_WORTH_PROCESSES = 64
_LISTED = 20
_EPILOG = """exit status: 0 if every file was predicted, 1 if some could not be opened, 2 if the command could not be
carried out

A command that writes a file and was stopped, even killed, resumes when it is given again.

examples:
  python -m model predict photo.jpg
  python -m model predict holidays/ 'more/**/*.png' --csv emotions.csv --annotate drawn/
  python -m model predict list.csv --parquet emotions.parquet
  python -m model predict list.parquet --parquet emotions.parquet --engine ray --address head:6379
  python -m model predict crops/ --detector none --json - | jq '.pictures[].faces[].emotion'"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = "Detect every face in pictures and predict its emotion."
    parser.epilog = _EPILOG
    add = parser.add_argument
    add("paths", nargs="+", metavar="PATH", help="a picture, a folder, a pattern, or a CSV or Parquet list of files")
    add("--csv", metavar="FILE", help="write one row per face to FILE (- for standard output)")
    add("--json", metavar="FILE", nargs="?", const="-", help="write one entry per picture to FILE (or standard output)")
    add("--parquet", metavar="FILE", type=Path, help="write one row per face to FILE")
    add("--annotate", metavar="DIR", type=Path, help="write the pictures with boxes and emotions to DIR")
    add(
        "--detector",
        choices=(*DETECTOR_NAMES, "none"),
        default=DEFAULT_DETECTOR,
        help="face detector; none to take every picture whole, as a cropped face, which the others do with those that "
        f"one face fills (default: {DEFAULT_DETECTOR})",
    )
    add("--run", default=DEFAULT_RUN, help=f"saved run to use, by name or folder (default: {DEFAULT_RUN})")
    add("--calibrated", action="store_true", help="apply the temperature saved with the run to the probabilities")
    add("--threads", metavar="N", type=_positive, default=1, help="cores for one classification (default: 1)")
    add(
        "--processes",
        metavar="N",
        type=_positive,
        help="processes to predict in (default: one per core for many pictures)",
    )
    add("--engine", choices=("local", "ray"), default="local", help="predict on this machine or on a Ray cluster")
    add("--address", metavar="HOST", help="of the Ray cluster, e.g. head:6379 (default: one started on this machine)")


def _positive(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 256:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 256")
    return int(text)


@without_library_lines()
def run(options: argparse.Namespace) -> int:
    """Carry out the command and return its exit status.

    Raises:
        EmoscopeError: No such run or detector, no picture, or an output that cannot be written.
    """
    from tqdm import tqdm

    for stream in (sys.stdout, sys.stderr):  # a file name may hold bytes that are no text
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    others: list[Path] = []
    files = list(find_pictures(options.paths, options.annotate, others))
    if not files:
        there = f" ({left_out(others)})" if others else ""
        raise ImageError(
            f"There are no pictures in {', '.join(options.paths)}{there}.", "Name a picture or another folder."
        )
    if options.address and options.engine != "ray":
        raise ConfigError("--address is the address of a Ray cluster.", "Add --engine ray.")
    run = chosen_run(options)
    summary = _Summary(len(files), options.detector, left_out(others))
    with ExitStack() as outputs:
        journal = _journal(options, run)
        if journal:  # opened first and closed last: its entries are needed until every file is complete
            outputs.enter_context(journal)
        writers = [*_open_outputs(options, files, run, outputs), summary.count]
        hidden = len(files) < 2 or None  # None: where standard error is no terminal
        with tqdm(total=len(files), unit=" pictures", file=sys.stderr, smoothing=0.05, disable=hidden) as bar:
            for entry in _entries(options, files, run, journal):
                with tqdm.external_write_mode(file=sys.stdout):
                    for write in writers:
                        write(entry)
                bar.update()
    summary.print()
    return 1 if summary.failed else 0


def chosen_run(options: argparse.Namespace) -> Run:
    """Open the run that ``--run`` and ``--calibrated`` ask for.

    Raises:
        RunError: There is no such run, or it has no temperature.
    """
    run = load_run(options.run)
    if options.calibrated and run.temperature is None:
        raise RunError(f"{run.key} has no temperature.", f"Fit one: python -m training calibrate {run.key}")
    return run


def _entries(
    options: argparse.Namespace, files: Sequence[PictureFile], run: Run, journal: Journal | None
) -> Iterator[PictureEntry]:
    """Yield every picture's entry in order: first those of the journal, then those predicted now."""
    done = 0
    for entry in journal.replay(files) if journal else ():
        done += 1
        yield entry
    if done:
        print(f"Resuming after {done:,} of {len(files):,} pictures.", file=sys.stderr)
    targets = annotated_paths(files, options.annotate) if options.annotate else [None] * len(files)
    tasks = [Task(file.path, target) for file, target in zip(files, targets, strict=True)]
    settings = PipelineSettings(run.path, options.detector, options.threads, options.calibrated)
    if options.engine == "ray":
        from emoscope.model.pictures.ray_engine import predict_pictures_on_ray

        entries = (
            predict_pictures_on_ray(tasks[done:], settings, options.address, options.processes) if tasks[done:] else ()
        )
    else:
        many = len(files) - done >= _WORTH_PROCESSES
        processes = options.processes or (max(1, available_cores() // options.threads) if many else 1)
        entries = predict_pictures(tasks[done:], settings, processes)
    for file, entry in zip(files[done:], entries, strict=True):
        if journal:
            journal.append(file, entry)
        yield entry


def _journal(options: argparse.Namespace, run: Run) -> Journal | None:
    """Return the journal beside the first file to be written; None where no output could be resumed."""
    names = [str(name) for name in (options.parquet, options.csv, options.json) if name and str(name) != "-"]
    if not names:
        return None
    first = Path(names[0])
    network = run.litert_file or run.path / "model.keras"
    settings = {
        "run": run.key,
        "network": blake2b(network.read_bytes() if network.is_file() else b"", digest_size=16).hexdigest(),
        "class_names": run.info.class_names,
        "detector": options.detector,
        "temperature": run.temperature if options.calibrated else None,
        "annotate": str(options.annotate),
    }
    return Journal(first.with_name(f".{first.name}.journal"), settings)


def _open_outputs(
    options: argparse.Namespace, files: Sequence[PictureFile], run: Run, outputs: ExitStack
) -> list[Writer]:
    """Open every output before the first picture is read, so that a wrong path costs no time."""
    named = {Path(path).resolve() for path in options.paths if Path(path).is_file()}
    for name in (options.csv, options.json, options.parquet):
        if name and Path(name).resolve() in named:
            raise OutputError(f"{name} is an input of this command and would be overwritten.", "Write to another file.")
    writers = []
    if options.csv:
        writers.append(outputs.enter_context(csv_file(options.csv, run.info.class_names)))
    if options.json:
        writers.append(outputs.enter_context(json_file(options.json, run.key, options.detector)))
    if options.parquet:
        writers.append(outputs.enter_context(parquet_file(options.parquet, run.info.class_names)))
    if options.annotate:
        with writing():
            options.annotate.mkdir(parents=True, exist_ok=True)
    return writers or [_table(files, options.detector)]


def _table(files: Sequence[PictureFile], detector_name: str) -> Callable[[PictureEntry], None]:
    width = min(48, max(len(str(file.path)) for file in files))
    print(f"{'file':<{width}}  face  {'emotion':<10} confidence  {'box':<22} notes")

    def write(entry: PictureEntry) -> None:
        name = entry["file"]
        name = name if len(name) <= width else "…" + name[1 - width :]
        if "error" in entry:
            print(f"{name:<{width}}     –  could not be opened")
            return
        if not entry["faces"]:
            print(f"{name:<{width}}     –  no face found")
        for number, face in enumerate(entry["faces"], start=1):
            box = " ".join(f"{side:.0f}" for side in face["xyxy"])
            line = f"{name:<{width}}  {number:>4}  {face['emotion']:<10} {face['confidence']:>10.1%}  {box:<22} "
            print((line + " ".join(_notes(face, detector_name))).rstrip())

    return write


def _notes(face: FaceEntry, detector_name: str) -> list[str]:
    """Say how a face was found where that is unusual, and why to distrust its prediction."""
    notes = list(face["warnings"])
    if face["detector"] != detector_name:
        notes.insert(0, "Taken whole, as a cropped face.")
    if face["brightened"]:
        notes.insert(0, "Found after brightening the picture.")
    if face["turned"]:
        notes.insert(0, f"Found after turning the picture by {face['turned']}°.")
    return notes


class _Summary:
    """The summary at the end, on standard error."""

    def __init__(self, total: int, detector_name: str, left_out: str) -> None:
        self.total = total
        self.left_out = left_out
        self.detector_name = detector_name
        self.emotions: Counter[str] = Counter()
        self.without_face: list[str] = []
        self.failed: list[str] = []
        self.noted: list[str] = []

    def count(self, entry: PictureEntry) -> None:
        if "error" in entry:
            self.failed.append(f"{entry['file']}: {entry['error']}")
        elif not entry["faces"]:
            self.without_face.append(entry["file"])
        else:
            self.emotions.update(face["emotion"] for face in entry["faces"])
        if notes := entry.get("notes"):
            self.noted.append(f"{entry['file']}: {' '.join(notes)}")

    def print(self) -> None:
        lines = []
        if self.total > 1:
            faces = ", ".join(f"{count:,} {emotion}" for emotion, count in self.emotions.most_common())
            lines.append(f"{self.emotions.total():,} faces in {self.total:,} files" + (f": {faces}" if faces else ""))
        if self.without_face:
            lines.append(f"\nNo face was found in {len(self.without_face):,} of {self.total:,} pictures:")
            lines += [f"  {name}" for name in self.without_face[:_LISTED]]
            if len(self.without_face) > _LISTED:
                lines.append(f"  … and {len(self.without_face) - _LISTED:,} more")
            other = "mtcnn" if self.detector_name == "blazeface" else "blazeface"  # both find more than haar
            lines.append(f"Try --detector {other}, or --detector none for pictures that are cropped faces.")
        if self.left_out:
            lines.append(f"\n{self.left_out}")
        if self.noted:
            lines.append(f"\n{len(self.noted):,} of {self.total:,} files are damaged and were opened all the same:")
            lines += [f"  {line}" for line in self.noted]
        if self.failed:
            lines.append(f"\n{len(self.failed):,} of {self.total:,} files could not be opened:")
            lines += [f"  {line}" for line in self.failed]
        print("\n".join(lines), file=sys.stderr, end="\n" if lines else "")
