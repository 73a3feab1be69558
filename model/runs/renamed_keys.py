"""Keys of saved files that have a new name: a file with the old one still opens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CONFIG_KEYS = {"average": "ema_decay", "stored_views": "cached_views", "teacher_votes": "privileged_votes"}
"""Of training configurations and of the ``config`` in ``run.json``: the new key by the old one."""


def with_current_keys(values: Mapping[str, Any], renamed: Mapping[str, str] = CONFIG_KEYS) -> dict[str, Any]:
    """Return a mapping under today's keys; where it holds an old key beside its new one, the new one counts."""
    current = {renamed.get(key, key): value for key, value in values.items()}
    return current | {key: value for key, value in values.items() if key not in renamed}
