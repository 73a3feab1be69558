"""The saved run: one folder that holds a network and everything that was measured of it.

``artifacts/<run>/`` is the contract that training, app, commands and API meet at. It is data, never code: JSON, CSV,
NumPy arrays without pickle, and model files that are opened in safe mode. A file that is missing makes a run poorer,
not unreadable; a file that is broken or foreign raises :class:`~emoscope.model.errors.RunError` where it is read.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np

from emoscope.model.errors import NotKnownError, RunError
from emoscope.model.places import HOME, working_folder
from emoscope.model.runs.checks import (
    Check,
    checked_fields,
    count,
    flag,
    listed,
    named,
    nested,
    number,
    optional,
    positive,
    text,
    whole,
)
from emoscope.model.runs.figures import Calibration, Metrics, checked_calibration, checked_metrics
from emoscope.model.runs.files import read_json, read_text, write_atomically, write_json
from emoscope.model.runs.known_votes import judged_by_votes, with_votes
from emoscope.model.runs.predictions import Predictions, read_predictions
from emoscope.model.runs.renamed_keys import with_current_keys
from emoscope.model.runs.reports import StatedReport, read_reports
from emoscope.model.splits import by_importance, by_votes, images_of, is_by_votes

SCHEMA_VERSION = 1
DEFAULT_RUN = "emoscope"
LEARNED_FROM_VOTES = "votes"
"""``label_source`` of a run that learned what share of people named each class."""

MAX_CLASSES = 1000
"""As many as ImageNet has; a confusion matrix in ``metrics.json`` holds their square."""

LITERT_FILES = ("model.tflite", "model.int8.tflite")
KERAS_FILE = "model.keras"
CARD_FILE = "README.md"
_ALL_DIGITS = 17
"""Significant ones of a float64, so that nothing is lost."""

EXPORTS_FOLDER = "exports"
"""Below a run: exports of its network, each a saved run of its own (see ``emoscope.model.runs.exports``)."""


@dataclass(frozen=True)
class Normalization:
    """How pixels 0..255 become network input.

    ``rescale`` gives ``pixel * scale + offset``. ``standardize`` subtracts each image's own mean and divides by its own
    standard deviation (at least one gray level), so that light and contrast drop out.
    """

    kind: Literal["rescale", "standardize"] = "rescale"
    scale: float = 1 / 255
    offset: float = 0.0


@dataclass(frozen=True)
class DatasetInfo:
    """Which data a run was trained and evaluated on.

    Attributes:
        name: For people, e.g. ``FER-2013``.
        splits: Number of samples per split.
        fingerprint: Hash of all pixels and labels, hexadecimal; equal fingerprints mean the same data.
    """

    name: str = "unknown"
    splits: Mapping[str, int] = field(default_factory=dict)
    fingerprint: str = ""


@dataclass(frozen=True)
class RunInfo:
    """The content of ``run.json``.

    Attributes:
        name: Title for people; the folder's name is the run's key.
        architecture: Named architecture, or ``foreign`` for a model from elsewhere.
        class_names: Class names in the order of the network's outputs; none where only training curves are known.
        input_size: Height and width of the network's input in pixels; (0, 0) where no network is known.
        channels: 1 for gray, 3 for RGB, 0 where no network is known.
        normalization: How pixels become input.
        label_source: Which labels the outputs stand for, e.g. ``fer2013`` or ``ferplus-majority``.
        dataset: The data and its fingerprint.
        config: The resolved training configuration.
        seed: Of the training; None where unknown.
        environment: Python, Keras, backend, device.
        parameters: Number of parameters of the deployed network.
        multiply_adds: Multiply-add operations per face, counted as two operations each.
        best_epoch: 1-based epoch whose weights were kept; None where unknown.
        training_seconds: Wall-clock seconds of the training.
        licence: Licence of the weights and of the data behind them, for people.
        note: Free text for people.
        origin: Key of the run that this one was made from, by pruning or by export; empty where it was trained anew.
        is_training: Whether its training goes on, or was cut off before it could say that it ended.
    """

    name: str
    architecture: str
    class_names: tuple[str, ...]
    input_size: tuple[int, int]
    channels: int
    normalization: Normalization = field(default_factory=Normalization)
    label_source: str = ""
    dataset: DatasetInfo = field(default_factory=DatasetInfo)
    config: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    parameters: int = 0
    multiply_adds: int = 0
    best_epoch: int | None = None
    training_seconds: float = 0.0
    licence: str = ""
    note: str = ""
    origin: str = ""
    is_training: bool = False
    schema_version: int = SCHEMA_VERSION

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RunInfo:
        """Validate the parsed ``run.json``.

        Raises:
            RunError: A field is missing or impossible, or the schema version is another.
        """
        version = values.get("schema_version")
        if version != SCHEMA_VERSION:
            raise RunError(
                f"run.json has schema version {version!r}; this program reads version {SCHEMA_VERSION}.",
                "Write the run again with `python -m training evaluate`.",
            )
        missing = [n for n in ("name", "architecture", "class_names", "input_size", "channels") if n not in values]
        if missing:
            raise RunError(
                f"run.json lacks {', '.join(missing)}.", "Write the run again with `python -m training evaluate`."
            )
        try:
            info = cls(**checked_fields(values, "", _FIELDS))
        except ValueError as error:
            raise RunError(f"run.json holds an impossible value ({error}).", "Write the run again.") from error
        problem = info._problem()
        if problem:
            raise RunError(f"run.json {problem}.", "Write the run again.")
        return info

    @property
    def knows_input(self) -> bool:
        """Whether a network's input is described; not so for results of other programs."""
        return (*self.input_size, self.channels) != (0, 0, 0)

    @property
    def input_text(self) -> str:
        """The network's input for people, height × width × channels; "–" where it is not known."""
        height, width = self.input_size
        return f"{height}×{width}×{self.channels}" if self.knows_input else "–"

    def _problem(self) -> str:
        if len(self.class_names) > MAX_CLASSES:
            return f"lists {len(self.class_names):,} classes, over the limit of {MAX_CLASSES}"
        few = len(self.class_names) < 2 and (self.class_names or self.knows_input)
        if few or len(set(self.class_names)) != len(self.class_names):
            return f"needs at least two different class names, but lists {list(self.class_names)}"
        if self.knows_input and not all(8 <= side <= 1024 for side in self.input_size):
            return f"gives an input size of {self.input_size}, outside 8..1024 pixels"
        if self.knows_input and self.channels not in (1, 3):
            return f"gives {self.channels} channels, where 1 (gray) or 3 (RGB) are possible"
        if self.normalization.kind not in ("rescale", "standardize"):
            return f"names the normalisation {self.normalization.kind!r}, which is not known"
        return ""


