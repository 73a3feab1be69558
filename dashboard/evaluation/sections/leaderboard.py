"""All runs in one table and against what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from emoscope.dashboard.charts.comparison import accuracy_against_cost, scores_with_intervals
from emoscope.dashboard.evaluation import latency, scores
from emoscope.dashboard.evaluation.run_choice import choose_labels, choose_split, report_problems
from emoscope.dashboard.ui.chart_export import show_chart
from emoscope.dashboard.ui.notices import escape
from emoscope.dashboard.ui.tables import show_table
from emoscope.dashboard.ui.url_state import in_url
from emoscope.model.evaluation.metrics import LOWER_IS_BETTER, METRIC_TITLES, SCALARS
from emoscope.model.runs.figures import Metrics, Scalar
from emoscope.model.runs.run import KERAS_FILE, Run
from emoscope.model.splits import by_importance, by_votes, images_of, is_by_votes

NOT_IDENTIFIED = ("counts", "report")
COSTS = {
    "Operations per face (millions)": "multiply_adds",
    "Parameters (thousands)": "parameters",
    "File size (MB)": "megabytes",
    "Milliseconds per face": "milliseconds",
}


def show_leaderboard(runs: Mapping[str, Run]) -> None:
    """Show the runs best first, one table for each test set, and their Pareto front."""
    splits = by_importance({split for run in runs.values() for split in run.splits})
    if not splits:
        report_problems(["No run here has saved predictions; run `python -m training evaluate` on one."])
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        split = choose_labels(choose_split(splits), runs.values())
        metric = in_url(
            st.selectbox,
            "Metric",
            key="metric",
            options=list(SCALARS),
            format_func=METRIC_TITLES.__getitem__,
            width=230,
        )
        wanted = in_url(st.text_input, "Filter", key="filter", placeholder="name or architecture", width=230)
    matched = matching(runs, wanted)
    found, problems = scores.all_metrics(
        {key: runs[key] for key in matched if images_of(split) in runs[key].splits}, split
    )
    report_problems(problems)
    groups = same_test_set({key: runs[key] for key in found}, split)
    if len(groups) > 1:
        st.info(
            f"These runs were scored on {len(groups)} different test sets or class lists. Figures of different tables "
            "must not be compared.",
            icon=":material/call_split:",
        )
    for number, keys in enumerate(groups):
        _show_group({key: runs[key] for key in keys}, found, metric, split, number)
    if not matched:
        st.caption("No run matches.")
    if not_scored := [key for key in matched if images_of(split) not in runs[key].splits]:
        st.caption(f"Not scored on {split}: {', '.join(map(escape, not_scored))}.")


def matching(runs: Mapping[str, Run], wanted: str) -> list[str]:
    """Return the keys of the runs whose key, name, architecture or labels contain every word asked for."""
    words = wanted.lower().split()
    texts = {
        key: " ".join((key, run.info.name, run.info.architecture, run.info.label_source)).lower()
        for key, run in runs.items()
    }
    return [key for key, text in texts.items() if all(word in text for word in words)]


def same_test_set(runs: Mapping[str, Run], split: str) -> list[list[str]]:
    """Group runs whose figures may stand in one table, the largest group first.

    A confusion matrix or a report does not say which images it is of: it joins a test set that has just as many images
    of each class.
    """
    groups: dict[Any, list[str]] = {}
    unidentified = {key for key, run in runs.items() if scores.known_detail(run, split) in NOT_IDENTIFIED}
    for key, run in runs.items():
        if key not in unidentified:
            groups.setdefault(scores.test_set(run, split), []).append(key)
    by_sizes = {scores.class_sizes(runs[keys[0]], split): keys for keys in groups.values()}
    for key in runs:
        if key in unidentified:
            sizes = scores.class_sizes(runs[key], split)
            by_sizes.setdefault(sizes, groups.setdefault(sizes, [])).append(key)
    groups = {number: keys for number, keys in enumerate(groups.values()) if keys}
    return sorted(groups.values(), key=len, reverse=True)


def leaderboard(runs: Mapping[str, Run], figures: Mapping[str, Metrics], metric: Scalar, split: str) -> pd.DataFrame:
    """Return one row per run, best first: the metric with its interval, the other figures, and what the run costs.

    Beside the metric stands the accuracy by the other labels, the data set's or people's votes, where it is known.
    """
    percent = metric != "log_loss"
    scale = 100 if percent else 1
    rows = []
    for key, run in runs.items():
        low, high = figures[key]["intervals"][metric]
        rows.append(
            {
                "Run": key,
                **_figure(metric, figures[key]),
                "95 % interval": _interval(scale * low, scale * high, percent),
                **_by_other_labels(run, split),
                "Milliseconds per face": round(latency.measured(run), 2),
                **{title: round(cost(run, title), 2) for title in list(COSTS)[:3]},
                "Architecture": run.info.architecture,
                "Labels": run.info.label_source,
                **{title: value for n in SCALARS if n != metric for title, value in _figure(n, figures[key]).items()},
                "Images": figures[key]["n"],
            }
        )
    table = pd.DataFrame(rows)
    table = table.dropna(axis="columns", how="all")
    return table.sort_values(table.columns[1], ascending=metric in LOWER_IS_BETTER, kind="stable", ignore_index=True)


def _interval(low: float, high: float, percent: bool) -> str | None:
    if not low <= high:
        return None
    return f"{low:.1f} – {high:.1f}" if percent else f"{low:.3f} – {high:.3f}"


def _by_other_labels(run: Run, split: str) -> dict[str, float]:
    if is_by_votes(split):
        return {"Accuracy by labels %": round(100 * scores.metrics(run, images_of(split))["accuracy"], 2)}
    if not scores.has_votes(run, split):
        return {}
    return {"Accuracy by votes %": round(100 * scores.metrics(run, by_votes(split))["accuracy"], 2)}


def _figure(metric: Scalar, figures: Metrics) -> dict[str, float]:
    """Return a figure as a table shows it, by its column's title."""
    if metric == "log_loss":
        return {METRIC_TITLES[metric]: round(figures[metric], 4)}
    return {f"{METRIC_TITLES[metric]} %": round(100 * figures[metric], 2)}


