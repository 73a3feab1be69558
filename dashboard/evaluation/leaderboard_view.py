"""What is seen of the leaderboard: filter, groups, order, pinned and hidden runs, kept in the page's address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from emoscope.dashboard.evaluation.folds import SEEDS, WAYS, Fold
from emoscope.dashboard.evaluation.run_choice import of_what
from emoscope.dashboard.ui.url_state import in_url
from emoscope.model.evaluation.metrics import METRIC_TITLES, SCALARS
from emoscope.model.runs.figures import Scalar
from emoscope.model.runs.notes import Note
from emoscope.model.runs.run import Run

BEST_FIRST, BY_NAME, NEWEST_FIRST = "Best first", "Name", "Newest first"
PINNED, HIDDEN, OPENED = "pinned", "hidden", "open"


@dataclass(frozen=True)
class View:
    """What the leaderboard shows, and how.

    Attributes:
        metric: That runs are ranked by.
        also: Metrics that are shown beside it.
        way: What runs are grouped by, one of :data:`emoscope.dashboard.evaluation.folds.WAYS`.
        order: ``BEST_FIRST``, ``BY_NAME``, ``NEWEST_FIRST`` or the title of a cost.
        pinned: Keys of the runs that stand at the top.
        hidden: Keys of the runs that are left out.
    """

    metric: Scalar
    also: tuple[Scalar, ...]
    way: str
    order: str
    pinned: frozenset[str]
    hidden: frozenset[str]


def choose_metric() -> Scalar:
    """Show the choice of the metric that runs are ranked by."""
    metric: Scalar = in_url(
        st.selectbox,
        "Metric",
        key="metric",
        options=list(SCALARS),
        format_func=METRIC_TITLES.__getitem__,
        width=230,
    )
    return metric


def filter_text() -> str:
    """Show the filter that the leaderboard and the settings share."""
    text: str = in_url(st.text_input, "Filter", key="filter", placeholder="name, architecture, tag", width=210)
    return text


def matching(runs: Mapping[str, Run], wanted: str, notes: Mapping[str, Note]) -> list[str]:
    """Return the keys of the runs whose key, name, architecture, labels, data set or note hold every word asked for."""
    words = wanted.lower().split()
    found = []
    for key, run in runs.items():
        info, note = run.info, notes.get(key, Note())
        names = (key, info.name, info.architecture, info.label_source, info.dataset.name, *note.tags, note.text)
        text = " ".join(names).lower()
        if all(word in text for word in words):
            found.append(key)
    return found


def choose_view(menu: DeltaGenerator, runs: Mapping[str, Run], metric: Scalar, costs: list[str]) -> View:
    """Show what else can be chosen of the leaderboard.

    Args:
        menu: Where.
        runs: All of them, by key.
        metric: That runs are ranked by.
        costs: What rows can be ordered by, too.
    """
    keys = list(runs)
    with menu:
        way = in_url(
            st.selectbox,
            "One row for each group of",
            key="group",
            options=list(WAYS),
            help=f"{SEEDS}: runs that differ by the seed of their training alone. A row of several runs shows mean and "
            "standard deviation; choose it to open it.",
        )
        order = in_url(
            st.selectbox,
            "Order",
            key="order",
            options=[BEST_FIRST, BY_NAME, NEWEST_FIRST, *costs],
            format_func=lambda order: of_what(order, runs.values()),
        )
        also = in_url(
            st.multiselect,
            "More metrics beside it",
            key="also",
            options=list(SCALARS),
            format_func=METRIC_TITLES.__getitem__,
        )
        pinned = in_url(st.multiselect, "Pinned to the top", key=PINNED, options=keys)
        hidden = in_url(st.multiselect, "Hidden", key=HIDDEN, options=keys)
    others = tuple(name for name in also if name != metric)
    return View(metric, others, way, order, frozenset(pinned), frozenset(hidden))


def choose_opened(menu: DeltaGenerator, folds: list[Fold]) -> frozenset[str]:
    """Show which rows of several runs are open, and return their names."""
    names = [one.name for one in folds if not one.is_single]
    if not names:
        return frozenset()
    with menu:
        return frozenset(in_url(st.multiselect, "Opened rows", key=OPENED, options=list(dict.fromkeys(names))))


def toggle(key: str, values: list[str], add: bool) -> None:
    """Add values to a list of the view, or take them out; to be called from a button."""
    now = [value for value in st.session_state.get(key, []) if value not in values]
    st.session_state[key] = now + values * add
