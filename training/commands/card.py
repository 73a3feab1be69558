"""``python -m training card RUN``: write a run's model card, ``README.md``, from its saved files.

Every figure in the card is computed from the run's files, so the card is written again whenever they change.

Source: Mitchell et al., "Model Cards for Model Reporting", FAT* 2019.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence

import numpy as np

from emoscope.model.dataset import VOTE_NAMES, Dataset
from emoscope.model.errors import NotKnownError, RunError
from emoscope.model.evaluation.calibration import (
    ABSTAIN_ACCURACY,
    answered_from,
    calibration_data,
    temperature_effect,
)
from emoscope.model.evaluation.label_errors import accuracy_by_agreement, vote_shares, votes_of
from emoscope.model.evaluation.metrics import METRIC_TITLES, SCALARS, confusion_counts, metrics_of
from emoscope.model.evaluation.robustness import read_robustness, summarize_robustness
from emoscope.model.evaluation.votes import compare_with_votes
from emoscope.model.runs.files import write_atomically
from emoscope.model.runs.predictions import Predictions
from emoscope.model.runs.run import CARD_FILE, Run, load_run, own_labels
from emoscope.model.splits import images_of, is_by_votes
from emoscope.training.commands.arguments import add_data_arguments, own_data

CONFUSIONS = 6

_PURPOSE = """
## What it is for

To see how a small network classifies faces: in teaching, in research on expression recognition, and as a starting point
for networks of one's own. It takes single, roughly upright faces of at least about 40 pixels.

## What it is not for

**An expression is not an inner state.** The network names the expression that annotators would probably name in a
picture. It does not know what a person feels, thinks or intends, and people smile when they are sad. So it must not be
used to decide about anybody: not in hiring, schools, policing, insurance, health care or border control, and not to
watch people who have not agreed to it. Such uses are forbidden in some places, among them the workplaces and schools of
the European Union.
"""

_DATA = """
## The data and what follows from them

