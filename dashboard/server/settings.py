"""Streamlit's own settings, as ``streamlit run`` takes them: variables of the environment over ``config.toml``.

``streamlit.starlette.App.run`` reads the files, but of the variables only those that hold secrets.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from streamlit import config


def from_environment() -> dict[str, Any]:
    """Return the options that ``STREAMLIT_…`` variables set, by dotted key; of lists, commas divide the entries.

    Raises:
        ValueError: A number is expected; the message names the variable.
    """
    found: dict[str, Any] = {}
    for key, option in config._config_options_template.items():
        text = os.environ.get(option.env_var)
        if text and not option.sensitive:
            if option.multiple:
                found[key] = [part.strip() for part in text.split(",") if part.strip()]
                continue
            try:
                found[key] = text.lower() in ("1", "true", "yes", "on") if option.type is bool else option.type(text)
            except ValueError as error:
                raise ValueError(f"{option.env_var} must be a number, not {text!r}.") from error
    return found


def from_files(section: str, name: str) -> Any:
    """Return an option of the user's and the folder's ``config.toml``, the folder's first; None where neither has it.

    Asking Streamlit for it would make it take the start of the server for a change of its settings.
    """
    for file in reversed(config.get_config_files("config.toml")):
        try:
            values = tomllib.loads(Path(file).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):  # Streamlit itself says what is wrong with it
            continue
        if name in values.get(section, {}):
            return values[section][name]
    return None
