"""From what YAML or a flag gives to the fields of a dataclass, by their types; what does not fit is refused."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

from emoscope.model.errors import ConfigError
from emoscope.model.yaml_text import parse_yaml


def build(cls: type, values: Any, prefix: str = "") -> Any:
    """Make a dataclass from a mapping, nested dataclasses from nested mappings.

    Args:
        cls: A dataclass.
        values: Its fields by name; what is absent has its default.
        prefix: Dotted path of the mapping, for messages.

    Raises:
        ConfigError: A key is not known, or a value does not fit its field.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f"{prefix.rstrip('.')} must hold `key: value` lines, not {values!r}.")
    hints = get_type_hints(cls)
    known = {f.name for f in fields(cls)}
    for key in values:
        if key not in known:
            raise ConfigError(f"{prefix}{key} is not a configuration key.{near_match(str(key), known)}")
    return cls(**{key: _convert(hints[key], value, f"{prefix}{key}") for key, value in values.items()})


def near_match(word: str, known: Iterable[str]) -> str:
    """Return `` Did you mean …?`` for the known word that is nearest, or nothing."""
    matches = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean {matches[0]!r}?" if matches else ""


def _convert(kind: Any, value: Any, key: str) -> Any:
    if is_dataclass(kind):
        return build(kind, value, f"{key}.")  # type: ignore[arg-type]
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            options = ", ".join(map(str, get_args(kind)))
            raise ConfigError(
                f"{key} cannot be {value!r}.{near_match(str(value), get_args(kind))}", f"Possible: {options}."
            )
        return value
    try:
        return _parse(kind, value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ConfigError(f"{key} cannot be {value!r}.") from error


def _parse(kind: Any, value: Any) -> Any:
    if kind is bool:
        return _boolean(value)
    if kind is int:
        if float(value) != int(float(value)):
            raise ValueError
        return int(float(value))
    if kind in (float, str):
        return kind(value)
    parsed = parse_yaml(value) if isinstance(value, str) else value
    if get_origin(kind) is tuple:
        return _tuple(get_args(kind), parsed)
    if not isinstance(parsed, Mapping):
        raise ValueError
    return dict(parsed)


def _tuple(kinds: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    """Read a list; a single value stands for a list of one, or for every place of a list of fixed length."""
    if kinds[-1] is Ellipsis:
        if isinstance(value, str):
            value = [word.strip() for word in value.split(",")]
        items = value if isinstance(value, list | tuple) else [value]
        return tuple(_parse(kinds[0], item) for item in items)
    items = value if isinstance(value, list | tuple) else [value] * len(kinds)
    return tuple(_parse(kind, item) for kind, item in zip(kinds, items, strict=True))


def _boolean(value: Any) -> bool:
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if str(value).lower() not in words:
        raise ValueError
    return words[str(value).lower()]
