"""How runs were made, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from emoscope.model.runs.run import Run


def hyperparameters(runs: Mapping[str, Run], differences_only: bool = False) -> pd.DataFrame:
    """Return what each run was trained with: one row per setting, one column per run, as text.

    Nested settings are written with dots (``augmentation.flip``); a setting that a run does not have is ``–``.

    Args:
        runs: By key.
        differences_only: Leave out settings that are the same in all runs.
    """
    columns = {key: _settings(run) for key, run in runs.items()}
    names = list(dict.fromkeys(name for settings in columns.values() for name in settings))
    table = pd.DataFrame(
        {key: [settings.get(name, "–") for name in names] for key, settings in columns.items()},
        index=pd.Index(names, name="Setting"),
        dtype=str,
    )
    if differences_only and len(runs) > 1:
        table = table[table.nunique(axis=1) > 1]
    return table


def _settings(run: Run) -> dict[str, str]:
    info = run.info
    settings = {
        "architecture": info.architecture,
        "input": info.input_text,
        "normalization": info.normalization.kind if info.knows_input else "–",
        "label source": info.label_source or "–",
        "data set": info.dataset.name,
        "parameters": f"{info.parameters:,}" if info.parameters else "–",
        "seed": "–" if info.seed is None else str(info.seed),
        "best epoch": "–" if info.best_epoch is None else str(info.best_epoch),
        "training minutes": f"{info.training_seconds / 60:.0f}" if info.training_seconds else "–",
        **{f"environment.{name}": value for name, value in info.environment.items()},
    }
    return {**settings, **flat(info.config)}


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested settings as text by dotted name."""
    found: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            found.update(flat(value, f"{prefix}{name}."))
        else:
            words = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            found[prefix + name] = words or "–"
    return found


def loss_kind(run: Run) -> str:
    """Say which loss a run's training minimised: the values of different kinds cannot be compared."""
    config = run.info.config
    if not run.info.knows_input:
        return "losses of other programs, whose kinds are not known"
    if config.get("teacher"):
        return "the teachers' probabilities alone" if config.get("teacher_weight") == 1 else "labels and teachers"
    kind = "focal loss" if config.get("loss") == "focal" else "cross-entropy"
    if config.get("labels") == "both":
        kind += " of two heads"
    if config.get("label_smoothing") or config.get("mixup") or config.get("cutmix"):
        kind += ", smoothed labels"
    return kind


def by_loss(runs: Mapping[str, Run]) -> dict[str, list[str]]:
    """Group runs by the loss that they minimised; keys in their order."""
    groups: dict[str, list[str]] = {}
    for key, run in runs.items():
        groups.setdefault(loss_kind(run), []).append(key)
    return groups