def _normalization(value: Any, what: str) -> Normalization:
    checks: dict[str, Check] = {"kind": text, "scale": number, "offset": number}
    return Normalization(**_nothing_else(value, what, checks))


def _dataset(value: Any, what: str) -> DatasetInfo:
    checks: dict[str, Check] = {"name": text, "splits": partial(named, check=count), "fingerprint": text}
    return DatasetInfo(**_nothing_else(value, what, checks))


def _nothing_else(value: Any, what: str, checks: Mapping[str, Check]) -> dict[str, Any]:
    found = checked_fields(value, what, checks)
    if unknown := value.keys() - checks.keys():
        raise ValueError(f"{what} holds {min(unknown)!r}, which is not known")
    return found


_FIELDS: Mapping[str, Check] = {
    "name": text,
    "architecture": text,
    "class_names": lambda value, what: tuple(text(name, what) for name in listed(value, what)),
    "input_size": lambda value, what: tuple(count(side, what) for side in listed(value, what, 2)),
    "channels": count,
    "normalization": _normalization,
    "label_source": text,
    "dataset": _dataset,
    "config": lambda value, what: with_current_keys(named(value, what, nested)),
    "seed": optional(whole),
    "environment": partial(named, check=text),
    "parameters": count,
    "multiply_adds": count,
    "best_epoch": optional(whole),
    "training_seconds": positive,
    "licence": text,
    "note": text,
    "origin": text,
    "is_training": flag,
    "schema_version": whole,
}


