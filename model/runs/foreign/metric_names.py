"""The names that other programs give metrics, brought to those of ``history.csv``.

There, a name alone is measured on the training split and ``val_`` before it means the validation split.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_SIDES = {
    "train": "", "training": "", "tr": "",
    "val": "val_", "valid": "val_", "validation": "val_", "validate": "val_", "eval": "val_", "dev": "val_",
}  # fmt: skip
_BEFORE = re.compile(rf"({'|'.join(_SIDES)})[/_.\- ]+(.+)", re.IGNORECASE)
_AFTER = re.compile(rf"(.+)[/.]({'|'.join(_SIDES)})", re.IGNORECASE)
_ALIASES = {
    "acc": "accuracy",
    "categorical_accuracy": "accuracy",
    "sparse_categorical_accuracy": "accuracy",
    "lr": "learning_rate",
    "epoch_learning_rate": "learning_rate",
}
_RATE = re.compile(r"(?:lr|learning_rate)[-/](?:\w+)(?:[-/]pg\d+)?", re.IGNORECASE)


_METRIC = re.compile(
    r"(?:^|[_/ .-])(loss|acc|accuracy|lr|learning_rate|error|auc|f1|mae|mse)(?:$|[_/ .-])", re.IGNORECASE
)


def names_a_metric(names: Iterable[str]) -> bool:
    """Tell whether at least one name is that of a usual metric, or of any on the validation split."""
    return any(_METRIC.search(name) or name.lower().startswith(("val_", "val/")) for name in names)


def standard_name(name: str) -> str:
    """Return the name that ``history.csv`` has for a metric: ``val_acc``, ``valid/acc`` -> ``val_accuracy``."""
    name = name.strip()
    side = ""
    if found := _BEFORE.fullmatch(name):
        side, name = _SIDES[found[1].lower()], found[2]
    elif found := _AFTER.fullmatch(name):
        side, name = _SIDES[found[2].lower()], found[1]
    name = re.sub(r"\s+", "_", name.strip()).lower()
    if name.startswith("epoch_") and name != "epoch_learning_rate":  # of Keras' TensorBoard callback
        name = name.removeprefix("epoch_")
    if _RATE.fullmatch(name):
        name = "learning_rate"
    name = _ALIASES.get(name, name)
    return name if name == "learning_rate" else side + name


def standard_names(names: Iterable[str]) -> dict[str, str]:
    """Return each name's standard one; all are different, so that no metric is lost.

    Lightning's pair ``train_loss_step`` and ``train_loss_epoch`` becomes ``loss_step`` and ``loss``.
    """
    names = list(names)
    found: dict[str, str] = {}
    for name in names:
        stem = name.removesuffix("_epoch")
        paired = stem != name and f"{stem}_step" in names and stem not in names
        candidates = [standard_name(stem if paired else name), name.strip(), *(f"{name} ({n})" for n in range(2, 99))]
        found[name] = next(candidate for candidate in candidates if candidate not in found.values())
    return found
