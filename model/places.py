"""Where the code and what ships with it lie: in a checkout, or in the installed package."""

from __future__ import annotations

import os
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
"""The folder that holds ``model/``, ``training/``, ``dashboard/``, ``pages/`` and ``artifacts/``."""

IMPORT_PATH = HOME if (HOME / "emoscope").is_dir() else HOME.parent
"""The folder from which Python imports ``emoscope``."""


def module_environment(**settings: str) -> dict[str, str]:
    """Return the environment in which ``python -m emoscope.…`` starts from any folder.

    Args:
        **settings: Variables to set besides.
    """
    path = os.pathsep.join(filter(None, (str(IMPORT_PATH), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, **settings}
