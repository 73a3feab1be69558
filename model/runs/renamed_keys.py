"""Keys of saved files that have a new name: a file with the old one still opens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CONFIG_KEYS = {"average": "ema_decay", "stored_views": "cached_views", "teacher_votes": "privileged_votes"}
"""Of training configurations and of the ``config`` in ``run.json``: the new key by the old one."""
BENCHMARK_KEYS = {
    "faces_a_pass": "faces_per_forward_pass",
    "images_a_second": "images_per_second",
    "images_a_second_at_the_products_rate": "images_per_second_at_the_products_rate",
    "images_a_second_without_augmentation": "images_per_second_without_augmentation",
    "ms_a_face": "ms_per_face",
    "operations_a_face": "operations_per_face",
    "seconds_a_level": "seconds_per_level",
}
"""Of the files that ``benchmarks/`` writes."""


def with_current_keys(values: Mapping[str, Any], renamed: Mapping[str, str] = CONFIG_KEYS) -> dict[str, Any]:
    """Return a mapping under today's keys; where it holds an old key beside its new one, the new one counts."""
    current = {renamed.get(key, key): value for key, value in values.items()}
    return current | {key: value for key, value in values.items() if key not in renamed}
