"""A run that is being made appears among the saved ones only when it is whole."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from emoscope.model.errors import RunError


@contextlib.contextmanager
def staged(target: Path, overwrite: bool) -> Iterator[Path]:
    """Lend an empty folder that becomes a run's folder at the end of the block, and goes if the block fails.

    Args:
        target: The run's folder.
        overwrite: Whether a run that is there is replaced.

    Raises:
        RunError: There is one that is not to be replaced.
    """
    if target.exists() and not overwrite:
        raise RunError(f"There is already a run {target.name}.", "Choose another --name, or give --overwrite.")
    staging = target.parent / ".importing" / target.name
    before = staging.with_name(f"{target.name}.before")
    _put_back(before, target)  # where a process was killed between the two renames below
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        yield staging
        if target.exists():
            target.rename(before)
        staging.rename(target)
    finally:
        _put_back(before, target)
        shutil.rmtree(staging, ignore_errors=True)
        with contextlib.suppress(OSError):
            staging.parent.rmdir()


def _put_back(before: Path, target: Path) -> None:
    """Give a run its folder again where no new one took its place, else forget it."""
    if before.exists() and not target.exists():
        before.rename(target)
    shutil.rmtree(before, ignore_errors=True)
