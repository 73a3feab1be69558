"""``python -m training train``: from a configuration and data to an evaluated, exported run."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from model.artifacts import Run, artifacts_root, load_run
from model.dataset import Dataset
from model.errors import EmoscopeError
from training.arguments import add_data_arguments, load_data_at
from training.config import TrainConfig, add_config_flags, config_names, config_overrides, load_config

if TYPE_CHECKING:
    from training.train import Trained


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags of ``python -m training train``."""
    known = ", ".join(config_names())
    parser.add_argument(
        "config", nargs="?", default="emoscope", help=f"YAML file or one of: {known} (default: emoscope)"
    )
    add_data_arguments(parser)
    parser.add_argument("--output", type=Path, help="folder of the run (default: artifacts/<config>-<seed>)")
    parser.add_argument("--fresh", action="store_true", help="forget an unfinished training and start over")
    add_config_flags(parser)


def run(args: Namespace) -> int:
    """Train, save, export, evaluate; the same command goes on where it was stopped."""
    config = load_config(args.config, config_overrides(args))
    output = args.output or artifacts_root() / f"{Path(args.config).stem}-{config.seed}"
    dataset = load_data_at(args, config.input_size, config.channels)
    print(f"{dataset.name}: " + ", ".join(f"{name} {size:,}" for name, size in dataset.split_sizes.items()))

    # Keras is slow to import; what is wrong with the flags or the data has been said by now.
    from training.train import train

    checkpoint = checkpoint_of(output)
    try:
        trained = train(config, dataset, checkpoint, fresh=args.fresh)
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on after the last finished epoch.")
        return 130
    print(f"Best epoch: {trained.best_epoch} of {len(trained.history)}")
    for saved in keep(trained, config, dataset, output):
        for split, metrics in saved.metrics.items():
            print(f"{saved.key}  {split}: accuracy {100 * metrics['accuracy']:.2f} %, n = {metrics['n']:,}")
    return 0


def checkpoint_of(output: Path) -> Path:
    """Return where the unfinished state of a run's training is kept."""
    return output.parent / ".checkpoints" / f"{output.name}.npz"


def keep(trained: Trained, config: TrainConfig, dataset: Dataset, output: Path, note: str = "") -> list[Run]:
    """Save, export and evaluate a finished training.

    Args:
        trained: The training.
        config: That it was trained with.
        dataset: That it was trained on.
        output: Folder of the first head's run.
        note: Free text for people, kept in ``run.json``.

    Returns:
        The run of each head, the first head's first.

    Raises:
        EmoscopeError: The disk is full or the folder cannot be written; the checkpoint keeps what was trained.
    """
    from training.evaluate import evaluate_run
    from training.export import check_agreement, export_litert
    from training.save import save_runs

    runs = []
    try:
        for folder in save_runs(trained, config, dataset, output, note):
            saved = load_run(folder)
            try:
                file = export_litert(saved)
                difference = check_agreement(saved, dataset)
                print(
                    f"{folder.name}/{file.name}: {file.stat().st_size / 1e6:.2f} MB, within {difference:.1e} of Keras"
                )
            except EmoscopeError as error:
                print(error)
            evaluate_run(folder, dataset)
            runs.append(load_run(folder))
    except OSError as error:
        raise EmoscopeError(
            f"The run could not be written ({error.strerror or error}).",
            f"Free some space at {output.parent}; the same command finishes it without training again.",
        ) from error
    return runs
