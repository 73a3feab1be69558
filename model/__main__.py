"""``python -m model``: use a trained network on pictures and videos."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from emoscope.model.commands.command_line import run_program

COMMANDS = {
    "predict": ("emoscope.model.commands.predict", "predict every face in pictures"),
    "video": ("emoscope.model.commands.video", "follow every face through a video"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    return run_program("python -m model", "Predict emotions in faces.", COMMANDS, arguments)


if __name__ == "__main__":
    sys.exit(main())