@dataclass(frozen=True, eq=False)
class Run:
    """A saved run: its folder and the validated ``run.json``. Everything else is read when asked for."""

    path: Path
    info: RunInfo

    def __repr__(self) -> str:
        return f"Run({self.key}: {len(self.info.class_names)} classes, {', '.join(self.splits) or 'no predictions'})"

    @property
    def key(self) -> str:
        """What commands, pages and links call the run: the folder's name, below that of its origin for an export."""
        if self.path.parent.name == EXPORTS_FOLDER and (self.path.parents[1] / "run.json").is_file():
            return "/".join(self.path.parts[-3:])
        return self.path.name

    @cached_property
    def history(self) -> dict[str, np.ndarray]:
        """Columns of ``history.csv`` by name, float64, one value per epoch; empty where there is no such file.

        Raises:
            RunError: The file is not a table of numbers.
        """
        return read_history(self.path)

    @cached_property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits that predictions, or a report of another program, are saved for, the test split first."""
        return by_importance({*self.predicted_splits, *self.reports})

    @cached_property
    def predicted_splits(self) -> tuple[str, ...]:
        """Names of the splits that predictions are saved for, the test split first."""
        return by_importance(p.stem for p in (self.path / "predictions").glob("*.npz"))

    @cached_property
    def reports(self) -> dict[str, StatedReport]:
        """Reports of another program by split, for splits without predictions.

        Raises:
            RunError: ``reports.json`` is broken.
        """
        found = read_reports(self.path, self.info.class_names)
        return {split: report for split, report in found.items() if split not in self.predicted_splits}

    def predictions(self, split: str) -> Predictions:
        """Read and check the predictions on one split.

        Args:
            split: One of :attr:`splits`, or the name that :func:`emoscope.model.splits.by_votes` gives it: then the
                labels are the majority of votes, and images without a majority are left out.

        Raises:
            RunError: The file is missing, truncated, foreign or inconsistent with ``run.json``, or votes are asked for
                and there are none.
        """
        if is_by_votes(split):
            found = self.with_votes(self.predictions(images_of(split)))
            return judged_by_votes(found, self.info.class_names, f"{self.key} on {images_of(split)}")
        file = self.path / "predictions" / f"{split}.npz"
        if not file.is_file() and split in self.reports:
            raise NotKnownError(
                f"Of {self.key} on {split} only a report of another program is known, so this cannot be computed.",
                "Import its predictions: the label and the predicted class of each image.",
            )
        if not file.is_file():
            raise RunError(f"{self.key} has no predictions for {split}.", "Run `python -m training evaluate` on it.")
        try:
            found = read_predictions(file, len(self.info.class_names), f"{self.path}/{split}")
        except ValueError as error:
            raise RunError(
                f"{self.key}/predictions/{split}.npz cannot be read ({error}).", "Copy the run again."
            ) from error
        problem = found.problem(len(self.info.class_names))
        if problem:
            raise RunError(f"{self.key}/predictions/{split}.npz is inconsistent: {problem}.", "Evaluate the run again.")
        return found

    @staticmethod
    def with_votes(found: Predictions) -> Predictions:
        """Return predictions with the votes on each image: those of the default run where they hold no votes."""
        return with_votes(found, run_folder(DEFAULT_RUN))

    @cached_property
    def metrics(self) -> dict[str, Metrics]:
        """The content of ``metrics.json``, figures by split; empty where there is none.

        Raises:
            RunError: The file is broken, or a figure is missing or impossible.
        """
        file = self.path / "metrics.json"
        try:
            return checked_metrics(read_json(file), self.info.class_names) if file.is_file() else {}
        except ValueError as error:
            raise RunError(
                f"{self.key}/metrics.json holds no figures of this run ({error}).", "Evaluate the run again."
            ) from error

    @cached_property
    def calibration(self) -> Calibration:
        """The content of ``calibration.json`` (``temperature`` and how it was fitted); empty where there is none.

        Raises:
            RunError: The file is broken, or its temperature is missing or impossible.
        """
        file = self.path / "calibration.json"
        try:
            return checked_calibration(read_json(file)) if file.is_file() else {}
        except ValueError as error:
            raise RunError(
                f"{self.key}/calibration.json cannot be used: {error}.",
                f"Run `python -m training calibrate {self.key}`.",
            ) from error

    @property
    def temperature(self) -> float | None:
        """The temperature that was fitted and saved with the run, a positive number; None where none was."""
        return self.calibration.get("temperature")

    @property
    def abstain_below(self) -> float | None:
        """Calibrated confidence below which predictions are often wrong, from ``calibration.json``; None if unknown."""
        return self.calibration.get("abstain_below")

    @property
    def litert_file(self) -> Path | None:
        """The LiteRT file that the app runs, or None."""
        return next((self.path / n for n in LITERT_FILES if (self.path / n).is_file()), None)

    @property
    def has_network(self) -> bool:
        """Whether the run can predict, not only show saved predictions."""
        return self.litert_file is not None or (self.path / KERAS_FILE).is_file()

    @property
    def missing(self) -> tuple[str, ...]:
        """The contract's files that this run lacks."""
        expected = ("history.csv", "metrics.json", KERAS_FILE, "model.tflite")
        absent = [n for n in expected if not (self.path / n).is_file()]
        return (*absent, *(() if self.predicted_splits else ("predictions",)))


