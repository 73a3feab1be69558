"""``python -m training``: train, evaluate, export and examine networks."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

from model.errors import EmoscopeError

ROOT = str(Path(__file__).resolve().parent.parent)
COMMANDS = {
    "data": ("training.data", "say what a data set holds: splits, balance, duplicates"),
    "config": ("training.config_command", "check a configuration and print it with every default"),
    "train": ("training.train_command", "train a network into a saved run, resumable"),
    "evaluate": ("training.evaluate_command", "score a saved run, or turn a model from elsewhere into one"),
    "calibrate": ("training.calibrate", "fit a run's temperature on the validation split"),
    "robustness": ("training.robustness", "score a run under damage of five severities"),
    "card": ("training.card", "write a run's model card from what is saved of it"),
    "export": ("training.export_command", "write a run in other forms: LiteRT float16 and int8, ONNX, HDF5"),
}
# The report is drawn with the dashboard's charts, which training does not import: a program of its own writes it.
FORWARDED = {"report": ("dashboard.report_command", "write a self-contained HTML report of a run or a comparison")}


def main(argv: list[str] | None = None) -> int:
    """Run one command; return its exit status."""
    argv = sys.argv[1:] if argv is None else argv
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    # Only the command that is named is imported: Keras takes seconds.
    named = next((word for word in argv if not word.startswith("-")), None)
    if named in FORWARDED and argv[0] == named:
        return subprocess.call(
            [sys.executable, "-m", FORWARDED[named][0], *argv[1:]], env=os.environ | {"PYTHONPATH": ROOT}
        )
    for name, (_, summary) in FORWARDED.items():
        commands.add_parser(name, help=summary)
    for name, (module, summary) in COMMANDS.items():
        subparser = commands.add_parser(name, help=summary, description=summary)
        if name == named:
            import_module(module).add_arguments(subparser)
    arguments = parser.parse_args(argv)
    if arguments.command is None:
        parser.print_help()
        return 2
    try:
        return int(import_module(COMMANDS[arguments.command][0]).run(arguments))
    except EmoscopeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
