"""What a training script hands over becomes plain numbers: arrays, tensors of any library, settings of any kind."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from emoscope.model.errors import RunError

_ROUNDED = 0.01
"""How far the probabilities of a sample may be from a sum of 1, as computed in 16 bits."""


def number(value: Any) -> float | None:
    """Return a number, or an array or tensor of one element, as a float; NaN for None, None for anything else."""
    if value is None:
        return math.nan
    if isinstance(value, str | bytes):
        return None
    try:
        return float(value.item() if hasattr(value, "item") else value)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        return None


def probabilities_of(values: Any) -> np.ndarray:
    """Return probabilities, shape (N, C), as float32 with rows that sum to 1.

    Raises:
        RunError: They have another shape, or are none.
    """
    found = _array(values, "probabilities")
    if found.ndim != 2 or found.shape[1] < 2 or not len(found) or found.dtype.kind not in "fiu":
        raise RunError(
            f"probabilities have shape {found.shape} and type {found.dtype}.",
            "Give one row per sample with the probability of each class.",
        )
    found = found.astype(np.float64)
    sums = found.sum(1)
    wrong = np.flatnonzero(~(np.abs(sums - 1) <= _ROUNDED) | ~(found >= 0).all(1))
    if wrong.size:
        raise RunError(
            f"The probabilities of row {wrong[0]} sum to {sums[wrong[0]]:.3g}, or one is negative.",
            "Give the output of the softmax, not logits.",
        )
    return (found / sums[:, None]).astype(np.float32)


def labels_of(values: Any, class_names: Sequence[str], count: int) -> np.ndarray:
    """Return labels as class indices, int64, shape (N,).

    Args:
        values: Class indices or names, shape (N,) or (N, 1), or one-hot, shape (N, C).
        class_names: The C names.
        count: N.

    Raises:
        RunError: There are more or fewer, or one is no class.
    """
    found = _array(values, "labels")
    if found.shape == (count, len(class_names)) and found.dtype.kind in "fiub":
        one_hot = found.astype(np.float64)
        if not ((one_hot == 0) | (one_hot == 1)).all() or not (one_hot.sum(1) == 1).all():
            raise RunError("The labels of some samples name no class or several.", "Give one class per sample.")
        return one_hot.argmax(1)
    if found.size != count or found.shape[:1] != (count,):
        raise RunError(
            f"There are labels of shape {found.shape} and probabilities of {count:,} samples.",
            "Give one label per sample.",
        )
    found = found.reshape(count)
    places = {name: place for place, name in enumerate(class_names)}
    if found.dtype.kind in "fiub":
        known = [float(value) if 0 <= value < len(places) and value == int(value) else None for value in found.tolist()]
    else:
        known = [places.get(str(value)) for value in found.tolist()]
    wrong = next((row for row, place in enumerate(known) if place is None), None)
    if wrong is not None:
        raise RunError(
            f"The label {str(found[wrong])[:40]!r} of row {wrong} is none of the {len(places)} classes.",
            "Give class indices from 0 on, or names as in class_names.",
        )
    return np.array(known, np.int64)


def _array(values: Any, what: str) -> np.ndarray:
    try:
        if hasattr(values, "detach"):  # a tensor of PyTorch, perhaps on a GPU or in bfloat16
            values = values.detach().cpu()
            values = values.float() if values.is_floating_point() else values
        return np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise RunError(f"The {what} are no array ({type(values).__name__}).", "Give a NumPy array.") from error


def plain_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as JSON holds them: single values of arrays as numbers, what JSON does not know as text.

    Raises:
        RunError: They are no mapping.
    """
    if not isinstance(config, Mapping):
        raise RunError(f"config is {type(config).__name__}, not a dict.", "Give settings by name, e.g. vars(args).")
    text = json.dumps({str(name): value for name, value in config.items()}, default=_plain, skipkeys=True)
    return dict(json.loads(text))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    found = number(value)
    return str(value) if found is None else found
