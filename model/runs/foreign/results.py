"""What a reader finds in a file of another program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

Restarts = Literal["replace", "continue"]


@dataclass(frozen=True, eq=False)
class Curves:
    """The course of a training.

    Attributes:
        metrics: Values by the name that ``history.csv`` uses (``loss``, ``val_loss``, ``seconds``, …), float64, shape
            (rows,); NaN where nothing was measured.
        epoch: Epochs that were finished at each row, from 1 on, perhaps fractional, float64, shape (rows,); None where
            the program counts steps only.
        step: Optimisation steps at each row, float64, shape (rows,); None where unknown.
    """

    metrics: Mapping[str, np.ndarray]
    epoch: np.ndarray | None = None
    step: np.ndarray | None = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(next(iter(self.metrics.values()), ()))

    @property
    def position(self) -> np.ndarray:
        """Where each row stands: epochs, or steps where those alone are counted; float64, shape (rows,)."""
        known = (position for position in (self.epoch, self.step) if position is not None)
        return next(known, np.arange(1.0, self.rows + 1))


@dataclass(frozen=True, eq=False)
class Samples:
    """A label and a predicted class for each sample of one split.

    Attributes:
        class_names: C names.
        label: Class indices, int64, shape (N,).
        predicted: Class indices, int64, shape (N,).
        probabilities: float32, shape (N, C), rows summing to 1; None where only the predicted class is known.
        ids: What names each sample, shape (N,), all different; None where only the order of rows does.
        split: The split that the file names; empty where it names none.
    """

    class_names: tuple[str, ...]
    label: np.ndarray
    predicted: np.ndarray
    probabilities: np.ndarray | None = None
    ids: tuple[str, ...] | None = None
    split: str = ""


@dataclass(frozen=True, eq=False)
class Counts:
    """A confusion matrix.

    Attributes:
        class_names: C names.
        matrix: Samples by label (row) and predicted class (column), int64, shape (C, C).
        split: The split that the file names; empty where it names none.
    """

    class_names: tuple[str, ...]
    matrix: np.ndarray
    split: str = ""


@dataclass(frozen=True)
class ClassFigures:
    """What a report states of one class: precision, recall and F1, 0..1, and its number of samples."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Report:
    """Figures that another program computed from predictions that are not here.

    Attributes:
        classes: Of each class.
        accuracy: 0..1; None where the report states none.
        macro_f1: 0..1; None where the report states none.
        decimals: To which the figures are rounded; None where they are not.
        split: The split that the file names; empty where it names none.
    """

    classes: tuple[ClassFigures, ...]
    accuracy: float | None
    macro_f1: float | None
    decimals: int | None = None
    split: str = ""


@dataclass(frozen=True, eq=False)
class Found:
    """What one file holds.

    Attributes:
        source: Name of the file or folder.
        what: What it was taken for, for people: "a Keras history, 12 epochs, 4 metrics".
        curves: The course of a training.
        scored: Predictions, a confusion matrix or a report.
        settings: Hyperparameters by name.
        tags: What the other program noted of the run, by name.
        seconds: Wall-clock time of the training; 0 where unknown.
        notes: What was assumed or left out, one sentence each.
    """

    source: str
    what: str
    curves: Curves | None = None
    scored: Samples | Counts | Report | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.source}: {self.what}"


@dataclass(frozen=True)
class Reading:
    """How files are to be read, where the user corrects what would be guessed.

    Attributes:
        format: Key of the reader to use, whatever the content looks like; empty to recognise it.
        true: Column of the label.
        predicted: Column of the predicted class.
        class_names: Names of the classes in their order.
        split: The split that predictions, matrices and reports are of.
        restarts: What epochs that start again mean: the training began anew and ``replace``s what was before, or it
            went on, and they ``continue`` the count.
        transposed: Whether a confusion matrix has the predicted classes in its rows.
        run: Name or id of the run to read where a tracker's store holds several.
    """

    format: str = ""
    true: str = ""
    predicted: str = ""
    class_names: tuple[str, ...] = ()
    split: str = ""
    restarts: Restarts = "replace"
    transposed: bool = False
    run: str = ""


def counted(number: int, noun: str, plural: str = "") -> str:
    """Write a number with its noun: "1 epoch", "12 epochs"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(names: Sequence[str], most: int = 4) -> str:
    """Write the first of some names: "a, b, c, d, …"."""
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")
