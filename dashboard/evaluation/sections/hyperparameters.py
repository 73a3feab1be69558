"""What settings did to the validation score: parallel coordinates of any set of runs, such as those of a sweep."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from emoscope.dashboard.charts.parallel import parallel_coordinates
from emoscope.dashboard.evaluation import scores
from emoscope.dashboard.evaluation.leaderboard_view import filter_text, matching
from emoscope.dashboard.evaluation.notes import notes
from emoscope.dashboard.evaluation.run_choice import report_problems
from emoscope.dashboard.evaluation.settings_table import flat
from emoscope.dashboard.ui.chart_export import show_chart
from emoscope.dashboard.ui.tables import show_table
from emoscope.dashboard.ui.url_state import in_url
from emoscope.model.runs.run import Run

SCORES = {"Validation accuracy": "val_accuracy", "Validation loss": "val_loss"}
UNINTERESTING = ("name",)
MOST_AXES = 8
AXIS_WIDTH = 96
"""Pixels that an axis needs at least; on a phone the chart is dragged sideways."""


def show_hyperparameters(runs: Mapping[str, Run]) -> None:
    """Show the settings in which the runs differ beside the validation score of each run's kept epoch."""
    st.caption(
        "A line is a run. Drag along an axis to leave only the runs in that part, drag a title to move its axis. "
        "Settings are chosen on validation, never on the test split. Of an imported training the last epoch counts."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        title = in_url(st.selectbox, "Score", key="score", options=list(SCORES), width=230)
        wanted = filter_text()
    found, problems = validation_scores({key: runs[key] for key in matching(runs, wanted, notes())}, SCORES[title])
    report_problems(problems)
    settings = differing({key: runs[key] for key in found})
    if len(found) < 2 or settings.empty:
        st.info(
            "At least two runs with different settings are needed. "
            "`python -m training sweep` makes them; the filter sets a sweep apart by its name.",
            icon=":material/tune:",
        )
        return
    axes = in_url(
        st.multiselect, "Settings", key="settings", options=list(settings), default=list(settings)[:MOST_AXES]
    )
    chosen = settings[axes]
    values = np.array(list(found.values()))
    width = AXIS_WIDTH * (len(axes) + 1)
    st.html(
        "<style>.st-key-hyperparameters {overflow-x: auto}"
        f".st-key-hyperparameters [data-testid=stFullScreenFrame] {{min-width: {width}px}}</style>"
    )
    show_chart(
        parallel_coordinates(
            {name: chosen[name].tolist() for name in axes}, values, title, percent=title == "Validation accuracy",
            lower=title == "Validation loss",
        ),
        "hyperparameters",
        f"{title} of {len(found)} runs against {', '.join(axes)}; the table below holds the same figures.",
    )  # fmt: skip
    table = pd.DataFrame({"Run": list(found), title: values.round(4)}).join(chosen.reset_index(drop=True))
    table = table.sort_values(title, ascending=title == "Validation loss", kind="stable", ignore_index=True)
    show_table(table, alt=f"{title} and the settings in which the runs differ, best first.")


def validation_scores(runs: Mapping[str, Run], column: str) -> tuple[dict[str, float], list[str]]:
    """Return a figure of each run's kept epoch by run, and a sentence for each run that lacks it.

    Runs without a kept epoch are left out: cross-validations, and networks from elsewhere. Of an imported training,
    whose kept epoch is not known, the last value counts.
    """
    imported = {key for key, run in runs.items() if not run.info.knows_input and (run.path / "history.csv").is_file()}
    kept = {key: run for key, run in runs.items() if key in imported or run.info.best_epoch is not None}
    histories, problems = scores.histories(kept)
    found = {}
    for key, history in histories.items():
        best = runs[key].info.best_epoch
        measured = history.get(column, np.zeros(0))
        measured = measured[np.isfinite(measured)]
        if key in imported and measured.size:
            found[key] = float(measured[-1])
        elif (
            column in history and best and 1 <= best <= len(history[column]) and np.isfinite(history[column][best - 1])
        ):
            found[key] = float(history[column][best - 1])
        else:
            problems.append(f"{key} has no {column} of its kept epoch.")
    return found, problems


def differing(runs: Mapping[str, Run]) -> pd.DataFrame:
    """Return the settings in which some runs differ: one row per run, one column per setting, as text."""
    rows = {key: {"architecture": run.info.architecture, **flat(run.info.config)} for key, run in runs.items()}
    table = pd.DataFrame.from_dict(rows, orient="index").fillna("–").astype(str)
    keep = [name for name in table if table[name].nunique() > 1 and name not in UNINTERESTING]
    return table[keep]
