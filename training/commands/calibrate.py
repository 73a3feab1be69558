"""``python -m training calibrate RUN``: fit a run's temperature on its validation predictions."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from emoscope.model.evaluation.calibration import (
    answered_from,
    calibrate_run,
    calibration_data,
    temperature_effect,
)
from emoscope.model.runs.run import load_run, own_labels
from emoscope.model.splits import find_split


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags of ``python -m training calibrate``."""
    parser.add_argument("run", nargs="+", help="key or folder of a saved run")


def run(args: Namespace) -> int:
    """Fit, store and print; the effect on the test split is shown as well, without having been fitted on it."""
    for key in args.run:
        saved = load_run(key)
        result = calibrate_run(saved)
        threshold = result["abstain_below"]
        print(f"{saved.key}: temperature {result['temperature']:.3f}, saved in calibration.json")
        test = find_split("test", saved.splits)
        for split in (result["split"], *([own_labels(saved, test)] if test else [])):
            found = saved.predictions(split)
            probabilities, truth = calibration_data(saved, split)
            effect = temperature_effect(truth, probabilities, result["temperature"])
            how = "fitted here" if split == result["split"] else "not fitted here"
            print(
                f"  {split} ({how}, n = {effect['n']:,}): log loss {effect['log_loss_before']:.3f} -> "
                f"{effect['log_loss_after']:.3f}, ECE {100 * effect['ece_before']:.1f} % -> "
                f"{100 * effect['ece_after']:.1f} %"
            )
            if threshold is not None:
                coverage, accuracy = answered_from(found, result["temperature"], threshold)
                print(
                    f"    answering from a confidence of {threshold:.2f} on: {100 * coverage:.0f} % answered, "
                    f"{100 * accuracy:.1f} % of them right"
                )
    return 0
