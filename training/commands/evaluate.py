"""``python -m training evaluate MODEL``: score a saved run, or turn a model from elsewhere into one."""

from __future__ import annotations

import os
import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from contextlib import closing
from pathlib import Path

from emoscope.model.dataset import Dataset, find_dataset, load_dataset
from emoscope.model.dataset.made_splits import without_made_splits
from emoscope.model.emotions import emotion_key
from emoscope.model.errors import RunError
from emoscope.model.networks.load import load_classifier
from emoscope.model.runs.run import Run, load_run, run_folder
from emoscope.training.commands.arguments import add_data_arguments, data_title, load_data, load_data_at, separate_names
from emoscope.training.evaluation.class_mapping import match_classes, matching_table
from emoscope.training.evaluation.evaluate import evaluate_run, metrics_table
from emoscope.training.evaluation.flip import evaluate_flip_average
from emoscope.training.evaluation.other_data import evaluation_on, is_own_data
from emoscope.training.evaluation.shift_report import shift_report
from emoscope.training.foreign.class_order import NORMALIZATIONS


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags of ``python -m training evaluate``."""
    parser.description = (
        "Score a saved run on the data it was made with, which writes its predictions/ and metrics.json anew; on any "
        "other data as a run of its own, MODEL-on-DATA-HASH, which the pages list beside it. A file from elsewhere "
        "becomes a run."
    )
    parser.add_argument("model", metavar="MODEL", help="saved run, or a .keras, .h5, .hdf5, .tflite or .onnx file")
    add_data_arguments(parser)
    parser.add_argument(
        "--splits", type=separate_names, metavar="A,B", help="to score (default: all but the training split)"
    )
    parser.add_argument(
        "--map",
        type=_class_pairs,
        metavar="THEIRS=OWN,…",
        help="what other data's classes mean, e.g. joy=happy; contempt= leaves out its images",
    )
    parser.add_argument("--threads", type=int, default=1, help="cores to use (default 1)")
    parser.add_argument(
        "--flip", action="store_true", help="average with the mirror image; saved as a run of its own, MODEL-flip"
    )
    foreign = parser.add_argument_group("models from elsewhere (what is not given is inferred on the validation split)")
    foreign.add_argument("--name", help="key of the new run (default: the file's name)")
    foreign.add_argument(
        "--classes", type=separate_names, metavar="A,B,…", help="class names in the order of the outputs"
    )
    foreign.add_argument(
        "--normalization", choices=tuple(NORMALIZATIONS), help="how pixels become input (write --normalization=-1..1)"
    )
    foreign.add_argument("--label-source", default="dataset", help="labels to score on: dataset, ferplus-majority, …")
    foreign.add_argument("--architecture", type=Path, metavar="FILE", help="JSON architecture for weights-only files")
    foreign.add_argument("--input-size", type=_size, metavar="HxW", help="for networks that take any size")
    foreign.add_argument("--overwrite", action="store_true", help="replace a run of the same name")


def run(args: Namespace) -> int:
    """Score, save and print a short table."""
    given = Path(args.model)
    network: Run | None = None  # scored on data that are not its own
    if (given / "saved_model.pb").is_file() or given.name == "saved_model.pb":
        raise RunError(
            f"{given} is a SavedModel of TensorFlow, which is a program and is not run here.",
            "Convert it once where you trust it: tf.lite.TFLiteConverter.from_saved_model(FOLDER).convert() gives the "
            "content of a .tflite file.",
        )
    if given.is_dir() or (not given.is_file() and run_folder(given)):
        saved = load_run(given)
        dataset = load_data(args, saved.info)
        if args.map or not is_own_data(saved, dataset):
            if args.splits is None:  # the network has learned from none of these images
                dataset = without_made_splits(dataset)
            dataset, matched = match_classes(dataset, saved.info.class_names, args.map or {})
            if table := matching_table(matched):
                print(f"note: The data's classes were matched to those of {saved.key}:\n{table}")
        place = evaluation_on(saved, dataset, data_title(args), args.splits)
        if place.path != saved.path:
            print(f"note: {saved.key} was made with other data and keeps its figures; these are {place.key}'s.")
            network = saved
        if args.flip:
            saved = evaluate_flip_average(saved, dataset, args.splits, args.threads, place)
        else:
            saved = evaluate_run(saved, dataset, args.splits, args.threads, place)
    elif args.flip:
        raise RunError(f"{given} is no saved run, which --flip needs.", "Evaluate it without --flip first.")
    else:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up lines would bury the table
        from emoscope.training.foreign.importing import ImportOptions, import_model

        options = ImportOptions(
            name=args.name,
            class_names=args.classes,
            normalization=args.normalization,
            architecture=args.architecture,
            input_size=args.input_size,
            label_source=args.label_source,
            splits=args.splits,
            overwrite=args.overwrite,
            threads=args.threads,
        )
        saved = import_model(given, lambda size, channels: _data_with_its_classes(args, size, channels), options)
    print(metrics_table(saved))
    if network is not None:
        _print_shift(network, saved, dataset, args.threads)
    print(f"Saved in {saved.path}")
    return 0


def _data_with_its_classes(args: Namespace, size: tuple[int, int], channels: int) -> Dataset:
    """Return the data without the classes that the network, whose classes are named, has no output for."""
    dataset = load_data_at(args, size, channels)
    if not args.classes:
        return dataset
    known = {emotion_key(name) for name in args.classes}
    absent = {name: "" for name in dataset.class_names if emotion_key(name) not in known}
    if len(absent) == len(dataset.class_names):  # as likely as not, it is called otherwise
        absent = {}
    dataset, matched = match_classes(dataset, args.classes, absent | (args.map or {}))
    if table := matching_table(matched):
        print(f"note: The network is scored on the classes that it shares with the data:\n{table}")
    return dataset


def _print_shift(network: Run, place: Run, dataset: Dataset, threads: int) -> None:
    """Say what differs from the data that a run was made with, whose images are compared where they lie ready."""
    ready = find_dataset()
    own = load_dataset(ready, size=network.info.input_size, channels=network.info.channels) if ready else None
    if own is not None and not is_own_data(network, own):
        own = None
    with closing(load_classifier(network, threads=threads)) as classifier:
        print(shift_report(network, place, dataset, own, classifier))


def _class_pairs(text: str) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
    if not pairs or not all(theirs.strip() and sign for theirs, sign, _ in pairs):
        raise ArgumentTypeError(f"pairs such as joy=happy,contempt= are expected, not {text!r}")
    return {theirs.strip(): own.strip() for theirs, _, own in pairs}


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,4})(?:[x×](\d{1,4}))?", text.strip().lower())
    if not found:
        raise ArgumentTypeError(f"a size such as 48x48 is expected, not {text!r}")
    return int(found[1]), int(found[2] or found[1])
