"""``python -m training report RUN [RUN]``: a self-contained HTML report of a run, or of two compared."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path

from emoscope.dashboard.evaluation.report import build_report
from emoscope.model.errors import EmoscopeError
from emoscope.model.runs.files import write_atomically
from emoscope.model.runs.run import load_run


def main(argv: list[str] | None = None) -> int:
    """Write the report and say where it is; return the exit status."""
    parser = ArgumentParser(prog="python -m training report", description=__doc__)
    parser.add_argument("run", help="key or folder of a saved run")
    parser.add_argument("other", nargs="?", help="a second run to compare with")
    parser.add_argument("--split", help="split that the figures are of (default: the test split)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: <run>[-vs-<run>].html in this folder")

    args = parser.parse_args(argv)
    try:
        output = _write(args.run, args.other, args.split, args.output)
    except EmoscopeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{output}: {output.stat().st_size / 1e6:.1f} MB")
    return 0


def _write(key: str, other: str | None, split: str | None, output: Path | None) -> Path:
    runs = [load_run(name) for name in (key, other) if name]
    output = output or Path("-vs-".join(saved.key for saved in runs) + ".html")
    try:
        write_atomically(output, build_report(runs, split))
    except OSError as error:
        reason = error.strerror or str(error)
        raise EmoscopeError(f"{output} cannot be written ({reason}).", "Name another --output.") from error
    return output


if __name__ == "__main__":
    sys.exit(main())