def cost(run: Run, title: str) -> float:
    """Return what a run costs by one of ``COSTS``; NaN where that is not known."""
    match COSTS[title]:
        case "multiply_adds":
            return run.info.multiply_adds / 1e6 or float("nan")
        case "parameters":
            return run.info.parameters / 1e3 or float("nan")
        case "milliseconds":
            return latency.measured(run)
    file = run.litert_file or run.path / KERAS_FILE
    return file.stat().st_size / 1e6 if file.is_file() else float("nan")


def _show_group(
    runs: Mapping[str, Run], figures: Mapping[str, Metrics], metric: Scalar, split: str, number: int
) -> None:
    first = next(iter(runs.values()))
    other = f"Test set {number + 1}: " if number else ""
    st.subheader(f"{other}{figures[first.key]['n']:,} images of {split}, {len(first.info.class_names)} classes")
    show_table(leaderboard(runs, figures, metric, split), alt="All runs, best first.")
    if vague := [key for key, run in runs.items() if scores.known_detail(run, split) in NOT_IDENTIFIED]:
        st.caption(
            f"Of {', '.join(map(escape, vague))} only a matrix or a report is known. As many images of each class are "
            "taken for the same test set."
        )
    runs = {key: run for key, run in runs.items() if np.isfinite(figures[key][metric])}
    if len(runs) < 2:
        return
    values = {}
    for key in runs:
        low, high = figures[key]["intervals"][metric]
        values[key] = figures[key][metric], low, high
    left, right = st.columns(2, gap="large")
    with left:
        show_chart(
            scores_with_intervals(values, METRIC_TITLES[metric], percent=metric != "log_loss"),
            f"leaderboard-{number}",
            f"{METRIC_TITLES[metric]} of each run with its 95 % interval.",
        )
    with right:
        title = in_url(st.selectbox, "Against", key=f"cost{number or ''}", options=list(COSTS))
        if title == "Milliseconds per face" and st.button(
            "Measure on this machine", icon=":material/timer:", key=f"time{number}"
        ):
            with st.spinner("Timing each network on one core …"):
                report_problems([problem for run in runs.values() if (problem := latency.measure(run))])
        costs = np.array([cost(run, title) for run in runs.values()], np.float64)
        if not np.isfinite(costs).any():
            st.caption(f"{title}: not known for any of these runs.")
            return
        direction = -1 if metric in LOWER_IS_BETTER else 1
        show_chart(
            accuracy_against_cost(
                list(runs), costs,
                np.array([values[key][0] for key in runs]), np.array([values[key][1:] for key in runs]),
                cost_title=title, score_title=METRIC_TITLES[metric], direction=direction, percent=metric != "log_loss",
            ),
            f"pareto-{number}",
            f"{METRIC_TITLES[metric]} against {title.lower()}; no other run beats those on the dotted line in both.",
        )  # fmt: skip
