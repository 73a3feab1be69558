import errno
import sys
from types import ModuleType

import pytest

from emoscope.model.commands.command_line import run_program
from emoscope.model.errors import ImageError

COMMANDS = {"greet": ("made_up_greeting", "say hello"), "part": ("made_up_absent", "say goodbye")}


@pytest.fixture
def greeting(monkeypatch) -> ModuleType:
    """A command; the other one cannot even be imported."""
    module = ModuleType("made_up_greeting")
    module.add_arguments = lambda parser: parser.add_argument("name")
    module.run = lambda options: print(f"Hello {options.name}") or 3
    monkeypatch.setitem(sys.modules, "made_up_greeting", module)
    return module


def run(*arguments: str) -> int:
    return run_program("made up", "Greets.", COMMANDS, arguments)


def test_only_the_named_command_is_imported_and_its_status_returned(greeting, capsys):
    assert run("greet", "Ada") == 3
    assert capsys.readouterr().out == "Hello Ada\n"


def test_no_command_lists_them_all(greeting, capsys):
    assert run() == 2
    printed = capsys.readouterr().out
    assert "say hello" in printed and "say goodbye" in printed


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (ImageError("It is no picture.", "Choose another."), 2, "error: It is no picture. Choose another.\n"),
        (
            OSError(errno.EROFS, "Read-only file system", "/runs/mine"),
            2,
            "error: /runs/mine cannot be used (Read-only file system). Make /runs writable, or name another folder, "
            "e.g. in EMOSCOPE_ARTIFACTS for runs and EMOSCOPE_CACHE for what is made again.\n",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device", "/runs/mine"),
            2,
            "error: /runs/mine cannot be used (No space left on device). Free some space at /runs.\n",
        ),
        (
            OSError(errno.EMFILE, "Too many open files"),
            2,
            "error: Too many files are open on this machine. Raise the limit, e.g. by `ulimit -n 4096`.\n",
        ),
        (KeyboardInterrupt(), 130, "\nStopped.\n"),
    ],
)
def test_what_goes_wrong_is_a_sentence_and_a_status(greeting, capsys, error, status, sentence):
    def fail(options):
        raise error

    greeting.run = fail
    assert run("greet", "Ada") == status
    assert capsys.readouterr().err == sentence


def test_a_defect_stays_a_traceback(greeting):
    def fail(options):
        raise ZeroDivisionError

    greeting.run = fail
    with pytest.raises(ZeroDivisionError):
        run("greet", "Ada")
