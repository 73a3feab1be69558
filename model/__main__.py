"""The commands that use a trained network: ``python -m model predict PATH…``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from model.errors import EmoscopeError
from model.predict_command import add_predict_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit status: 0 if all went well, 1 if some inputs failed, 2 if the command could not start.
    """
    parser = argparse.ArgumentParser(prog="python -m model", description="Read emotions in faces.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    add_predict_command(commands)
    options = parser.parse_args(arguments)
    if not hasattr(options, "run_command"):
        parser.print_help()
        return 0
    try:
        return options.run_command(options)
    except EmoscopeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # e.g. `… | head`: nobody is left to tell, and the interpreter must not try at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