@dataclass(frozen=True)
class BrokenRun:
    """A folder that should be a run and cannot be opened, with the sentence that says why."""

    path: Path
    error: RunError

    @property
    def key(self) -> str:
        """The folder's name."""
        return self.path.name


def own_labels(run: Run, split: str) -> str:
    """Return the name of a split judged by what a run learned: by votes where it learned those."""
    return by_votes(split) if run.info.label_source == LEARNED_FROM_VOTES else split


def artifacts_root() -> Path:
    """Return the folder of saved runs: ``EMOSCOPE_ARTIFACTS``, or ``artifacts/`` in the :func:`working_folder`."""
    return Path(os.environ.get("EMOSCOPE_ARTIFACTS") or working_folder() / "artifacts")


def key_of(title: str, otherwise: str) -> str:
    """Return the name of a run's folder made from a title for people; another one where nothing is left of it."""
    return re.sub(r"[^\w.-]+", "-", title, flags=re.ASCII).strip(".-") or otherwise


def run_folder(key: Path | str) -> Path | None:
    """Return where the run of that key, or the folder of that path, lies; None where there is none.

    Where the package is installed, the runs that it brings are found beside those of the user.
    """
    found = (root / key for root in (Path(), *_roots()))
    return next((folder for folder in found if (folder / "run.json").is_file()), None)


def _roots() -> list[Path]:
    shipped = HOME / "artifacts"
    root = artifacts_root()
    return [root] if os.environ.get("EMOSCOPE_ARTIFACTS") or root == shipped else [root, shipped]


def load_run(path: Path | str) -> Run:
    """Open one saved run by folder, or by key below :func:`artifacts_root`.

    Raises:
        RunError: There is no such run, or its ``run.json`` is broken or of another schema version, or its
            ``reports.json`` is broken.
    """
    folder = run_folder(path)
    if folder is None:
        known = ", ".join(run.key for run in iter_runs()) or "none yet"
        raise RunError(f"{path} is not a saved run: it holds no run.json.", f"Saved runs here: {known}.")
    found = Run(folder.resolve(), RunInfo.from_dict(read_json(folder / "run.json")))
    _ = found.reports  # they say which splits there are, so a broken file is named here
    return found


