"""What was found in one or several files becomes one saved run."""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emoscope.model.errors import RunError
from emoscope.model.runs.foreign.registry import recognise
from emoscope.model.runs.foreign.results import Curves, Found, Reading
from emoscope.model.runs.run import Run, RunInfo, artifacts_root, load_run, write_history, write_run_info

FOREIGN = "foreign"
"""``architecture`` of a run that another program made."""


def import_results(
    paths: Sequence[Path],
    reading: Reading | None = None,
    name: str | None = None,
    root: Path | None = None,
    overwrite: bool = False,
) -> tuple[Run, list[Found]]:
    """Make one saved run of results of another program.

    Args:
        paths: Files and folders.
        reading: How to read them, where that is not to be guessed.
        name: Title of the run, from which its key is made; the first file's name where None.
        root: Folder of saved runs; the usual one where None.
        overwrite: Whether to replace a run of the same key.

    Returns:
        The run, and what each file was taken for.

    Raises:
        RunError: A file is of no known format or broken, files do not fit together, or a run of that key is there.
    """
    found = [recognise(path, reading) for path in paths]
    title = name or _title_of(paths[0])
    key = re.sub(r"[^\w.-]+", "-", title, flags=re.ASCII).strip(".-") or "imported"
    target = (root or artifacts_root()) / key
    if target.exists() and not overwrite:
        raise RunError(f"There is already a run {key}.", "Choose another --name, or give --overwrite.")
    staging = target.parent / ".importing" / key  # a run appears in the list only when it is whole
    shutil.rmtree(staging, ignore_errors=True)
    try:
        write_found(staging, title, found, [*map(_digest, paths)])
        load_run(staging)
        shutil.rmtree(target, ignore_errors=True)
        staging.rename(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        with contextlib.suppress(OSError):
            staging.parent.rmdir()
    return load_run(target), found


def write_found(folder: Path, title: str, found: Sequence[Found], digests: Sequence[str] = ()) -> None:
    """Write what was found as a run into a folder.

    Args:
        folder: Of the new run.
        title: For people.
        found: Of one training: curves are joined by epoch, settings and tags united.
        digests: SHA-256 of each file, kept in the settings.

    Raises:
        RunError: They do not fit together.
    """
    curves = join_curves([(one.source, one.curves) for one in found if one.curves is not None])
    settings: dict[str, Any] = {}
    for one in found:
        settings |= one.settings
        settings |= {f"tag.{name}": value for name, value in one.tags.items()}
    settings["source_files"] = [str(one) for one in found]
    if digests:
        settings["source_sha256"] = list(digests)
    notes = [
        f"Imported from {', '.join(one.source for one in found)}.",
        *_distinct(n for one in found for n in one.notes),
    ]
    info = RunInfo(
        name=title,
        architecture=FOREIGN,
        class_names=(),
        input_size=(0, 0),
        channels=0,
        config=settings,
        training_seconds=max((one.seconds for one in found), default=0.0),
        licence="Unknown: ask whoever trained it.",
        note=" ".join(notes),
    )
    write_run_info(folder, info)
    if curves is not None:
        write_history(folder, history_rows(curves), digits=17)


def history_rows(curves: Curves) -> list[Mapping[str, float]]:
    """Return the rows of ``history.csv``; ``epoch`` only where the rows are not the epochs 1, 2, 3 and so on."""
    columns: dict[str, np.ndarray] = {}
    if curves.epoch is not None and not np.array_equal(curves.epoch, np.arange(1, curves.rows + 1)):
        columns["epoch"] = curves.epoch
    if curves.step is not None:
        columns["step"] = curves.step
    columns |= curves.metrics
    return [{name: float(values[row]) for name, values in columns.items()} for row in range(curves.rows)]


def join_curves(found: Sequence[tuple[str, Curves]]) -> Curves | None:
    """Join the curves of several files by epoch, or by step where none of them counts epochs; None for no curves.

    Raises:
        RunError: Two files hold the same metric, or one counts epochs and another steps only.
    """
    if len(found) < 2:
        return found[0][1] if found else None
    by_epoch = [curves.epoch is not None for _, curves in found]
    if any(by_epoch) != all(by_epoch):
        without = found[by_epoch.index(False)][0]
        raise RunError(
            f"{without} counts steps and no epochs, so it cannot be joined.", "Import it as a run of its own."
        )
    positions = [curves.position for _, curves in found]
    every = np.unique(np.concatenate(positions))
    metrics: dict[str, np.ndarray] = {}
    for (source, curves), position in zip(found, positions, strict=True):
        for name, values in curves.metrics.items():
            if name in metrics:
                raise RunError(
                    f"{source} holds {name}, as another of the files does.", "Import them as runs of their own."
                )
            metrics[name] = np.full(len(every), np.nan)
            metrics[name][np.searchsorted(every, position)] = values
    return Curves(metrics, every if by_epoch[0] else None, None if by_epoch[0] else every)


def _title_of(path: Path) -> str:
    path = path.resolve()
    generic = path.stem.lower() in ("history", "metrics", "trainer_state", "training", "log", "predictions", "report")
    return path.parent.name if generic and path.parent.name else path.stem


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
