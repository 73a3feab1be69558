"""Where the code and what ships with it lie: in a checkout, or in the installed package."""

from __future__ import annotations

import os
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
"""The folder that holds ``model/``, ``training/``, ``dashboard/``, ``pages/`` and ``artifacts/``."""

IS_CHECKOUT = (HOME / "emoscope").is_dir()
"""Whether this is a checkout of the project, not the installed package."""

IMPORT_PATH = HOME if IS_CHECKOUT else HOME.parent
"""The folder from which Python imports ``emoscope``."""


def as_called_here(text: str) -> str:
    """Name the commands in a text as they are called here: ``emoscope …`` where the package is installed."""
    if IS_CHECKOUT:
        return text
    return (
        text.replace("python -m dashboard", "emoscope serve")
        .replace("python -m training", "emoscope")
        .replace("python -m model", "emoscope")
    )


def working_folder() -> Path:
    """Return where ``artifacts/`` and ``data/`` of the user are: the checkout, or the current folder if installed."""
    return HOME if IS_CHECKOUT else Path.cwd()


def module_environment(**settings: str) -> dict[str, str]:
    """Return the environment in which ``python -m emoscope.…`` starts from any folder.

    Args:
        **settings: Variables to set besides.
    """
    path = os.pathsep.join(filter(None, (str(IMPORT_PATH), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, **settings}
