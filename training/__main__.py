"""``python -m training``: train, evaluate, export and examine networks."""

from __future__ import annotations

import subprocess
import sys

from emoscope.model.commands.command_line import run_program
from emoscope.model.places import module_environment

COMMANDS = {
    "data": ("emoscope.training.commands.data", "describe a data set: splits, balance, duplicates"),
    "config": ("emoscope.training.commands.config", "check a configuration and print it with every default"),
    "train": ("emoscope.training.commands.train", "train a network into a saved run, resumable"),
    "sweep": ("emoscope.training.commands.sweep", "train a grid or a sample of settings, each into a run"),
    "crossval": (
        "emoscope.training.commands.crossval",
        "train one network per fold, each scored on unseen images",
    ),
    "augmentation": (
        "emoscope.training.commands.augmentation",
        "draw training images as a configuration augments them",
    ),
    "evaluate": ("emoscope.training.commands.evaluate", "score a saved run, or turn a model from elsewhere into one"),
    "import": ("emoscope.training.commands.import_results", "make a run of results that another program wrote"),
    "share": ("emoscope.training.commands.share", "write a run for TensorBoard, trackers, Hugging Face, scikit-learn"),
    "calibrate": ("emoscope.training.commands.calibrate", "fit a run's temperature on the validation split"),
    "robustness": ("emoscope.training.commands.robustness", "score a run under damage of five severities"),
    "card": ("emoscope.training.commands.card", "write a run's model card from what is saved of it"),
    "prune": ("emoscope.training.commands.prune", "set a run's smallest weights to zero and fine-tune the others"),
    "export": (
        "emoscope.training.commands.export",
        "export a run to LiteRT float16 and int8, ONNX, HDF5",
    ),
}
# The report is drawn with the dashboard's charts, which training does not import: a program of its own writes it.
FORWARDED = {
    "report": (
        "emoscope.dashboard.evaluation.report_command",
        "write a self-contained HTML report of a run or a comparison",
    )
}


def main(argv: list[str] | None = None) -> int:
    """Run one command; return its exit status."""
    argv = sys.argv[1:] if argv is None else argv
    if argv and argv[0] in FORWARDED:
        command = [sys.executable, "-m", FORWARDED[argv[0]][0], *argv[1:]]
        return subprocess.call(command, env=module_environment())
    description = "Train, evaluate, export and examine networks."
    return run_program("python -m training", description, COMMANDS | FORWARDED, argv)


if __name__ == "__main__":
    sys.exit(main())
