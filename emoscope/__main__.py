"""``emoscope``: every command of the project under one name; ``python -m emoscope`` does the same."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from emoscope.model.__main__ import COMMANDS as MODEL
from emoscope.model.commands.command_line import run_program
from emoscope.training.__main__ import COMMANDS as TRAINING
from emoscope.training.__main__ import FORWARDED
from emoscope.training.__main__ import main as training
from emoscope.version import __version__

SERVE = {"serve": ("emoscope.dashboard.__main__", "serve the app and its HTTP API")}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if arguments and arguments[0] in ("--version", "-V"):
        print(f"emoscope {__version__}")
        return 0
    if arguments and arguments[0] in FORWARDED:
        return training(list(arguments))
    description = "Facial emotion recognition: predict, evaluate, train and serve."
    return run_program("emoscope", description, MODEL | SERVE | TRAINING | FORWARDED, arguments)


if __name__ == "__main__":
    sys.exit(main())
