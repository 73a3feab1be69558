"""The rows of the leaderboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from emoscope.dashboard.evaluation import latency, scores
from emoscope.dashboard.evaluation.digests import Digest
from emoscope.dashboard.evaluation.folds import Fold, spread
from emoscope.dashboard.evaluation.leaderboard_view import BY_NAME, NEWEST_FIRST, View
from emoscope.dashboard.evaluation.run_choice import of_what
from emoscope.model.evaluation.metrics import LOWER_IS_BETTER, METRIC_TITLES, SCALARS
from emoscope.model.runs.figures import Metrics, Scalar
from emoscope.model.runs.notes import Note
from emoscope.model.runs.run import KERAS_FILE, Run
from emoscope.model.splits import by_votes, images_of, is_by_votes

COSTS = {
    "Operations per face (millions)": "multiply_adds",
    "Parameters": "parameters",
    "File size (MB)": "megabytes",
    "Milliseconds per face": "milliseconds",
}
SEVERAL = "several"
PIN, INSIDE = "★ ", "↳ "
_INTERVAL = "95 % interval"


@dataclass(frozen=True, eq=False)
class Board:
    """What the rows are made of.

    Attributes:
        runs: Scored on the same images, by key.
        digests: Of their predictions, by key.
        notes: By key.
        split: Of the data set.
        view: What is shown.
    """

    runs: Mapping[str, Run]
    digests: Mapping[str, Digest]
    notes: Mapping[str, Note]
    split: str
    view: View

    def figures(self, key: str) -> Metrics:
        """Return the figures of a run."""
        return self.digests[key].figures

    def value(self, one: Fold, metric: Scalar | None = None) -> float:
        """Return the mean figure of a row's runs."""
        return spread(self.figures(key)[metric or self.view.metric] for key in one.keys)[0]


def in_order(board: Board, folds: Sequence[Fold]) -> list[Fold]:
    """Return the rows as they are to be shown: pinned ones first, unknown values last."""
    view = board.view

    def rank(one: Fold) -> tuple[bool, float, str]:
        if view.order == BY_NAME:
            value = 0.0
        elif view.order == NEWEST_FIRST:
            value = -max(board.runs[key].path.joinpath("run.json").stat().st_mtime for key in one.keys)
        elif view.order in COSTS:
            value = spread(cost(board.runs[key], view.order) for key in one.keys)[0]
        else:
            value = board.value(one) * (1 if view.metric in LOWER_IS_BETTER else -1)
        return view.pinned.isdisjoint(one.keys), value if np.isfinite(value) else np.inf, one.name

    return sorted(folds, key=rank)


def rows_shown(board: Board, folds: Sequence[Fold], opened: frozenset[str]) -> list[tuple[Fold, bool]]:
    """Return the rows from top to bottom, each with whether it belongs to the opened one above it."""
    shown = []
    for one in in_order(board, folds):
        shown.append((one, False))
        if one.name in opened and not one.is_single:
            shown += [(inner, True) for inner in in_order(board, [Fold(key, (key,)) for key in one.keys])]
    return shown


def leaderboard(board: Board, rows: Sequence[tuple[Fold, bool]]) -> pd.DataFrame:
    """Return the table: the metric with its interval, the other figures, and what the run costs.

    Beside the metric stands the accuracy by the other labels, the data set's or people's votes, where it is known. A
    row of several runs holds means, and the standard deviation in place of the interval.
    """
    cells = {key: _cells(board, key) for one, _ in rows for key in one.keys}
    table = pd.DataFrame([_row(board, one, inside, cells) for one, inside in rows])
    runs = board.runs.values()
    return table.dropna(axis="columns", how="all").rename(columns=lambda title: of_what(title, runs))


def cost(run: Run, title: str) -> float:
    """Return what a run costs by one of ``COSTS``; NaN where that is not known."""
    match COSTS[title]:
        case "multiply_adds":
            return run.info.multiply_adds / 1e6 or float("nan")
        case "parameters":
            return run.info.parameters or float("nan")
        case "milliseconds":
            return latency.measured(run)
    file = run.litert_file or run.path / KERAS_FILE
    return file.stat().st_size / 1e6 if file.is_file() else float("nan")


def _row(board: Board, one: Fold, inside: bool, cells: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    keys = one.keys
    pinned = not inside and not board.view.pinned.isdisjoint(keys)
    name = (PIN if pinned else INSIDE if inside else "") + (keys[0] if one.is_single else one.name)
    head = {"Run": name, "Runs": None if one.is_single else len(keys)}
    if one.is_single:
        return head | cells[keys[0]]
    row = {title: _united(title, [cells[key][title] for key in keys]) for title in cells[keys[0]]}
    percent = board.view.metric != "log_loss"
    deviation = spread(board.figures(key)[board.view.metric] for key in keys)[1]
    row[_INTERVAL] = f"± {100 * deviation:.2f} SD" if percent else f"± {deviation:.4f} SD"
    return head | row


def _united(title: str, values: list[Any]) -> Any:
    """Return a column's mean of numbers, or the text that all share."""
    if all(value == values[0] for value in values):
        return values[0]
    if all(isinstance(value, int | float) for value in values):
        return round(spread(values)[0], 2 if title.endswith("%") else 4)
    return SEVERAL


def _cells(board: Board, key: str) -> dict[str, Any]:
    """Return what the table holds of one run, by column."""
    run, figures, view = board.runs[key], board.figures(key), board.view
    low, high = figures["intervals"][view.metric]
    scale = 1 if view.metric == "log_loss" else 100
    note = board.notes.get(key, Note())
    rest = [name for name in SCALARS if name not in (view.metric, *view.also)]
    return {
        **_figure(view.metric, figures),
        _INTERVAL: _interval(scale * low, scale * high, scale == 100),
        **{title: value for name in view.also for title, value in _figure(name, figures).items()},
        "Tags": ", ".join(note.tags) or None,
        "Note": note.text or None,
        **_by_other_labels(run, board.split, board.digests[key]),
        "Milliseconds per face": round(latency.measured(run), 2),
        **{title: round(cost(run, title), 2) for title in list(COSTS)[:3]},
        "Architecture": run.info.architecture,
        "Labels": run.info.label_source,
        **{title: value for name in rest for title, value in _figure(name, figures).items()},
        "Images": figures["n"],
    }


def _interval(low: float, high: float, percent: bool) -> str | None:
    if not low <= high:
        return None
    return f"{low:.1f} – {high:.1f}" if percent else f"{low:.3f} – {high:.3f}"


def _by_other_labels(run: Run, split: str, digest: Digest) -> dict[str, float]:
    if is_by_votes(split):
        return {"Accuracy by labels %": _accuracy(run, images_of(split))}
    return {"Accuracy by votes %": _accuracy(run, by_votes(split)) if digest.has_votes else float("nan")}


def _accuracy(run: Run, split: str) -> float:
    return round(100 * scores.metrics(run, split)["accuracy"], 2)


def _figure(metric: Scalar, figures: Metrics) -> dict[str, float]:
    """Return a figure as a table shows it, by its column's title."""
    if metric == "log_loss":
        return {METRIC_TITLES[metric]: round(figures[metric], 4)}
    return {f"{METRIC_TITLES[metric]} %": round(100 * figures[metric], 2)}
