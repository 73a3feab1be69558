"""``python -m training train``: from a configuration and data to an evaluated, exported run."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from model.artifacts import artifacts_root, load_run
from model.errors import EmoscopeError
from training.arguments import add_data_arguments, load_data_at
from training.config import CONFIGS, add_config_flags, config_overrides, load_config


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags of ``python -m training train``."""
    known = ", ".join(sorted(p.stem for p in CONFIGS.glob("*.yaml")))
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
    from training.evaluate import evaluate_run
    from training.export import check_agreement, export_litert
    from training.save import save_runs
    from training.train import train

    checkpoint = output.parent / ".checkpoints" / f"{output.name}.npz"
    try:
        trained = train(config, dataset, checkpoint, fresh=args.fresh)
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on after the last finished epoch.")
        return 130
    print(f"Best epoch: {trained.best_epoch} of {len(trained.history)}")
    for folder in save_runs(trained, config, dataset, output):
        saved = load_run(folder)
        try:
            file = export_litert(saved)
            difference = check_agreement(saved, dataset)
            print(f"{folder.name}/{file.name}: {file.stat().st_size / 1e6:.2f} MB, within {difference:.1e} of Keras")
        except EmoscopeError as error:
            print(error)
        evaluate_run(folder, dataset)
        for split, metrics in load_run(folder).metrics.items():
            print(f"{folder.name}  {split}: accuracy {100 * metrics['accuracy']:.2f} %, n = {metrics['n']:,}")
    return 0