FER-2013 was gathered in 2013 by an image search for emotion words: gray pictures of 48 × 48 pixels, many of them posed,
many of public figures, with one label each. Age, origin and gender of the people are not recorded, so how the accuracy
differs between groups could not be measured here, and is likely to differ. Some labels are wrong, and some pictures
hold no face or occur twice; the Dataset page shows them. FER+ (2016) gave the same pictures ten votes each.
"""


def model_card(run: Run, dataset: Dataset | None = None) -> str:
    """Write the model card of a run as Markdown.

    Args:
        run: With saved predictions.
        dataset: The data that it was scored on; with FER+ votes the card also gives the accuracy where annotators
            agree.

    Raises:
        RunError: The run has no predictions, or they are broken.
    """
    if not run.info.knows_input:
        raise NotKnownError(f"A model card describes a network, and {run.key} holds imported results.")
    if not run.splits:
        raise RunError(f"{run.key} has no saved predictions.", f"Run `python -m training evaluate {run.key}`.")
    split = own_labels(run, run.splits[0])
    found = run.predictions(split)
    return "\n".join(
        [
            f"# Model card: {run.info.name}",
            "",
            *_facts(run),
            _PURPOSE,
            _DATA.strip() if run.info.dataset.name == "FER-2013" else f"## The data\n\n{run.info.dataset.name}.",
            "",
            run.info.licence,
            *_people(run, split),
            *_results(run, split),
            *_confusions(run, found),
            *_confidence(run, split, found),
            *_agreement(run, split, found, dataset),
            *_robustness(run),
            *_training(run),
        ]
    )


def _facts(run: Run) -> list[str]:
    info = run.info
    height, width = info.input_size
    rows = [
        ("Answers", ", ".join(info.class_names)),
        ("Input", f"a face of {height} × {width} pixels, {'gray' if info.channels == 1 else 'RGB'}"),
        ("Architecture", info.architecture),
        ("Weights", f"{info.parameters / 1e6:.2f} million"),
        ("Operations per face", f"{info.multiply_adds / 1e6:.1f} million (a multiply-add counts as two)"),
    ]
    if run.litert_file is not None:
        rows.append(("LiteRT file", f"{run.litert_file.stat().st_size / 1e6:.2f} MB"))
    return [f"- **{name}:** {value}" for name, value in rows]


def _people(run: Run, split: str) -> list[str]:
    """Say what a probability means and how near the network is to people, where it learned their votes."""
    if not is_by_votes(split):
        return []
    images = images_of(split)
    figures = compare_with_votes(run.with_votes(run.predictions(images)), run.info.class_names)
    labelled = metrics_of(run, images, resamples=0)["accuracy"]
    rows = [
        ("accuracy where more than half of ten people agree", _percent(figures.accuracy[0], 1)),
        ("the same of one person against the others", _percent(figures.person_accuracy, 1)),
        ("a person says what the network predicts", _percent(figures.agreement, 1)),
        ("a person says what another person says", _percent(figures.person_agreement, 1)),
        ("calibration error against the share of people who agree", _percent(figures.reliability.ece, 1)),
        ("accuracy by the data set's own labels", _percent(labelled, 1)),
    ]
    return [
        "",
        f"## Beside people, on {images}",
        "",
        "It learned what share of people named each emotion, so a probability of 80 % reads: 80 of 100 people would "
        "say so. The data set's own labels are one word for each image; where most people agree, they say something "
        "else on three images in ten, so the two accuracies differ.",
        "",
        *_table(("figure", "value"), rows),
    ]


def _results(run: Run, split: str) -> list[str]:
    figures = metrics_of(run, split)
    overall = []
    for name in SCALARS:
        low, high = figures["intervals"][name]
        overall.append((METRIC_TITLES[name], f"{figures[name]:.3f}", f"{low:.3f} to {high:.3f}"))
    classes = [
        (row["name"], f"{row['precision']:.3f}", f"{row['recall']:.3f}", f"{row['f1']:.3f}", f"{row['support']:,}")
        for row in figures["per_class"]
    ]
    source = run.info.label_source
    labels = f", labels: {source}" if source and not is_by_votes(split) else ""
    return [
        "",
        f"## Results on {split} ({figures['n']:,} images{labels})",
        "",
        *_table(("figure", "value", "95 % interval"), overall),
        "",
        *_table(("class", "precision", "recall", "F1", "images"), classes),
    ]


def _confusions(run: Run, found: Predictions) -> list[str]:
    names, classes = run.info.class_names, len(run.info.class_names)
    counts = confusion_counts(found.label, found.probabilities.argmax(1), classes)
    images = counts.sum(1)
    np.fill_diagonal(counts, 0)
    share = counts / np.maximum(images, 1)[:, None]
    worst = [np.unravel_index(k, share.shape) for k in np.argsort(-share, axis=None, kind="stable")[:CONFUSIONS]]
    rows = [(names[i], names[j], _percent(share[i, j]), f"{counts[i, j]:,}") for i, j in worst if counts[i, j]]
    return ["", "## Known confusions", "", *_table(("label", "predicted as", "of that label", "images"), rows)]


def _confidence(run: Run, split: str, found: Predictions) -> list[str]:
    lines = ["", "## How reliable its confidence is", ""]
    if run.temperature is not None:
        probabilities, truth = calibration_data(run, split)
        effect = temperature_effect(truth, probabilities, run.temperature)
        lines += [
            f"A temperature of {run.temperature:.3f}, fitted on the validation split, takes the calibration "
            f"error (ECE) on {split} from {effect['ece_before']:.3f} to {effect['ece_after']:.3f}.",
            "",
        ]
    if run.temperature is not None and run.abstain_below is not None:
        coverage, accuracy = answered_from(found, run.temperature, run.abstain_below)
        lines += [
            "Where it may abstain: answering only from a calibrated confidence of "
            f"{run.abstain_below:.2f} on, chosen on {run.calibration.get('split')} for "
            f"{_percent(ABSTAIN_ACCURACY)} accuracy with a margin, it answers {_percent(coverage)} of {split} and is "
            f"right on {_percent(accuracy, 1)} of those.",
            "",
        ]
    return lines


def _agreement(run: Run, split: str, found: Predictions, dataset: Dataset | None) -> list[str]:
    votes = votes_of(dataset, split, found) if dataset is not None else None
    if votes is None:
        return []
    curve = accuracy_by_agreement(found, vote_shares(votes, VOTE_NAMES, run.info.class_names))
    rows = [
        (
            f"{100 * low:.0f} to {_percent(high)}",
            f"{n:,}",
            _percent(accuracy, 1),
            f"{100 * bottom:.1f} to {_percent(top, 1)}",
        )
        for low, high, n, accuracy, bottom, top in zip(
            curve.low, curve.high, curve.n, curve.accuracy, curve.accuracy_low, curve.accuracy_high, strict=True
        )
        if n
    ]
    return [
        "## Where annotators agree, and where they do not",
        "",
        "What people cannot tell apart, no network can.",
        "",
        *_table(("share of FER+ votes for the top emotion", "images", "accuracy", "95 % interval"), rows),
    ]


def _robustness(run: Run) -> list[str]:
    rows = read_robustness(run)
    if not rows:
        return []
    summary = summarize_robustness(rows)
    kept = sorted(summary.retained.items(), key=lambda item: item[1])
    return [
        "",
        "## In poor pictures",
        "",
        f"Over five severities of each damage it keeps {_percent(summary.mean_retained)} of its accuracy on average.",
        "",
        *_table(("damage", "accuracy kept"), [(name.replace("_", " "), _percent(share)) for name, share in kept]),
    ]


def _training(run: Run) -> list[str]:
    info = run.info
    if not info.training_seconds:
        return []
    machine = ", ".join(f"{info.environment[k]}" for k in ("backend", "machine") if k in info.environment)
    return [
        "",
        "## How it was trained",
        "",
        f"{len(next(iter(run.history.values()), ()))} epochs in {info.training_seconds / 3600:.1f} hours ({machine}), "
        f"weights of epoch {info.best_epoch}. The whole configuration is in `run.json`, every epoch in `history.csv`.",
    ]


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *rows)]


def _percent(share: float, decimals: int = 0) -> str:
    return f"{100 * share:.{decimals}f} %"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags of ``python -m training card``."""
    parser.description = (
        "Write the model card, README.md, of each run anew from its files. Only the data that a run was made with add "
        "to it: its accuracy where annotators agree."
    )
    parser.add_argument("run", nargs="+", help="key or folder of a saved run")
    add_data_arguments(parser)


def run(args: Namespace) -> int:
    """Write the card of each run."""
    for key in args.run:
        saved = load_run(key)
        dataset = own_data(args, saved)
        write_atomically(saved.path / CARD_FILE, model_card(saved, dataset).rstrip() + "\n")
        print(saved.path / CARD_FILE)
    return 0
