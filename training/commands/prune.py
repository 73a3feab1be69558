"""``python -m training prune RUN``: set a run's smallest weights to zero and train what is left a little further.

The weights of all convolution and dense kernels but the first and the last, which are small and which everything
passes, are ranked together by magnitude; those that fall stay zero while the others are fine-tuned. A pruned network is
a run of its own. Its file is smaller once it is compressed; it is as fast as before, for LiteRT computes with zeros as
with other numbers.

Source: Han et al., Learning both Weights and Connections for Efficient Neural Networks, 2015.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emoscope.model.dataset import Dataset
from emoscope.model.errors import ConfigError, RunError
from emoscope.model.runs.files import checkpoint_of
from emoscope.model.runs.run import Run, load_run, write_run_info
from emoscope.training.backend.open_network import open_network
from emoscope.training.commands.arguments import add_data_arguments, load_data
from emoscope.training.commands.train import keep
from emoscope.training.config.schema import TrainConfig
from emoscope.training.config.values import build
from emoscope.training.evaluation.other_data import beside

if TYPE_CHECKING:
    import keras

EPOCHS = 3
RATE = 0.1


def prune(
    run: Run,
    dataset: Dataset,
    sparsity: float,
    output: Path,
    *,
    epochs: int = EPOCHS,
    learning_rate: float | None = None,
    fresh: bool = False,
) -> Run:
    """Prune a run's network, fine-tune it and save it as a run of its own; resumable after every epoch.

    Args:
        run: Trained here, with its Keras network.
        dataset: That the fine-tuning uses, at the network's size.
        sparsity: Share of the ranked weights that become zero, above 0 and below 1.
        output: Folder of the pruned run.
        epochs: Of fine-tuning.
        learning_rate: It falls from here along a cosine; by default a tenth of the run's own highest rate.
        fresh: Forget an unfinished fine-tuning.

    Raises:
        RunError: The run was not trained here, or holds no Keras network.
        ConfigError: The sparsity is not possible.
        DataError: The data lack what the fine-tuning needs.
    """
    if not 0 < sparsity < 1:
        raise ConfigError(f"--sparsity must lie between 0 and 1, not {sparsity:g}.", "0.5 sets half the weights to 0.")
    config = fine_tuning(run, f"{run.info.name}, {100 * sparsity:g} % pruned", epochs, learning_rate)
    network = open_network(run)

    from emoscope.training.exporting.timing import measure_exports
    from emoscope.training.loop.train import train

    def prepare(fresh_network: keras.Model) -> None:
        shapes = [[weight.shape for weight in model.get_weights()] for model in (fresh_network, network)]
        if shapes[0] != shapes[1]:
            raise RunError(f"The weights of {run.key} are not those of its configuration.", "Train it again.")
        fresh_network.set_weights(network.get_weights())
        hold_at_zero(fresh_network, sparsity)

    trained = train(config, dataset, checkpoint_of(output), fresh=fresh, prepare=prepare)
    (pruned,) = keep(trained, config, dataset, output)
    zeros, total = count_zeros(trained.network)
    note = f"Pruned from {run.key}: {zeros:,} of {total:,} kernel weights are 0; {epochs} epochs of fine-tuning."
    info = replace(pruned.info, note=note, origin=run.key, config=asdict(config) | {"sparsity": sparsity})
    write_run_info(pruned.path, info)
    measure_exports(load_run(pruned.path), origin=run if run.litert_file else None)
    return load_run(pruned.path)


def fine_tuning(run: Run, name: str, epochs: int, learning_rate: float | None = None) -> TrainConfig:
    """Return the run's own configuration, shortened: one label source, full size, a low and falling rate.

    Raises:
        RunError: The run was not trained here.
    """
    if not run.info.config:
        raise RunError(f"{run.key} was not trained here, so its training settings are not known.")
    from emoscope.training.loop.save import LABELS_OF_SOURCES

    known = TrainConfig.__dataclass_fields__
    config: TrainConfig = build(TrainConfig, {key: value for key, value in run.info.config.items() if key in known})
    return replace(
        config.without_teacher(),
        name=name,
        labels=LABELS_OF_SOURCES.get(run.info.label_source, "fer"),
        epochs=epochs,
        learning_rate=learning_rate or RATE * config.learning_rate,
        schedule="cosine",
        restart_epoch=0,
        warmup_epochs=0,
        freeze_epochs=0,
        patience=0,
        resolutions=(),
        initial=(),
    )


def hold_at_zero(network: keras.Model, sparsity: float) -> None:
    """Set the smallest weights of all kernels but the first and the last to zero, and let no optimizer change that.

    Args:
        network: Of at least three kernels.
        sparsity: Share of those weights.

    Raises:
        ConfigError: The network has no kernel between its first and its last.
    """
    import keras

    from emoscope.model.networks.architectures import kernels

    inner = [kernel for _, kernel in kernels(network)][1:-1]
    if not inner:
        raise ConfigError("The network has too few layers to prune.")
    values = [keras.ops.convert_to_numpy(kernel) for kernel in inner]
    magnitudes = np.abs(np.concatenate([value.ravel() for value in values]))
    # Ranks, not a threshold: of equal weights no more fall than are asked for.
    kept = np.ones(magnitudes.size, np.float32)
    kept[np.argsort(magnitudes, kind="stable")[: round(sparsity * magnitudes.size)]] = 0
    start = 0
    for kernel, value in zip(inner, values, strict=True):
        mask = kept[start : start + value.size].reshape(value.shape)
        start += value.size
        kernel.assign(value * mask)
        kernel.constraint = _Masked(mask)


class _Masked:
    """A constraint that the optimizer applies after each step."""

    def __init__(self, mask: np.ndarray) -> None:
        self.mask = mask

    def __call__(self, weights: Any) -> Any:
        return weights * self.mask


def count_zeros(network: keras.Model) -> tuple[int, int]:
    """Return how many kernel weights are zero, and how many there are."""
    import keras

    from emoscope.model.networks.architectures import kernels

    values = [keras.ops.convert_to_numpy(kernel) for _, kernel in kernels(network)]
    return sum(int((value == 0).sum()) for value in values), sum(value.size for value in values)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags of ``python -m training prune``."""
    parser.add_argument("run", help="key or folder of a saved run")
    parser.add_argument("--sparsity", type=float, default=0.5, help="share of the weights to set to 0 (default 0.5)")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"of fine-tuning (default {EPOCHS})")
    parser.add_argument("--learning_rate", type=float, help=f"to begin with (default: {RATE} of the run's)")
    parser.add_argument("--output", type=Path, help="folder of the pruned run (default: <run>-pruned-<percent>)")
    parser.add_argument("--fresh", action="store_true", help="forget an unfinished fine-tuning and start over")
    parser.add_argument("--overwrite", action="store_true", help="replace a finished run of the same name")
    add_data_arguments(parser)


def run(args: Namespace) -> int:
    """Prune, fine-tune, save, export, score; the same command resumes where it was stopped."""
    origin = load_run(args.run)
    output = args.output or beside(origin, f"pruned-{100 * args.sparsity:g}")
    if (output / "run.json").is_file() and not (args.overwrite or checkpoint_of(output).is_file()):
        raise RunError(f"There is already a run {output.name}.", "Choose another --output, or give --overwrite.")
    dataset = load_data(args, origin.info)
    try:
        pruned = prune(
            origin,
            dataset,
            args.sparsity,
            output,
            epochs=args.epochs,
            learning_rate=args.learning_rate,
            fresh=args.fresh,
        )
    except KeyboardInterrupt:
        print("\nStopped. The same command resumes after the last finished epoch.")
        return 130
    print(pruned.info.note)
    for split, metrics in pruned.metrics.items():
        before = origin.metrics.get(split)
        compared = f", {origin.key} {100 * before['accuracy']:.2f} %" if before is not None else ""
        print(f"{pruned.key}  {split}: accuracy {100 * metrics['accuracy']:.2f} %{compared}, n = {metrics['n']:,}")
    return 0
