"""Learning rates and stopping as pure functions of progress and history, so that a resumed training repeats them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from emoscope.training.config.schema import TrainConfig

History = Sequence[Mapping[str, float]]


def learning_rate(config: TrainConfig, epoch: float, history: History) -> float:
    """Return the learning rate at a point of the training.

    Args:
        config: The schedule and its parameters.
        epoch: Progress in epochs from 0, fractional inside an epoch.
        history: Rows of the finished epochs; ``plateau`` reads their ``val_loss``.

    Source: Loshchilov & Hutter, "SGDR", 2016 (cosine with warm restart); Goyal et al., 2017 (linear warm-up).
    """
    peak = config.learning_rate
    if config.freeze_epochs and epoch >= config.freeze_epochs:
        peak *= config.fine_tune_scale
    if epoch < config.warmup_epochs:
        return peak * max(epoch / config.warmup_epochs, 1e-3)
    if config.schedule == "cosine":
        start, end = config.warmup_epochs, config.restart_epoch or config.epochs
        if config.restart_epoch and epoch >= end:
            peak, start, end = peak * config.restart_scale, end, config.epochs
        progress = (epoch - start) / max(end - start, 1e-9)
        low = config.final_learning_rate
        return peak * (low + (1 - low) * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0))))
    if config.schedule == "plateau":
        return peak * config.plateau_factor ** _plateaus(config, history)
    return peak


def _plateaus(config: TrainConfig, history: History) -> int:
    best, waited, count = math.inf, 0, 0
    for row in history:
        if row["val_loss"] < best - 1e-4:
            best, waited = row["val_loss"], 0
            continue
        waited += 1
        if waited >= config.plateau_patience:
            waited, count = 0, count + 1
    return count


def best_epoch(config: TrainConfig, history: History) -> int:
    """Return the 0-based epoch whose weights are kept; epochs below full resolution do not count.

    Raises:
        ValueError: No epoch is finished.
    """
    if not history:
        raise ValueError("No epoch is finished.")
    full = [i for i in range(len(history)) if config.side_at(i) == config.input_size[0]] or list(range(len(history)))
    sign = 1 if config.monitor == "val_accuracy" else -1
    return max(full, key=lambda i: (sign * history[i][config.monitor], i))


def should_stop(config: TrainConfig, history: History) -> bool:
    """Tell whether early stopping ends the training after these epochs."""
    if not config.patience or len(history) <= config.patience:
        return False
    return len(history) - 1 - best_epoch(config, history) >= config.patience
