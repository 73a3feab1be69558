"""All runs in one table and against what they cost, led by which is best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from emoscope.dashboard.charts.comparison import accuracy_against_cost, scores_with_intervals
from emoscope.dashboard.evaluation import latency, scores
from emoscope.dashboard.evaluation.digests import Digest
from emoscope.dashboard.evaluation.folds import Fold, fold, spread
from emoscope.dashboard.evaluation.leaderboard_table import COSTS, Board, cost, in_order, leaderboard, rows_shown
from emoscope.dashboard.evaluation.leaderboard_view import (
    HIDDEN,
    OPENED,
    PINNED,
    choose_metric,
    choose_opened,
    choose_view,
    filter_text,
    matching,
    toggle,
)
from emoscope.dashboard.evaluation.notes import note_form, notes
from emoscope.dashboard.evaluation.run_choice import choose_labels, choose_split, of_what, report_problems
from emoscope.dashboard.evaluation.verdict import judge, show_verdict
from emoscope.dashboard.ui.chart_export import show_chart
from emoscope.dashboard.ui.notices import escape
from emoscope.dashboard.ui.tables import show_table
from emoscope.dashboard.ui.url_state import in_url
from emoscope.model.evaluation.metrics import LOWER_IS_BETTER, METRIC_TITLES
from emoscope.model.runs.figures import Scalar
from emoscope.model.runs.run import Run
from emoscope.model.splits import by_importance, images_of

MOST_DRAWN = 20
"""Rows that the charts show; the table shows all."""
MOST_NAMED = 12


def show_leaderboard(runs: Mapping[str, Run]) -> None:
    """Show which run is best, then one table for each test set, and the runs' Pareto front."""
    splits = by_importance({split for run in runs.values() for split in run.splits})
    if not splits:
        report_problems(["No run here has saved predictions; run `python -m training evaluate` on one."])
        return
    noted = notes()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        split = choose_labels(choose_split(splits), runs.values())
        metric = choose_metric()
        wanted = filter_text()
        menu = st.popover(
            "View",
            icon=":material/tune:",
            help="Group, order, pin and hide runs. The page’s address holds what is chosen.",
        )
    view = choose_view(menu, runs, metric, list(COSTS))
    matched = matching(runs, wanted, noted)
    shown = [key for key in matched if key not in view.hidden]
    scored = {key: runs[key] for key in shown if images_of(split) in runs[key].splits}
    found, problems = scores.digests(scored, split)
    report_problems(problems)
    groups = same_test_set(found)
    boards = [
        Board({key: runs[key] for key in keys}, {key: found[key] for key in keys}, noted, split, view)
        for keys in groups
    ]
    folds = [fold(board.runs, view.way, noted) for board in boards]
    opened = choose_opened(menu, [one for rows in folds for one in rows])
    for number, (board, rows) in enumerate(zip(boards, folds, strict=True)):
        if number == 1:
            st.info(
                f"These runs were scored on {len(groups)} different test sets or class lists. Figures of different "
                "tables must not be compared.",
                icon=":material/call_split:",
            )
        _show_board(board, rows, opened, number)
    if not matched:
        st.caption("No run matches.")
    if not_shown := len(matched) - len(shown):
        st.caption(f"{not_shown} hidden (see View).")
    if not_scored := [key for key in shown if images_of(split) not in runs[key].splits]:
        st.caption(f"Not scored on {split}: {', '.join(map(escape, not_scored))}.")


def same_test_set(digests: Mapping[str, Digest]) -> list[list[str]]:
    """Group runs whose figures may stand in one table, the largest group first.

    A confusion matrix or a report does not say which images it is of: it joins a test set that has just as many images
    of each class.
    """
    groups: dict[Any, list[str]] = {}
    for key, digest in digests.items():
        if digest.identifies_images:
            groups.setdefault(digest.samples, []).append(key)
    by_sizes = {digests[keys[0]].class_sizes: keys for keys in groups.values()}
    for key, digest in digests.items():
        if not digest.identifies_images:
            sizes = digest.class_sizes
            by_sizes.setdefault(sizes, groups.setdefault(sizes, [])).append(key)
    return sorted(filter(None, groups.values()), key=len, reverse=True)


def _show_board(board: Board, folds: Sequence[Fold], opened: frozenset[str], number: int) -> None:
    first = next(iter(board.runs.values()))
    images = f"{board.figures(first.key)['n']:,} images of {board.split}, {len(first.info.class_names)} classes"
    verdict = judge(board, folds)
    if number:
        st.subheader(f"Test set {number + 1}: {images}")
    if verdict is not None:
        show_verdict(verdict)
    if not number:
        st.subheader(images)
    rows = rows_shown(board, folds, opened)
    event = show_table(
        leaderboard(board, rows),
        alt="All runs, best first.",
        key=f"board-{number}-{hash((*rows, *board.notes.items()))}",  # of other rows none is chosen yet
        on_select="rerun",
        selection_mode="multi-row",
        height="content" if len(rows) <= MOST_DRAWN else 740,
    )
    _show_actions(board, [rows[place][0] for place in event.selection.rows], opened, number)
    if vague := [key for key, digest in board.digests.items() if not digest.identifies_images]:
        st.caption(
            f"Of {', '.join(map(escape, vague))} only a matrix or a report is known. As many images of each class are "
            "taken for the same test set."
        )
    _show_charts(board, folds, number)


