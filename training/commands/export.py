"""``python -m training export RUN``: write a run's network in other formats, score and time them side by side."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from pathlib import Path

from emoscope.model.dataset import Dataset
from emoscope.model.errors import EmoscopeError, RunError
from emoscope.model.evaluation.agreement import agreement, stands_in
from emoscope.model.evaluation.comparison import compare, pair_runs
from emoscope.model.runs.exports import ORIGINAL, VARIANTS, Exported, read_exports
from emoscope.model.runs.files import read_text
from emoscope.model.runs.run import CARD_FILE, Run, load_run, own_labels
from emoscope.training.commands.arguments import add_data_arguments, own_data, separate_names
from emoscope.training.commands.card import model_card

PAGE = "page"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags of ``python -m training export``."""
    parser.description = (
        "Write a run's network in other formats below its folder, score each of them on the data that it was made with "
        "and time them side by side. Formats that are there are written again."
    )
    parser.add_argument("run", help="key or folder of a saved run")
    known = ", ".join(VARIANTS)
    parser.add_argument("--variants", type=_variants, metavar="A,B", help=f"formats to write (default: all of {known})")
    parser.add_argument(
        "--form",
        choices=[*VARIANTS, PAGE],
        help=f"write this one only; {PAGE}: a folder for any static host, with Live in the browser",
    )
    parser.add_argument("--output", type=Path, help=f"folder of the {PAGE} (default: RUN-{PAGE} here)")
    parser.add_argument(
        "--splits", type=separate_names, metavar="A,B", help="to score them on (default: all but the training split)"
    )
    parser.add_argument("--threads", type=int, default=1, help="cores to score with (default 1)")
    add_data_arguments(parser)


def _variants(text: str) -> tuple[str, ...]:
    names = separate_names(text)
    for name in names:
        if name not in VARIANTS:
            raise ArgumentTypeError(f"{name!r} is none of {', '.join(VARIANTS)}")
    return names


def run(args: Namespace) -> int:
    """Convert, score where there are data, measure and print; one format's failure costs none of the others."""
    saved = load_run(args.run)
    if args.form == PAGE:
        return _write_page(saved, args.output or Path(f"{saved.path.name}-{PAGE}"))
    variants = (args.form,) if args.form else args.variants
    dataset = own_data(args, saved)
    problems = export_run(saved, dataset, variants, args.splits, args.threads)
    print(export_table(load_run(saved.path), args.splits))
    if dataset is None:
        print("Not compared with the original: the data that it was made with are not at hand (give --data).")
    for problem in problems:
        print(f"note: {problem}", file=sys.stderr)
    return 1 if variants and problems else 0


def _write_page(run: Run, folder: Path) -> int:
    from emoscope.training.exporting.page import write_page

    write_page(run, folder, _card(run))
    size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    print(f"Wrote {folder} ({size:.0f} MB). Put it on any static host, or look at it here:")
    print(f"  python -m http.server --directory {folder}")
    return 0


def _card(run: Run) -> str:
    """Return the run's model card, made now where it has none."""
    if (run.path / CARD_FILE).is_file():
        return read_text(run.path / CARD_FILE)
    try:
        return model_card(run)
    except RunError as error:  # without predictions there are no figures for a card
        return f"# Model card: {run.info.name}\n\n{error}\n"


def export_run(
    run: Run,
    dataset: Dataset | None,
    variants: Sequence[str] | None = None,
    splits: Sequence[str] | None = None,
    threads: int = 1,
) -> list[str]:
    """Write a run's network in other formats, score each, and measure all.

    Args:
        run: With its Keras network.
        dataset: For calibrating and scoring; None leaves both out.
        variants: Keys of :data:`emoscope.model.runs.exports.VARIANTS`;
            all where None, but a ``model.tflite`` that is there stays.
        splits: To score; all but the training split where None.
        threads: Cores to score with.

    Returns:
        What could not be done, a sentence each.

    Raises:
        RunError: The run holds no Keras network.
        EmoscopeError: Nothing can be converted here.
    """
    # Keras is slow to import; problems with the flags or the data have been reported by now.
    from emoscope.training.evaluation.evaluate import choose_splits
    from emoscope.training.exporting.convert import TOLERANCES, check_agreement, convert, evaluate_variant
    from emoscope.training.exporting.timing import measure_exports

    if dataset is not None:
        splits = choose_splits(dataset, splits)
    wanted = list(variants or (name for name in VARIANTS if name != ORIGINAL))
    if ORIGINAL not in wanted and not (run.path / VARIANTS[ORIGINAL].file).is_file():
        wanted.insert(0, ORIGINAL)  # what the others are measured against
    converted = convert(run, wanted, dataset)
    problems = [problem for problem in converted.values() if problem]
    if dataset is not None and splits is not None:
        to_score = [variant for variant, problem in converted.items() if not problem]
        if ORIGINAL not in to_score and not set(splits) <= set(run.splits):
            to_score.insert(0, ORIGINAL)
        for variant in to_score:
            try:
                if variant in TOLERANCES:
                    check_agreement(run, dataset, variant)
                evaluate_variant(run, variant, dataset, splits, threads)
            except EmoscopeError as error:
                problems.append(f"{variant} was not scored: {error}")
    problems += [f"{name} was not timed: {problem}" for name, problem in measure_exports(run).items()]
    return problems


def export_table(run: Run, splits: Sequence[str] | None = None) -> str:
    """Format the exports of a run's network for a terminal, scored on the last split that was asked for."""
    scored = next((name for name in reversed(splits or run.splits) if name in run.splits), "")
    split = own_labels(run, scored) if scored else ""
    accuracy = f"accuracy on {split}" if split else ""
    lines = [f"{'':<10}{'MB':>8}{'zipped':>8}{'ms':>8}  {accuracy:<26}{'same class' if split else ''}"]
    for form in read_exports(run):
        line = f"{form.variant:<10}{form.bytes / 1e6:>8.2f}{form.zipped_bytes / 1e6:>8.2f}{form.milliseconds:>8.2f}  "
        if scored in form.run.splits:
            line += _scores(form, run, split)
        lines.append(line.rstrip())
    return "\n".join(lines)


def _scores(form: Exported, run: Run, split: str) -> str:
    pair = pair_runs(form.run, run, split)
    comparison = compare(pair)
    accuracy = f"{100 * comparison.accuracy.a:.2f} %"
    if form.variant == ORIGINAL:
        return accuracy
    change = f"{accuracy} ({100 * comparison.accuracy.value:+.2f} points)"
    equal = "" if stands_in(comparison) else "  not equal to the original"
    return f"{change:<26}{100 * agreement(pair).same:.1f} %{equal}"
