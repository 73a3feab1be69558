"""``python -m training train``: from a configuration and data to an evaluated, exported run."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emoscope.model.dataset import Dataset, find_dataset, load_dataset
from emoscope.model.errors import ConfigError, EmoscopeError, make_room
from emoscope.model.runs.files import checkpoint_of
from emoscope.model.runs.run import Run, artifacts_root
from emoscope.training.commands.arguments import add_data_arguments, load_data_at, separate_names
from emoscope.training.config.schema import TrainConfig, add_config_flags, config_names, config_overrides, load_config
from emoscope.training.evaluation.evaluate import choose_splits
from emoscope.training.inputs.samples import without_absent_votes

if TYPE_CHECKING:
    from emoscope.training.loop.train import Trained


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags of ``python -m training train``."""
    known = ", ".join(config_names())
    parser.add_argument(
        "config", nargs="?", default="emoscope", help=f"YAML file or one of: {known} (default: emoscope)"
    )
    add_data_arguments(parser)
    parser.add_argument("--output", type=Path, help="folder of the run (default: artifacts/<config>-<seed>)")
    parser.add_argument("--fresh", action="store_true", help="forget an unfinished training and start over")
    parser.add_argument(
        "--splits",
        type=separate_names,
        metavar="A,B",
        help="to score in the end (default: all but the training split); keep the test split for the last candidate",
    )
    group = parser.add_argument_group("more than one device (pip install -r requirements-cluster.txt)")
    group.add_argument("--all-devices", action="store_true", help="share every batch among all GPUs of this host")
    group.add_argument("--workers", type=int, metavar="N", help="train on N hosts of a Ray cluster, all GPUs of each")
    group.add_argument("--address", metavar="HOST", help="of the cluster, e.g. head:6379 (default: one started here)")
    add_config_flags(parser)


def run(args: Namespace) -> int:
    """Train, save, export, evaluate; the same command resumes where it was stopped."""
    config = load_config(args.config, config_overrides(args))
    output = args.output or artifacts_root() / f"{Path(args.config).stem}-{config.seed}"
    dataset = load_data_at(args, config.input_size, config.channels)
    print(f"{dataset.name}: " + ", ".join(f"{name} {size:,}" for name, size in dataset.split_sizes.items()))
    config = without_absent_votes(config, dataset)

    if args.splits:
        choose_splits(dataset, args.splits)  # a split that is not there is reported before hours of training

    try:
        trained = _train(args, config, dataset, checkpoint_of(output))
    except KeyboardInterrupt:
        print("\nStopped. The same command resumes after the last finished epoch.")
        return 130
    print(f"Best epoch: {trained.best_epoch} of {len(trained.history)}")
    for saved in keep(trained, config, dataset, output, splits=args.splits):
        for split, metrics in saved.metrics.items():
            print(f"{saved.key}  {split}: accuracy {100 * metrics['accuracy']:.2f} %, n = {metrics['n']:,}")
    return 0


def train_run(config: str | Path, data: str | PathLike[str], output: Path, settings: Mapping[str, Any]) -> Run:
    """Train in this process and save the result; see :func:`emoscope.train`."""
    resolved = load_config(config, settings)
    dataset = load_dataset(Path(data), size=resolved.input_size, channels=resolved.channels)
    resolved = without_absent_votes(resolved, dataset)

    from emoscope.training.loop.train import train

    trained = train(resolved, dataset, checkpoint_of(output))
    return keep(trained, resolved, dataset, output)[0]


def _train(args: Namespace, config: TrainConfig, dataset: Dataset, checkpoint: Path) -> Trained:
    """Train on what the flags name."""
    if args.workers is not None:
        from emoscope.training.cluster.driver import train_on_ray
        from emoscope.training.cluster.worker import Work

        data = Path(args.data or find_dataset() or "").expanduser().absolute()
        votes = Path(args.votes).expanduser().absolute() if args.votes else None
        work = Work(config, data, votes, checkpoint.absolute(), Path.cwd())
        return train_on_ray(work, dataset, args.workers, args.address, args.fresh)
    if args.address:
        raise ConfigError("--address is the address of a Ray cluster.", "Give --workers, the number of hosts.")
    if args.all_devices:
        from emoscope.training.cluster.driver import use_jax

        use_jax()
    # Keras is slow to import; problems with the flags or the data have been reported by now.
    from emoscope.training.backend.devices import all_devices
    from emoscope.training.loop.train import train

    with all_devices() if args.all_devices else nullcontext() as names:
        if names:
            print(f"Training on {', '.join(names)}")
        return train(config, dataset, checkpoint, fresh=args.fresh)


def keep(
    trained: Trained,
    config: TrainConfig,
    dataset: Dataset,
    output: Path,
    note: str = "",
    splits: Sequence[str] | None = None,
) -> list[Run]:
    """Save, export and evaluate a finished training.

    Args:
        trained: The training.
        config: That it was trained with.
        dataset: That it was trained on.
        output: Folder of the first head's run.
        note: Free text for people, kept in ``run.json``.
        splits: Which to score; all but the training split where None.

    Returns:
        The run of each head, the first head's first.

    Raises:
        EmoscopeError: The disk is full or the folder cannot be written; the checkpoint keeps what was trained.
    """
    from emoscope.training.evaluation.evaluate import evaluate_run
    from emoscope.training.exporting.convert import check_agreement, export_litert
    from emoscope.training.loop.save import save_runs

    runs = []
    try:
        for saved in save_runs(trained, config, dataset, output, note):
            try:
                file = export_litert(saved)
                difference = check_agreement(saved, dataset)
                print(f"{saved.key}/{file.name}: {file.stat().st_size / 1e6:.2f} MB, within {difference:.1e} of Keras")
            except EmoscopeError as error:
                print(error)
            runs.append(evaluate_run(saved, dataset, splits))
    except OSError as error:
        raise EmoscopeError(
            f"The run could not be written ({error.strerror or error}).",
            f"{make_room(error, output.parent)}; the same command finishes it without training again.",
        ) from error
    return runs
