"""``python -m training report RUN [RUN]``: a self-contained HTML report of a run, or of two compared."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from model.artifacts import load_run, write_atomically
from model.errors import EmoscopeError


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags of ``python -m training report``."""
    parser.add_argument("run", help="key or folder of a saved run")
    parser.add_argument("other", nargs="?", help="a second run to compare with")
    parser.add_argument("--split", help="split that the figures are of (default: the test split)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: <run>[-vs-<run>].html in this folder")


def run(args: Namespace) -> int:
    """Write the report and say where it is."""
    # The report shows what the pages show, so the dashboard's chart builders draw it; nothing else here needs them.
    from dashboard.report import build_report

    runs = [load_run(key) for key in (args.run, args.other) if key]
    output = args.output or Path("-vs-".join(saved.key for saved in runs) + ".html")
    html = build_report(runs, args.split)
    try:
        write_atomically(output, html)
    except OSError as error:
        reason = error.strerror or str(error)
        raise EmoscopeError(f"{output} cannot be written ({reason}).", "Name another --output.") from error
    print(f"{output}: {output.stat().st_size / 1e6:.1f} MB")
    return 0
