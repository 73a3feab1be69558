"""YAML that people wrote."""

from __future__ import annotations

from typing import Any

import yaml


def parse_yaml(text: str) -> Any:
    """Parse YAML without running anything of it.

    Raises:
        ValueError: It is none, or holds a value that Python cannot represent; one line says what and where.
    """
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        # A number of thousands of digits, a date that is none, and brackets in brackets are errors of other kinds.
        raise ValueError(" ".join(str(error).split())[:300] or type(error).__name__) from error
