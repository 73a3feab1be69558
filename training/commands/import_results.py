"""``python -m training import SOURCE…``: results of other programs become a saved run."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from emoscope.model.errors import RunError
from emoscope.model.runs.foreign.merge import import_results
from emoscope.model.runs.foreign.registry import READERS
from emoscope.model.runs.foreign.results import Reading
from emoscope.training.commands.arguments import separate_names
from emoscope.training.foreign.files import SUFFIXES


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags of ``python -m training import``."""
    parser.description = (
        "Make one saved run of results that another program wrote. Each file is recognised by its content; what it "
        "was taken for is printed and can be corrected. Nothing in a file is executed."
    )
    parser.add_argument("source", nargs="+", type=Path, metavar="SOURCE", help="file or folder of one training")
    parser.add_argument("--name", help="title of the new run (default: the first file's name)")
    parser.add_argument("--overwrite", action="store_true", help="replace a run of the same name")
    parser.add_argument(
        "--as", dest="format", choices=tuple(READERS), help="format of the files, whatever they look like"
    )
    parser.add_argument("--true", metavar="COLUMN", default="", help="column of the label in predictions")
    parser.add_argument("--predicted", metavar="COLUMN", default="", help="column of the predicted class")
    parser.add_argument(
        "--classes", type=separate_names, default=(), metavar="A,B,…", help="class names in the order of their numbers"
    )
    parser.add_argument(
        "--split",
        default="",
        help="split of predictions, matrix or report (default: as the file's name says, else test)",
    )
    parser.add_argument("--transposed", action="store_true", help="the matrix has the predicted classes in its rows")
    parser.add_argument("--run", default="", metavar="NAME", help="which run of several in MLflow's store")
    parser.add_argument(
        "--restarts",
        choices=("replace", "continue"),
        default="replace",
        help="epochs that start again replace the ones before (default), or continue their count",
    )


def run(args: Namespace) -> int:
    """Import, and say what each file was taken for.

    Raises:
        RunError: A file is of no known format or broken, or is a network.
    """
    for path in args.source:
        if path.is_file() and path.suffix.lower() in SUFFIXES:
            raise RunError(
                f"{path.name} is a network, not its results.",
                f"Score it, which makes a run of it: python -m training evaluate {path}",
            )
    reading = Reading(
        format=args.format or "",
        true=args.true,
        predicted=args.predicted,
        class_names=args.classes,
        split=args.split,
        restarts=args.restarts,
        transposed=args.transposed,
        run=args.run,
    )
    saved, found = import_results(args.source, reading, args.name, overwrite=args.overwrite)
    for one in found:
        print(one)
        for note in one.notes:
            print(f"  {note}")
    print(f"Saved in {saved.path}")
    return 0
