"""What runs keep of their accuracy when pictures get worse."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from emoscope.dashboard.charts.robustness import accuracy_by_severity, retained_accuracy
from emoscope.dashboard.evaluation.run_choice import choose_runs, report_problems
from emoscope.dashboard.ui.chart_export import show_chart
from emoscope.dashboard.ui.tables import show_table
from emoscope.model.errors import RunError
from emoscope.model.evaluation.robustness import (
    RobustnessRow,
    RobustnessSummary,
    read_robustness,
    robustness_comparable,
    robustness_meta,
    summarize_robustness,
)
from emoscope.model.runs.run import Run


def show_robustness(runs: Mapping[str, Run]) -> None:
    """Show accuracy against severity of the runs that were measured, over one another."""
    measured = {key: run for key, run in runs.items() if (run.path / "robustness.csv").is_file()}
    if not measured:
        st.info(
            "No run here was measured on worse pictures yet. Run `python -m training robustness RUN`.",
            icon=":material/blur_on:",
        )
        return
    chosen = choose_runs(measured)
    rows, problems = readable(chosen)
    report_problems(problems)
    if not rows:
        return
    meta = robustness_meta(chosen[next(iter(rows))])
    st.caption(
        (f"{meta['samples']:,} images of {meta.get('split', 'an unnamed split')}. " if meta.get("samples") else "")
        + "Severity 0 is the image as it is."
    )
    show_chart(accuracy_by_severity(rows), "robustness", f"Accuracy of {', '.join(rows)} by kind and severity.")
    summaries = {key: summarize_robustness(found) for key, found in rows.items()}
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader("How much is kept")
        show_chart(retained_accuracy(summaries), "robustness-kept", "Share of its clean accuracy that each run keeps.")
    with right:
        st.subheader("In short")
        show_table(summary_table(summaries), alt="Relative robustness of each run.")
        st.caption("Kept: mean accuracy over all severities as a share of the run’s own clean accuracy.")
    with st.expander("All measurements"):
        show_table(
            pd.DataFrame([{"run": key, **vars(row)} for key in rows for row in rows[key]]), alt="All measurements."
        )


def readable(runs: Mapping[str, Run]) -> tuple[dict[str, list[RobustnessRow]], list[str]]:
    """Return the measurements that may be drawn over one another, and a sentence for each run left out."""
    rows: dict[str, list[RobustnessRow]] = {}
    problems = []
    for key, run in runs.items():
        try:
            found = read_robustness(run)
            problem = robustness_comparable(runs[next(iter(rows))], run) if rows else ""
        except RunError as error:
            problem = str(error)
        if problem:
            problems.append(problem)
        elif found:
            rows[key] = found
    return rows, problems


def summary_table(summaries: Mapping[str, RobustnessSummary]) -> pd.DataFrame:
    """Return clean accuracy, the share kept and the weakest point, the most robust run first."""
    table = pd.DataFrame(
        [
            {
                "Run": key,
                "Kept %": round(100 * summary.mean_retained, 1),
                "Clean accuracy %": round(100 * summary.clean_accuracy, 1),
                "Weakest": summary.weakest.replace("_", " "),
            }
            for key, summary in summaries.items()
        ]
    )
    return table.sort_values("Kept %", ascending=False, kind="stable", ignore_index=True)
