"""Whether the confidence of one run can be believed, and what it is good for."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from emoscope.dashboard.charts.calibration import coverage_curve, reliability_diagram
from emoscope.dashboard.evaluation import scores
from emoscope.dashboard.evaluation.run_upload import is_uploaded
from emoscope.dashboard.ui.chart_export import show_chart
from emoscope.dashboard.ui.notices import show_error
from emoscope.dashboard.ui.tables import change, percent
from emoscope.dashboard.ui.url_state import in_url
from emoscope.model.errors import RunError
from emoscope.model.evaluation.calibration import calibrate_run
from emoscope.model.runs.run import Run

ABOUT_RIGHT = 0.02
"""So far from 1 a temperature changes nothing that anybody would notice."""


def show_confidence(run: Run, split: str) -> None:
    """Show the reliability diagram before and after temperature scaling, and accuracy against coverage."""
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Is 70 % sure right 70 % of the time?")
        _show_calibration(run, split)
    with right:
        st.subheader("What if it may say “I don’t know”?")
        _show_abstention(run, split)


def _show_calibration(run: Run, split: str) -> None:
    before, after, effect = scores.calibration(run, split)
    diagrams = {"as trained": before}
    if after is not None and effect is not None:
        diagrams[f"temperature {effect['temperature']:.2f}"] = after
    show_chart(
        reliability_diagram(diagrams),
        "reliability",
        f"Accuracy against confidence on {split}; on the diagonal it is honest.",
    )
    if effect is None:
        st.caption("A temperature is fitted on validation predictions, which this run does not have.")
        return
    tiles = st.container(horizontal=True)
    for title, name, pattern in (("Calibration error", "ece", "{:.3f}"), ("Log loss", "log_loss", "{:.3f}")):
        old, new = effect[f"{name}_before"], effect[f"{name}_after"]
        shown = change(new - old, "{:+.3f} by temperature", lower=True)
        tiles.metric(title, pattern.format(new), border=True, **shown)
    where = f"fitted on {effect['fitted_on']}" + (", this very split" if effect["fitted_on"] == split else "")
    st.caption(f"Temperature {effect['temperature']:.3f}, {where}: as trained the network is {_kind(effect)}.")
    _show_storing(run)


def _kind(effect: Mapping[str, float]) -> str:
    if abs(effect["temperature"] - 1) < ABOUT_RIGHT:
        return "calibrated"
    return "over-confident" if effect["temperature"] > 1 else "under-confident"


def _show_storing(run: Run) -> None:
    try:
        stored = run.temperature
    except RunError as error:
        show_error(error)
        stored = None
    if stored is not None:
        st.caption(f"Stored with the run: {stored:.3f}. Predictions can use it.")
    elif st.button("Store this temperature with the run", icon=":material/save:", disabled=is_uploaded(run)):
        try:
            calibrate_run(run)
        except (RunError, OSError) as error:
            st.error(f"The temperature could not be stored: {error}", icon=":material/error:")
        else:
            st.toast("Stored in calibration.json.", icon=":material/check:")


def _show_abstention(run: Run, split: str) -> None:
    threshold = in_url(
        st.slider,
        "Answer only from this confidence on",
        key="threshold",
        min_value=0.0,
        max_value=0.99,
        value=0.5,
        step=0.01,
    )
    curve = scores.coverage(run, split)
    coverage, accuracy = curve.at_threshold(threshold)
    tiles = st.container(horizontal=True)
    tiles.metric("Answered", percent(coverage), border=True)
    overall = curve.accuracy[-1]
    if coverage:
        gain = change(100 * (accuracy - overall), "{:+.1f} points")
        tiles.metric("Right on those", percent(accuracy), border=True, **gain)
    else:
        tiles.metric("Right on those", "–", border=True)
    tiles.metric("Answering all", percent(overall), border=True)
    show_chart(
        coverage_curve(curve, threshold),
        "coverage",
        "Accuracy against coverage; the diamond is the chosen threshold.",
    )
