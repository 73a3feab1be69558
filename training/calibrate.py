"""``python -m training calibrate RUN``: fit a run's temperature on its validation predictions."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from model.artifacts import load_run
from model.calibration import calibrate_run, temperature_effect
from model.dataset.samples import TEST_SPLITS


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags of ``python -m training calibrate``."""
    parser.add_argument("run", nargs="+", help="key or folder of a saved run")


def run(args: Namespace) -> int:
    """Fit, store and print; the effect on the test split is shown as well, without having been fitted on it."""
    for key in args.run:
        saved = load_run(key)
        result = calibrate_run(saved)
        print(f"{saved.key}: temperature {result['temperature']:.3f}, saved in calibration.json")
        for split in (result["split"], *(s for s in TEST_SPLITS if s in saved.splits)):
            effect = temperature_effect(saved.predictions(split), result["temperature"])
            how = "fitted here" if split == result["split"] else "not fitted here"
            print(
                f"  {split} ({how}, n = {effect['n']:,}): log loss {effect['log_loss_before']:.3f} -> "
                f"{effect['log_loss_after']:.3f}, ECE {100 * effect['ece_before']:.1f} % -> "
                f"{100 * effect['ece_after']:.1f} %"
            )
    return 0
