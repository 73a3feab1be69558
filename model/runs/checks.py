"""Checks of single values that a run's JSON files hold.

Each returns the value, or raises a :class:`ValueError` that says what it is and what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from textwrap import shorten
from typing import Any

Check = Callable[[Any, str], Any]
"""Takes a value and what it is called, and returns the value."""

LARGEST = 2**63 - 1
"""Whole numbers beyond this fit no column of a table."""
MAX_TEXT = 100_000
MAX_DEPTH = 20


def text(value: Any, what: str) -> str:
    """Return a text of at most :data:`MAX_TEXT` characters."""
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise ValueError(f"{what} is {_shown(value)}, where a text is expected")
    return value


def number(value: Any, what: str, low: float = -1e300, high: float = 1e300) -> float:
    """Return a finite number within limits as a float."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"{what} is {_shown(value)}, where a number{_between(low, high)} is expected")
    return float(value)


def share(value: Any, what: str) -> float:
    """Return a number in 0..1 as a float."""
    return number(value, what, 0, 1)


def positive(value: Any, what: str) -> float:
    """Return a number that is not negative as a float."""
    return number(value, what, 0)


def whole(value: Any, what: str, low: int = -LARGEST, high: int = LARGEST) -> int:
    """Return a whole number within limits."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{what} is {_shown(value)}, where a whole number{_between(low, high)} is expected")
    return value


def count(value: Any, what: str) -> int:
    """Return a whole number that is not negative."""
    return whole(value, what, 0)


def flag(value: Any, what: str) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"{what} is {_shown(value)}, where true or false is expected")
    return value


def listed(value: Any, what: str, length: int | None = None) -> list[Any]:
    """Return a list, of a given length where there is one."""
    if not isinstance(value, list | tuple) or (length is not None and len(value) != length):
        size = "" if length is None else f" of {length}"
        raise ValueError(f"{what} is {_shown(value)}, where a list{size} is expected")
    return list(value)


def named(value: Any, what: str, check: Check | None = None) -> dict[str, Any]:
    """Return values by name, each checked where a check is given."""
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise ValueError(f"{what} is {_shown(value)}, where values by name are expected")
    return {name: check(entry, f"{what}.{name}") if check else entry for name, entry in value.items()}


def optional(check: Check) -> Check:
    """Return a check that lets None pass, too."""
    return lambda value, what: None if value is None else check(value, what)


def checked_fields(values: Any, what: str, checks: Mapping[str, Check], needed: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return those of the values by name that there is a check for.

    Args:
        values: By name; other names than those of ``checks`` are left out.
        what: What they are called; empty for a whole file.
        checks: By name.
        needed: Names that may not be missing.
    """
    found = named(values, what or "the file")
    if missing := [name for name in needed if name not in found]:
        raise ValueError(f"{what or 'the file'} lacks {', '.join(missing)}")
    prefix = f"{what}." if what else ""
    return {name: check(found[name], prefix + name) for name, check in checks.items() if name in found}


def nested(value: Any, what: str, depth: int = MAX_DEPTH) -> Any:
    """Return anything that JSON holds, no deeper than :data:`MAX_DEPTH`."""
    if not isinstance(value, Mapping | list | tuple):
        return value
    if not depth:
        raise ValueError(f"{shorten(what, 60)} is nested deeper than {MAX_DEPTH} levels")
    for name, entry in value.items() if isinstance(value, Mapping) else enumerate(value):
        nested(entry, f"{what}.{name}", depth - 1)
    return value


def _shown(value: Any) -> str:
    return shorten(ascii(value)[:200], 60, placeholder=" …")


def _between(low: float, high: float) -> str:
    if abs(high) < LARGEST:
        return f" in {low:g}..{high:g}"
    return f" of at least {low:g}" if abs(low) < LARGEST else ""
