"""``python -m training``: train, evaluate, export and examine networks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from model.command_line import run_program

ROOT = str(Path(__file__).resolve().parent.parent)
COMMANDS = {
    "data": ("training.data", "say what a data set holds: splits, balance, duplicates"),
    "config": ("training.config_command", "check a configuration and print it with every default"),
    "train": ("training.train_command", "train a network into a saved run, resumable"),
    "sweep": ("training.sweep", "train a grid or a random sample of settings, each into a run"),
    "crossval": ("training.crossval", "train a network a fold and score each on the images it never saw"),
    "augmentation": ("training.augmentation_sheet", "draw what a configuration makes of training images"),
    "evaluate": ("training.evaluate_command", "score a saved run, or turn a model from elsewhere into one"),
    "calibrate": ("training.calibrate", "fit a run's temperature on the validation split"),
    "robustness": ("training.robustness", "score a run under damage of five severities"),
    "card": ("training.card", "write a run's model card from what is saved of it"),
    "prune": ("training.pruning", "set a run's smallest weights to zero and fine-tune the others"),
    "export": ("training.export_command", "write a run in other forms: LiteRT float16 and int8, ONNX, HDF5"),
}
# The report is drawn with the dashboard's charts, which training does not import: a program of its own writes it.
FORWARDED = {"report": ("dashboard.report_command", "write a self-contained HTML report of a run or a comparison")}


def main(argv: list[str] | None = None) -> int:
    """Run one command; return its exit status."""
    argv = sys.argv[1:] if argv is None else argv
    if argv and argv[0] in FORWARDED:
        command = [sys.executable, "-m", FORWARDED[argv[0]][0], *argv[1:]]
        return subprocess.call(command, env=os.environ | {"PYTHONPATH": ROOT})
    description = "Train, evaluate, export and examine networks."
    return run_program("python -m training", description, COMMANDS | FORWARDED, argv)


if __name__ == "__main__":
    sys.exit(main())
