"""Errors meant for the person in front of the app.

    EmoscopeError
     ├── ImageError      a file that is no picture, or one too large to open
     ├── VideoError      a file that is no video, or one that cannot be decoded
     ├── DetectorError   a face detector that cannot run here (weights missing, package missing)
     ├── DataError       a data set that cannot be read: names the file and the row
     ├── BaselineError   a face that cannot be the neutral one
     ├── RunError        a saved run that is missing, foreign or broken
     │    └── NotKnownError   what an intact run cannot tell, because its predictions do not say it
     ├── EngineError     what Live needs to run in the browser: missing, damaged, or a network that cannot run there
     ├── OutputError     a result that cannot be written where it was asked for
     └── ConfigError     a training configuration with an unknown or impossible value

Each carries one sentence that says what is wrong and one that says what to do next. Pages and commands show both and go
on; anything else is a defect and stays a traceback.
"""

import errno
from pathlib import Path
from textwrap import shorten

from emoscope.model.places import as_called_here


def reason_of(error: BaseException, last: bool = False) -> str:
    """Return a library's error in at most 160 characters on one line, without a full stop, for a sentence in brackets.

    Args:
        error: What was raised.
        last: Take the last line of its text, which tracebacks put the cause in; else the first.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return shorten(lines[-1 if last else 0], 160, placeholder=" …").rstrip(".")


_REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM)
_FULL = (errno.ENOSPC, errno.EDQUOT)
_FILES = (errno.EMFILE, errno.ENFILE)


def make_room(error: OSError, place: Path | str) -> str:
    """Return what to do where something could not be written, without a full stop: to free space, or to be let in."""
    return f"Free some space at {place}" if error.errno in _FULL else f"Make {place} writable, or name another folder"


def of_this_machine(error: OSError) -> "EmoscopeError | None":
    """Return a sentence on what the machine refuses, be it a place, space or another open file; None for all else."""
    if error.errno in _FILES:
        return EmoscopeError("Too many files are open on this machine.", "Raise the limit, e.g. by `ulimit -n 4096`.")
    if error.errno not in (*_REFUSED, *_FULL):
        return None
    what = str(error.filename2 or error.filename or "A file")
    action = make_room(error, Path(what).parent if error.filename else "the place of the runs")
    if error.errno in _REFUSED:
        action += ", e.g. in EMOSCOPE_ARTIFACTS for runs and EMOSCOPE_CACHE for what is made again"
    return EmoscopeError(f"{what} cannot be used ({error.strerror}).", f"{action}.")


class EmoscopeError(Exception):
    """One clear sentence, and the next thing to do.

    Args:
        message: What is wrong, as one sentence ending in a full stop.
        action: What to do about it, as one sentence; may be empty.
    """

    def __init__(self, message: str, action: str = "") -> None:
        self.message, self.action = as_called_here(message), as_called_here(action)
        super().__init__(f"{self.message} {self.action}".strip())


class ImageError(EmoscopeError):
    """A file that is no picture, or one that is too large to open."""


class VideoError(EmoscopeError):
    """A file that is no video, or one that cannot be decoded."""


class DetectorError(EmoscopeError):
    """A face detector that cannot run here."""


class DataError(EmoscopeError):
    """A data set that cannot be read; the message names the file and the row."""


class BaselineError(EmoscopeError):
    """A face that cannot be the neutral one; the message names its predicted emotion."""


class RunError(EmoscopeError):
    """A saved run that is missing, foreign or broken."""


class NotKnownError(RunError):
    """What an intact run cannot tell, because its predictions do not say it."""


class EngineError(EmoscopeError):
    """What Live needs to run in the browser is missing or damaged, or a network cannot run there."""


class OutputError(EmoscopeError):
    """A result that cannot be written where it was asked for."""


class ConfigError(EmoscopeError):
    """A training configuration with an unknown or impossible value."""
