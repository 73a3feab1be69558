"""The rows of a training that goes on: each is placed by its epoch or step, under the names of ``history.csv``."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from emoscope.model.errors import RunError
from emoscope.model.runs.foreign.metric_names import standard_names

SECONDS = "seconds"
_PLACES = ("epoch", "step")


class GrowingHistory:
    """Rows in the order of their epochs, or of their steps where no row has an epoch.

    A row at a place that was passed before replaces that row and all later ones: the training went back there.

    Args:
        columns: Of the ``history.csv`` that is to be continued; none for a new one.
    """

    def __init__(self, columns: Mapping[str, np.ndarray] | None = None) -> None:
        columns = columns or {}
        count = len(next(iter(columns.values()), ()))
        self._rows = [{name: float(values[row]) for name, values in columns.items()} for row in range(count)]
        if not set(_PLACES) & set(columns):
            for number, row in enumerate(self._rows, 1):
                row["epoch"] = float(number)
        self._names: dict[str, None] = {}

    @property
    def counts_steps(self) -> bool:
        """Whether there are rows and these have steps and no epochs."""
        return bool(self._rows) and "epoch" not in self._rows[0]

    @property
    def last_epoch(self) -> int:
        """Number of finished epochs; 0 where there are none or steps alone are counted."""
        return math.floor(self._rows[-1].get("epoch", 0)) if self._rows else 0

    @property
    def seconds(self) -> float:
        """Time of all rows together."""
        return math.fsum(s for row in self._rows if math.isfinite(s := row.get(SECONDS, math.nan)))

    def add_epoch(self, metrics: Mapping[str, float], epoch: float | None = None, step: float | None = None) -> None:
        """Add the row at the end of an epoch.

        Args:
            metrics: By any usual name.
            epoch: How many epochs are finished; one more than before where None. Where the rows before have steps and
                no epochs, the row stands at its step, else at the last one.
            step: How many optimisation steps are done, where known.
        """
        if self.counts_steps:
            self._add({"step": self._rows[-1]["step"] if step is None else step}, metrics)
            return
        places = {"epoch": self.last_epoch + 1 if epoch is None else epoch}
        self._add(places if step is None else {**places, "step": step}, metrics)

    def add_step(self, metrics: Mapping[str, float], step: float, epoch: float | None = None) -> None:
        """Add a row after a number of steps.

        Args:
            metrics: By any usual name.
            step: How many optimisation steps are done.
            epoch: How many epochs are finished by then, perhaps fractional, where known.

        Raises:
            RunError: The rows before have epochs and this one has none.
        """
        by_steps = self.counts_steps or (not self._rows and epoch is None)
        if not by_steps and epoch is None:
            raise RunError(
                f"The row of step {step:g} was left out: the rows before it count epochs.",
                f"Say where it stands: log.step({step:g}, epoch={self.last_epoch + 0.5}, …).",
            )
        self._add({"step": step} if by_steps or epoch is None else {"epoch": epoch, "step": step}, metrics)

    def _add(self, places: Mapping[str, float], metrics: Mapping[str, float]) -> None:
        self._names |= dict.fromkeys(metrics)
        names = standard_names(self._names)
        row = {names[name]: float(value) for name, value in metrics.items()}
        by = next(iter(places))
        while self._rows and self._rows[-1][by] > places[by]:
            self._rows.pop()
        if self._rows and self._rows[-1][by] == places[by]:
            last = self._rows.pop()
            if not (set(row) & set(last)) - {SECONDS}:  # two parts of one row, such as training and validation
                row = {**last, **row, SECONDS: last.get(SECONDS, 0.0) + row.get(SECONDS, 0.0)}
        self._rows.append({**{name: float(value) for name, value in places.items()}, **row})

    def table(self) -> list[dict[str, float]]:
        """Return the rows of ``history.csv``, NaN for what a row lacks.

        ``epoch`` is left out where the rows are the epochs 1, 2, 3 and so on and have no steps.
        """
        names = dict.fromkeys(name for row in self._rows for name in row)
        numbered = all(row.get("epoch") == number for number, row in enumerate(self._rows, 1))
        if numbered and "step" not in names:
            names.pop("epoch", None)
        return [{name: row.get(name, math.nan) for name in names} for row in self._rows]
