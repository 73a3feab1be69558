"""What was found in one or several files becomes one saved run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from emoscope.model.errors import RunError
from emoscope.model.runs.foreign.registry import recognise
from emoscope.model.runs.foreign.results import Counts, Curves, Found, Reading, Report, Samples
from emoscope.model.runs.foreign.scored import (
    Scored,
    class_names_of,
    predictions_of,
    split_name,
    stated,
    with_classes,
    with_known_images,
)
from emoscope.model.runs.predictions import Predictions, write_predictions
from emoscope.model.runs.reports import StatedReport, write_reports
from emoscope.model.runs.run import (
    DatasetInfo,
    Run,
    RunInfo,
    artifacts_root,
    key_of,
    load_run,
    write_history_columns,
    write_run_info,
)
from emoscope.model.runs.staging import staged

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
    title = name or title_of(paths[0])
    key = key_of(title, "imported")
    target = (root or artifacts_root()) / key
    with staged(target, overwrite) as folder:
        found = write_found(folder, title, found, [*map(_digest, paths)], root)
        written = load_run(folder)
        for split in written.predicted_splits:
            written.predictions(split)  # what the pages would refuse is refused here
    return load_run(target), found


def write_found(
    folder: Path, title: str, found: Sequence[Found], digests: Sequence[str] = (), root: Path | None = None
) -> list[Found]:
    """Write what was found as a run into a folder.

    Args:
        folder: Of the new run.
        title: For people.
        found: Of one training: curves are joined by epoch, settings and tags united.
        digests: SHA-256 of each file, kept in the settings.
        root: Folder of saved runs, among which the images of predictions are looked for; the usual ones where None.

    Returns:
        What was found, with the notes on what was assumed of the files together.

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
    results = merge_scored([(one.source, one.scored) for one in found if one.scored is not None], root)
    found = [
        replace(one, notes=(*one.notes, *(note for source, note in results.notes if source == one.source)))
        for one in found
    ]
    notes = [f"Imported from {', '.join(one.source for one in found)}."]
    notes += dict.fromkeys(note for one in found for note in one.notes)
    info = RunInfo(
        name=title,
        architecture=FOREIGN,
        class_names=results.class_names,
        input_size=(0, 0),
        channels=0,
        dataset=results.dataset,
        config=settings,
        training_seconds=max((one.seconds for one in found), default=0.0),
        licence="Unknown: ask whoever trained it.",
        note=" ".join(notes),
    )
    write_run_info(folder, info)
    for split, predictions in results.predictions.items():
        write_predictions(folder, split, predictions)
    if results.reports:
        write_reports(folder, results.reports)
    if curves is not None:
        write_history_columns(folder, history_columns(curves), digits=17)
    return found


@dataclass(frozen=True, eq=False)
class Results:
    """What several files say of predictions, by split.

    Attributes:
        class_names: Of all of them; none where there are no such files.
        predictions: By split; a confusion matrix as predictions on samples that nothing identifies.
        reports: By split.
        dataset: The data that they are of, as far as known.
        notes: What was assumed, by file one sentence each.
    """

    class_names: tuple[str, ...] = ()
    predictions: Mapping[str, Predictions] = field(default_factory=dict)
    reports: Mapping[str, StatedReport] = field(default_factory=dict)
    dataset: DatasetInfo = field(default_factory=DatasetInfo)
    notes: tuple[tuple[str, str], ...] = ()


def merge_scored(found: Sequence[tuple[str, Scored]], root: Path | None = None) -> Results:
    """Bring predictions, matrices and reports of several splits to one order of classes.

    Of a split of which both predictions and a matrix or report are there, the predictions are taken.

    Args:
        found: With the names of their files.
        root: Folder of saved runs, among which the images of the predictions are looked for.

    Raises:
        RunError: They know different classes, or two files hold the same split.
    """
    if not found:
        return Results()
    ranked = sorted(found, key=lambda one: (Samples, Counts, Report).index(type(one[1])))
    recognised = [(source, *with_known_images(scored, root)) for source, scored in ranked]
    class_names = class_names_of(recognised[0][1])
    kinds: dict[str, type] = {}
    predictions: dict[str, Predictions] = {}
    reports: dict[str, StatedReport] = {}
    notes = []
    for source, scored, known in recognised:
        if known is not None:
            same = (
                f"The labels of {source} are those of {known.dataset.name}'s {known.split} in the same order, so its "
            )
            notes.append((source, f"{same}rows are taken for these images."))
        scored, split = with_classes(scored, class_names, source), split_name(scored)
        if kinds.setdefault(split, type(scored)) is not type(scored):
            notes.append((source, f"{source} is left out: more is known of {split}."))
        elif split in predictions or split in reports:
            raise RunError(
                f"{source} is of {split}, as another of the files is.",
                "Name the split in the files' names (test, validation), or import one by one with --split.",
            )
        elif isinstance(scored, Report):
            reports[split] = stated(scored)
        else:
            predictions[split] = predictions_of(scored, known)
    dataset = next((known.dataset for _, _, known in recognised if known is not None), DatasetInfo())
    sizes = {split: len(one.label) for split, one in predictions.items()}
    sizes |= {split: sum(row["support"] for row in report["classes"]) for split, report in reports.items()}
    return Results(class_names, predictions, reports, replace(dataset, splits=sizes), tuple(notes))


def history_columns(curves: Curves) -> dict[str, list[float]]:
    """Return the columns of ``history.csv``; no ``epoch`` where it counts 1, 2, 3 and so on, without steps."""
    columns: dict[str, np.ndarray] = {}
    numbered = curves.epoch is not None and np.array_equal(curves.epoch, np.arange(1, curves.rows + 1))
    if curves.epoch is not None and not (numbered and curves.step is None):
        columns["epoch"] = curves.epoch
    if curves.step is not None:
        columns["step"] = curves.step
    columns |= curves.metrics
    return {name: values.tolist() for name, values in columns.items()}


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


def title_of(path: Path) -> str:
    """Return a run's title from its first file: the file's name, or its folder's where the name says nothing."""
    path = path.resolve()
    generic = path.stem.lower() in ("history", "metrics", "trainer_state", "training", "log", "predictions", "report")
    return path.parent.name if generic and path.parent.name else path.stem


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            digest.update(file.read_bytes())
    return digest.hexdigest()
