"""``python -m training calibrate RUN``: fit a run's temperature on its validation predictions."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import replace

from emoscope.model.dataset import Dataset
from emoscope.model.errors import DataError, RunError
from emoscope.model.evaluation.calibration import (
    answered_from,
    calibrate_run,
    calibration_data,
    temperature_effect,
)
from emoscope.model.runs.run import KERAS_FILE, Run, load_run, own_labels, write_run_info
from emoscope.model.splits import find_split
from emoscope.training.backend.open_network import open_network
from emoscope.training.commands.arguments import add_data_arguments, own_data


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags of ``python -m training calibrate``."""
    parser.add_argument("run", nargs="+", help="key or folder of a saved run")
    parser.add_argument(
        "--into-network",
        action="store_true",
        help="divide the last layer's weights by the temperature, so that whatever runs the file gets calibrated "
        "probabilities; exports and scores the run anew",
    )
    add_data_arguments(parser)


def run(args: Namespace) -> int:
    """Fit, store and print; the effect on the test split is shown as well, without having been fitted on it."""
    for key in args.run:
        saved = load_run(key)
        if args.into_network:
            dataset = own_data(args, saved)
            if dataset is None:
                raise DataError(
                    f"--into-network scores {key} anew on its own data, which are not here.", "Give --data."
                )
            saved = fold_temperature(saved, dataset)
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
                    f"    predicting from a confidence of {threshold:.2f} on: coverage {100 * coverage:.0f} %, "
                    f"accuracy {100 * accuracy:.1f} %"
                )
    return 0


def fold_temperature(run: Run, dataset: Dataset) -> Run:
    """Divide the logits of a run's network by its temperature for good, and export and score it anew.

    Args:
        run: With its Keras network, whose last layer with weights gives the logits.
        dataset: That it is scored on.

    Raises:
        RunError: There are no validation predictions or no Keras network, or its last layer is not linear.
    """
    from emoscope.training.evaluation.evaluate import evaluate_run
    from emoscope.training.exporting.convert import export_litert
    from emoscope.training.loop.save import save_network

    temperature = calibrate_run(run)["temperature"]
    network = open_network(run)
    last = [layer for layer in network.layers if layer.weights][-1]
    activation = last.get_config().get("activation")
    if activation != "linear":
        raise RunError(
            f"The last layer of {run.key} ends in {activation or 'nothing'}, so no temperature can be folded in.",
            "Leave out --into-network: the temperature is saved beside the network all the same.",
        )
    for weight in last.weights:
        weight.assign(weight / temperature)
    save_network(network, run.path / KERAS_FILE)
    note = f"{run.info.note} A temperature of {temperature:.3f} is folded into its last layer.".strip()
    write_run_info(run.path, replace(run.info, note=note))
    run = load_run(run.path)
    export_litert(run)
    return evaluate_run(run, dataset, run.splits)
