"""What a sweep tries: choices and ranges by configuration key."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emoscope.model.errors import ConfigError
from emoscope.model.yaml_text import parse_yaml

Value = bool | int | float | str
_EXAMPLE = "Write e.g. `learning_rate: {low: 0.01, high: 0.3, log: true}` or `batch_size: [64, 128]`."


@dataclass(frozen=True)
class Range:
    """Numbers to draw from.

    Attributes:
        low: The lowest.
        high: The highest.
        log: Draw the logarithm evenly, for what matters by factors.
        integer: Whole numbers only.
    """

    low: float
    high: float
    log: bool = False
    integer: bool = False


Space = Mapping[str, tuple[Value, ...] | Range]


def read_space(file: Path | None, sets: Sequence[str]) -> dict[str, tuple[Value, ...] | Range]:
    """Read a space from a YAML file and from ``key=a,b,c`` flags, which win.

    Raises:
        ConfigError: Something in it is no choice and no range, or nothing is there.
    """
    space = {key: _dimension(key, value) for key, value in _read_yaml(file).items()} if file else {}
    for text in sets:
        key, separator, values = text.partition("=")
        if not separator or not key.strip():
            raise ConfigError(f"--set {text} names no choices.", "Write e.g. --set batch_size=64,128.")
        try:
            choices = [parse_yaml(value) for value in values.split(",")]
        except ValueError as error:
            raise ConfigError(
                f"--set {text} cannot be read ({error}).", "Write e.g. --set batch_size=64,128."
            ) from error
        space[key.strip()] = _dimension(key.strip(), choices)
    if not space:
        raise ConfigError("There is nothing to try.", "Give --set learning_rate=0.03,0.1 or --space FILE.")
    return space


def grid(space: Space) -> Iterator[dict[str, Value]]:
    """Yield every combination of the choices.

    Raises:
        ConfigError: A range has no end of values.
    """
    choices: dict[str, tuple[Value, ...]] = {}
    for key, dimension in space.items():
        if isinstance(dimension, Range):
            raise ConfigError(
                f"{key} is a range, of which no grid can be made.", "Give --trials N, or list its values."
            )
        choices[key] = dimension
    return (dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values()))


def extremes(space: Space) -> Iterator[dict[str, Value]]:
    """Yield settings that between them hold every choice and both ends of every range, to be checked beforehand."""
    columns = {key: _ends(dimension) if isinstance(dimension, Range) else dimension for key, dimension in space.items()}
    for i in range(max(map(len, columns.values()))):
        yield {key: values[min(i, len(values) - 1)] for key, values in columns.items()}


def _ends(dimension: Range) -> tuple[Value, ...]:
    kind = int if dimension.integer else float
    return kind(dimension.low), kind(dimension.high)


def _read_yaml(file: Path) -> dict[str, Any]:
    try:
        values = parse_yaml(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} is not readable YAML ({' '.join(str(error).split())}).", _EXAMPLE) from error
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise ConfigError(f"{file} must hold `key: choices` lines.", _EXAMPLE)
    return values


def _dimension(key: str, value: Any) -> tuple[Value, ...] | Range:
    if isinstance(value, list) and value and all(isinstance(v, bool | int | float | str) for v in value):
        numbers = [_number(v) for v in value]
        return tuple(dict.fromkeys(numbers))
    if isinstance(value, dict) and set(value) <= {"low", "high", "log"} and {"low", "high"} <= set(value):
        low, high = _number(value["low"]), _number(value["high"])
        log = value.get("log", False)
        if all(isinstance(end, int | float) and math.isfinite(end) for end in (low, high)) and isinstance(log, bool):
            integer = isinstance(low, int) and isinstance(high, int)
            found = Range(float(low), float(high), log, integer)
            if found.low < found.high and not (log and found.low <= 0):
                return found
    raise ConfigError(f"{key}: {value!r} is neither a list of values nor a range.", _EXAMPLE)


def _number(value: Any) -> Any:
    """Return a number that YAML took for text (``1e-3``)."""
    if not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        return value
