"""``python -m training robustness RUN``: score a saved run on damaged pictures, and keep the figures with it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

import numpy as np

from emoscope.model.dataset import Dataset
from emoscope.model.errors import DataError, RunError
from emoscope.model.evaluation.metrics import ClassCounts, confusion_counts, overall_scores
from emoscope.model.evaluation.robustness import (
    CLEAN,
    CORRUPTION_NAMES,
    SEVERITIES,
    RobustnessMeta,
    RobustnessRow,
    read_robustness,
    robustness_meta,
    summarize_robustness,
    write_robustness,
)
from emoscope.model.networks.classifier import Classifier
from emoscope.model.networks.load import load_classifier
from emoscope.model.runs.run import Run, load_run
from emoscope.model.splits import find_split
from emoscope.training.commands.arguments import add_data_arguments, data_title, load_data
from emoscope.training.evaluation.corruptions import corrupt
from emoscope.training.evaluation.evaluate import CHUNK, choose_splits
from emoscope.training.evaluation.labels import labels_for
from emoscope.training.evaluation.other_data import evaluation_on

# Part of what makes two measurements comparable: raise it whenever a corruption changes.
CORRUPTIONS_VERSION = 1


def measure_robustness(
    run: Run,
    dataset: Dataset,
    split: str | None = None,
    samples: int = 1000,
    seed: int = 0,
    threads: int = 1,
    *,
    place: Run | None = None,
    overwrite: bool = False,
) -> list[RobustnessRow]:
    """Score a run on damaged pictures and write ``robustness.csv``.

    Each measurement is saved as it is made; an interrupted call with the same arguments resumes where it stopped.

    Args:
        run: With a network.
        dataset: Its images are damaged at the size that they were loaded at.
        split: By default the validation split, so that choosing by robustness does not touch the test split.
        samples: Size of the seeded random subset; all where the split has fewer.
        seed: Of the subset and of the damage.
        threads: Cores that the network may use.
        place: The run that figures on these data belong to, where that is another.
        overwrite: Replace measurements that were made on other samples.

    Raises:
        RunError, DataError: The run or the data cannot be used, or there are measurements on other samples.
    """
    place = place or run
    if samples < 1:
        raise DataError(f"{samples} samples are too few to score.", "Give a positive --samples.")
    if split is None:
        split = find_split("validation", dataset.splits)
        if split is None:
            raise DataError(f"{dataset.name} has no validation split.", "Name a split with --split.")
    (split,) = choose_splits(dataset, [split])
    kept, labels = labels_for(run.info, dataset, dataset.splits[split])
    chosen = np.sort(np.random.default_rng(seed).permutation(len(kept))[:samples])
    meta: RobustnessMeta = {
        "split": split,
        "samples": len(chosen),
        "seed": seed,
        "fingerprint": dataset.fingerprint,
        "corruptions_version": CORRUPTIONS_VERSION,
    }
    done = _measured(place, meta, overwrite)
    classifier = load_classifier(run, threads=threads)
    try:
        _measure(place, classifier, dataset.splits[split].images, kept[chosen], labels[chosen], done, meta)
    finally:
        classifier.close()
    return list(done.values())


def _measured(run: Run, meta: RobustnessMeta, overwrite: bool) -> dict[tuple[str, int], RobustnessRow]:
    """Return the measurements that an earlier call made with the same settings.

    Raises:
        RunError: It made them with other settings, and they are not to be replaced.
    """
    try:
        rows = read_robustness(run)
    except RunError:
        rows = []  # broken: measure again
    if rows and robustness_meta(run) != meta:
        if not overwrite:
            raise RunError(
                f"{run.key} has measurements on other samples ({_settings(robustness_meta(run))}).",
                "Give the same settings to go on, or --overwrite to replace them.",
            )
        rows = []
    return {(row.corruption, row.severity): row for row in rows}


def _settings(meta: RobustnessMeta) -> str:
    return ", ".join(f"{name} {value}" for name, value in meta.items() if name != "fingerprint")


def _measure(
    run: Run,
    classifier: Classifier,
    images: np.ndarray,
    positions: np.ndarray,
    labels: np.ndarray,
    done: dict[tuple[str, int], RobustnessRow],
    meta: RobustnessMeta,
) -> None:
    from tqdm import tqdm

    wanted = [(CLEAN, 0), *((name, severity) for name in CORRUPTION_NAMES for severity in SEVERITIES)]
    todo = [key for key in wanted if key not in done]
    for corruption, severity in tqdm(todo, desc=run.key, unit="condition", disable=None, leave=False):
        predicted = []
        for start in range(0, len(positions), CHUNK):
            batch = [
                images[p] if corruption == CLEAN else corrupt(images[p], corruption, severity, int(p), meta["seed"])
                for p in positions[start : start + CHUNK]
            ]
            predicted.append(classifier.classify(batch).probabilities.argmax(1))
        confusion = confusion_counts(labels, np.concatenate(predicted), len(run.info.class_names))
        scores = overall_scores(ClassCounts.from_confusion(confusion))
        done[corruption, severity] = RobustnessRow(
            corruption, severity, len(labels), float(scores["accuracy"]), float(scores["macro_f1"])
        )
        write_robustness(run.path, [done[key] for key in wanted if key in done], meta)


def robustness_table(rows: list[RobustnessRow]) -> str:
    """Format measurements for a terminal: one line per corruption, one column per severity, and the share kept."""
    summary = summarize_robustness(rows)
    by_place = {(row.corruption, row.severity): row.accuracy for row in rows}
    lines = [f"{'accuracy at severity':<22}" + "".join(f"{s:>8}" for s in SEVERITIES) + f"{'kept':>9}"]
    for name, kept in summary.retained.items():
        cells = "".join(f"{100 * by_place[name, s]:>8.1f}" if (name, s) in by_place else " " * 8 for s in SEVERITIES)
        lines.append(f"{name.replace('_', ' '):<22}{cells}{100 * kept:>7.0f} %")
    mean = f"{100 * summary.mean_retained:.0f} %"
    return "\n".join([*lines, f"untouched {100 * summary.clean_accuracy:.1f} %, mean kept {mean}, n = {rows[0].n:,}"])


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags of ``python -m training robustness``."""
    parser.description = (
        "Score a saved run on damaged pictures and write its robustness.csv. On other data than it was made with, "
        "the figures become those of a run of their own, RUN-on-DATA-HASH."
    )
    parser.add_argument("run", help="key or folder of a saved run")
    add_data_arguments(parser)
    parser.add_argument("--split", help="split to damage (default: validation; the test split for a final report)")
    parser.add_argument("--samples", type=int, default=1000, help="size of the random subset (default 1000)")
    parser.add_argument("--seed", type=int, default=0, help="of subset and damage (default 0)")
    parser.add_argument("--threads", type=int, default=1, help="cores to use (default 1)")
    parser.add_argument("--overwrite", action="store_true", help="replace measurements made on other samples")


def run(args: Namespace) -> int:
    """Measure, save and print."""
    saved = load_run(Path(args.run))
    dataset = load_data(args, saved.info)
    place = evaluation_on(saved, dataset, data_title(args), [args.split] if args.split else None)
    rows = measure_robustness(
        saved, dataset, args.split, args.samples, args.seed, args.threads, place=place, overwrite=args.overwrite
    )
    print(robustness_table(rows))
    print(f"Saved in {place.path / 'robustness.csv'}")
    return 0