def opened(run: Run | Path | str) -> Run:
    """Return a run as it is, or the one that a key or a folder names, as :func:`load_run`."""
    return run if isinstance(run, Run) else load_run(run)


def run_folders(root: Path | None = None) -> dict[str, Path]:
    """Return the folder of every saved run by its key, in alphabetical order; as :func:`iter_runs`."""
    found: dict[str, Path] = {}
    for place in [root] if root else _roots():
        for file in place.glob("*/run.json"):
            found.setdefault(file.parent.name, file.parent)
    return dict(sorted(found.items()))


def iter_runs(root: Path | None = None) -> Iterator[Run | BrokenRun]:
    """Yield every saved run, by key; those that cannot be opened come as :class:`BrokenRun`.

    Args:
        root: Folder of the runs; by default the user's, and those that the installed package brings.
    """
    for folder in run_folders(root).values():
        try:
            yield load_run(folder)
        except RunError as error:
            yield BrokenRun(folder, error)


def write_run_info(path: Path, info: RunInfo) -> None:
    """Write ``run.json`` into a run's folder, creating it."""
    write_json(path / "run.json", asdict(info))


def write_history(path: Path, rows: Sequence[Mapping[str, float]], digits: int = 6) -> None:
    """Write ``history.csv``, one row per epoch.

    Args:
        path: Folder of the run.
        rows: With the same names each. A column ``epoch`` or ``step`` says where a row stands that is not one of the
            epochs 1, 2, 3 and so on.
        digits: Significant ones that are kept; 17 lose nothing.
    """
    names = list(rows[0]) if rows else []
    write_history_columns(path, {name: [row[name] for row in rows] for name in names}, digits)


def write_history_columns(path: Path, columns: Mapping[str, Sequence[float]], digits: int = 6) -> None:
    """Write ``history.csv`` from columns of equal length; otherwise as :func:`write_history`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    cells = ([_number_text(value, digits) for value in values] for values in columns.values())
    writer.writerows(zip(*cells, strict=True))
    write_atomically(path / "history.csv", text.getvalue())


def _number_text(value: float, digits: int) -> str:
    if digits >= _ALL_DIGITS:
        return repr(float(value)).removesuffix(".0")
    rounded = f"{value:.{digits}g}"
    shortest = f"{float(rounded)!r}".removesuffix(".0")
    return min(rounded, shortest, key=len)


def read_history(path: Path) -> dict[str, np.ndarray]:
    """Read the columns of a folder's ``history.csv``: float64, one value per epoch; empty where there is none.

    Raises:
        RunError: The file is not a table of numbers.
    """
    file = path / "history.csv"
    if not file.is_file():
        return {}
    try:
        names, *rows = [row for row in csv.reader(io.StringIO(read_text(file), newline="")) if row] or [[]]
        if len(set(names)) != len(names) or "" in names:
            raise ValueError("a column has no name, or that of another")
        if any(len(row) != len(names) for row in rows):
            raise ValueError("a row has more or fewer cells than there are columns")
        values = np.array(list(map(float, chain.from_iterable(rows)))).reshape(len(rows), len(names))
        columns = {name: values[:, place].copy() for place, name in enumerate(names) if rows}
    except (OSError, ValueError, csv.Error) as error:
        raise RunError(
            f"{path.name}/history.csv is not a table of numbers ({error}).", "Copy the run again."
        ) from error
    place = next((name for name in ("epoch", "step") if name in columns), None)
    if place and not np.isfinite(columns[place]).all():
        raise RunError(f"{path.name}/history.csv lacks the {place} of a row.", "Copy the run again.")
    return columns
