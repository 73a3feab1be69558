"""``python -m model``: use a trained network on pictures and videos."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from model.command_line import run_program

COMMANDS = {
    "predict": ("model.predict_command", "read every face in pictures"),
    "video": ("model.video_command", "follow every face through a video"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    return run_program("python -m model", "Read emotions in faces.", COMMANDS, arguments)


if __name__ == "__main__":
    sys.exit(main())
