"""``python -m training share RUN --as FORMAT``: a run for TensorBoard, trackers, Hugging Face or scikit-learn."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from emoscope.model.runs.run import load_run
from emoscope.model.sharing.formats import FORMATS, shared_name, write_shared


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags of ``python -m training share``."""
    parser.description = "Write what is saved of a run for another program. " + " ".join(
        f"{name}: {one.summary}" for name, one in FORMATS.items()
    )
    parser.add_argument("run", help="key or folder of a saved run")
    parser.add_argument("--as", dest="format", choices=tuple(FORMATS), required=True, help="the other program")
    parser.add_argument("--output", type=Path, metavar="DIR", help="new folder (default: RUN-FORMAT here)")


def run(args: Namespace) -> int:
    """Write the files and name them.

    Raises:
        RunError: There is no such run, or it does not hold what the format needs.
        OutputError: The folder holds something, or cannot be written.
    """
    saved = load_run(args.run)
    for file in write_shared(saved, args.format, args.output or Path(shared_name(saved, args.format))):
        print(file)
    return 0