def _show_actions(board: Board, chosen: Sequence[Fold], opened: frozenset[str], number: int) -> None:
    """Show what can be done with the chosen rows."""
    if not chosen:
        if not number:
            st.caption("Choose rows by their boxes to compare, pin, hide, open or note them.")
        return
    keys = list(dict.fromkeys(key for one in chosen for key in one.keys))
    several = [one.name for one in chosen if not one.is_single]
    with st.container(horizontal=True):
        if len(keys) == 2:
            st.button(
                "Compare the two", icon=":material/compare_arrows:", type="primary", key=f"pair-{number}",
                on_click=_compare, args=keys,
            )  # fmt: skip
        if several:
            is_open = opened.issuperset(several)
            label, icon = ("Close", ":material/unfold_less:") if is_open else ("Open", ":material/unfold_more:")
            _toggle_button(label, icon, OPENED, several, not is_open, number)
        is_pinned = board.view.pinned.issuperset(keys)
        _toggle_button("Unpin" if is_pinned else "Pin", ":material/keep:", PINNED, keys, not is_pinned, number)
        _toggle_button("Hide", ":material/visibility_off:", HIDDEN, keys, True, number)
        with st.popover("Note", icon=":material/edit_note:"):
            note_form({key: board.runs[key] for key in keys}, board.notes)


def _toggle_button(label: str, icon: str, key: str, values: list[str], add: bool, number: int) -> None:
    st.button(label, icon=icon, key=f"{key}-button-{number}", on_click=toggle, args=(key, values, add))


def _compare(a: str, b: str) -> None:
    st.session_state.update({"a": a, "b": b, "section": "Two runs"})


def _show_charts(board: Board, folds: Sequence[Fold], number: int) -> None:
    metric = board.view.metric
    ranked = in_order(board, [one for one in folds if np.isfinite(board.value(one))])
    drawn = ranked[:MOST_DRAWN]
    if len(drawn) < 2:
        return
    if len(ranked) > len(drawn):
        st.caption(f"The charts show the first {len(drawn)} of {len(ranked)} rows; filter, hide or pin to see others.")
    left, right = st.columns([2, 3], gap="large")
    with left:
        _show_scores(board, drawn, metric, number)
    with right:
        _show_costs(board, ranked, number)
    for place, name in enumerate(board.view.also):
        with (right, left)[place % 2]:
            _show_scores(board, [one for one in drawn if np.isfinite(board.value(one, name))], name, number)


def _show_scores(board: Board, folds: Sequence[Fold], metric: Scalar, number: int) -> None:
    values = {_name(one): _with_interval(board, one, metric) for one in folds}
    if not values:
        return
    several = any(not one.is_single for one in folds)
    show_chart(
        scores_with_intervals(values, METRIC_TITLES[metric], metric != "log_loss", metric in LOWER_IS_BETTER),
        f"leaderboard-{number}" + (f"-{metric}" if metric != board.view.metric else ""),
        f"{METRIC_TITLES[metric]} of each run with its 95 % interval"
        + (", of several runs with their standard deviation." if several else "."),
    )


def _show_costs(board: Board, folds: Sequence[Fold], number: int) -> None:
    metric = board.view.metric
    title = in_url(
        st.selectbox,
        "Against",
        key=f"cost{number or ''}",
        options=list(COSTS),
        format_func=lambda cost: of_what(cost, board.runs.values()),
    )
    runs = [board.runs[key] for one in folds for key in one.keys]
    if title == "Milliseconds per face" and st.button(
        "Measure on this machine", icon=":material/timer:", key=f"time{number}"
    ):
        with st.spinner("Timing each network on one core …"):
            report_problems([problem for run in runs if (problem := latency.measure(run))])
    costs = np.array([spread(cost(board.runs[key], title) for key in one.keys)[0] for one in folds], np.float64)
    if not np.isfinite(costs).any():
        st.caption(f"{of_what(title, runs)}: not known for any of these runs.")
        return
    values = np.array([_with_interval(board, one, metric) for one in folds])
    title, direction = of_what(title, runs), -1 if metric in LOWER_IS_BETTER else 1
    show_chart(
        accuracy_against_cost(
            [_name(one) for one in folds], costs, values[:, 0], values[:, 1:],
            cost_title=title, score_title=METRIC_TITLES[metric], direction=direction,
            percent=metric != "log_loss", most_named=MOST_NAMED,
        ),
        f"pareto-{number}",
        f"{METRIC_TITLES[metric]} against {title.lower()}; no other run beats those on the dotted line in both.",
    )  # fmt: skip


def _name(one: Fold) -> str:
    return one.keys[0] if one.is_single else f"{one.name} · {len(one.keys)} runs"


def _with_interval(board: Board, one: Fold, metric: Scalar) -> tuple[float, float, float]:
    """Return a row's figure with the ends of its interval; of several runs one standard deviation to each side."""
    if one.is_single:
        low, high = board.figures(one.keys[0])["intervals"][metric]
        return board.figures(one.keys[0])[metric], low, high
    mean, deviation = spread(board.figures(key)[metric] for key in one.keys)
    return mean, mean - deviation, mean + deviation
