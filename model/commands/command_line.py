"""What the programs of this project share: named commands, of which only the one that is asked for is imported."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module

from emoscope.model.errors import EmoscopeError, of_this_machine
from emoscope.model.places import as_called_here

_STDERR = 2


def run_program(
    program: str, description: str, commands: Mapping[str, tuple[str, str]], arguments: Sequence[str] | None = None
) -> int:
    """Run the command that is named.

    Args:
        program: As it is called, e.g. ``python -m model``.
        description: For the help.
        commands: Module and summary of each command by name. The module has ``add_arguments(parser)``, which may set a
            longer description, and ``run(options)``, which returns the exit status.
        arguments: Of the program; by default those that it was started with.

    Returns:
        The command's exit status; 2 with one sentence if it could not be carried out or none was named, 130 if it was
        stopped.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog=program, description=description)
    subparsers = parser.add_subparsers(dest="command", title="commands", metavar="COMMAND")
    named = next((word for word in arguments if not word.startswith("-")), None)
    for name, (module, summary) in commands.items():
        subparser = subparsers.add_parser(
            name, help=summary, description=summary, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        if name == named:
            import_module(module).add_arguments(subparser)
            subparser.epilog = as_called_here(subparser.epilog or "")
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 2
    try:
        return int(import_module(commands[options.command][0]).run(options))
    except EmoscopeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # e.g. `… | head`: nobody is left to tell, and the interpreter must not try at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        told = of_this_machine(error)
        if told is None:
            raise
        print(f"error: {told}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130


@contextmanager
def without_library_lines() -> Iterator[None]:
    """Keep off standard error what libraries written in C print there, such as libtiff; Python's own lines go on.

    Processes that are started meanwhile are silent, too. Where standard error is replaced, as in tests and notebooks,
    nothing is done.
    """
    usual = sys.stderr
    try:
        is_plain = usual.fileno() == _STDERR
    except (AttributeError, OSError, ValueError):
        is_plain = False
    if not is_plain:
        yield
        return
    usual.flush()
    kept = os.dup(_STDERR)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, _STDERR)
    os.close(silence)
    try:
        with open(kept, "w", buffering=1, encoding=usual.encoding, errors=usual.errors, closefd=False) as own:
            sys.stderr = own
            yield
    finally:
        sys.stderr = usual
        os.dup2(kept, _STDERR)
        os.close(kept)
