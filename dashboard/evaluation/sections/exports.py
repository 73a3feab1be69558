"""A network in other formats: size and time of each, and how far its predictions agree with the original's."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from emoscope.dashboard.charts.comparison import accuracy_against_cost
from emoscope.dashboard.evaluation import scores
from emoscope.dashboard.evaluation.conversion import converter, made
from emoscope.dashboard.evaluation.run_choice import of_what, report_problems
from emoscope.dashboard.ui.chart_export import show_chart
from emoscope.dashboard.ui.notices import show_error
from emoscope.dashboard.ui.tables import show_table
from emoscope.model.errors import EmoscopeError, RunError
from emoscope.model.evaluation.agreement import ACCEPTED_LOSS, agreement, stands_in
from emoscope.model.runs.exports import ORIGINAL, VARIANTS, Exported, read_exports
from emoscope.model.runs.run import Run
from emoscope.model.splits import images_of

CARDS_A_ROW = 3


def forms_of(run: Run, runs: Mapping[str, Run]) -> dict[str, Exported]:
    """Return every export of a run's network by title, with the runs that were pruned from it; stale ones are named.

    Raises:
        RunError: What was measured of them cannot be read.
    """
    there = made(run) | {form.variant: form for form in read_exports(run)}
    found = {kind.title: there[variant] for variant, kind in VARIANTS.items() if variant in there}
    for other in runs.values():
        if other.info.origin == run.key and other.key != run.key:
            found[other.info.name] = read_exports(other)[0]
    stale = [title for title, form in found.items() if form.stale]
    report_problems(
        [
            f"{run.key} was trained again since its {title} was made. Run `python -m training export {run.key}`."
            for title in stale
        ]
    )
    return {title: form for title, form in found.items() if title not in stale}


def show_forms(run: Run, forms: Mapping[str, Exported], split: str) -> None:
    """Show the forms' figures in a table, and their accuracy against their size."""
    scored = {title: form for title, form in forms.items() if images_of(split) in form.run.splits}
    report_problems(
        [
            f"{title} was not scored on {split}."
            for title in forms
            if title not in scored and images_of(split) in run.splits
        ]
    )
    figures, problems = scores.all_metrics({title: form.run for title, form in scored.items()}, split)
    report_problems(problems)
    table, problems = forms_table(run, forms, split)
    report_problems(problems)
    show_table(table, alt=f"Size, accuracy on {split}, agreement and time of each format.")
    sized = [title for title in figures if forms[title].bytes]
    if len(sized) > 1:
        show_chart(
            accuracy_against_cost(
                sized,
                np.array([forms[title].bytes / 1e6 for title in sized]),
                np.array([figures[title]["accuracy"] for title in sized]),
                np.array([figures[title]["intervals"]["accuracy"] for title in sized]),
                cost_title="File size (MB)",
                score_title="Accuracy",
            ),
            "exports",
            f"Accuracy on {split} with its 95 % interval against the size of the file.",
        )


def forms_table(run: Run, forms: Mapping[str, Exported], split: str) -> tuple[pd.DataFrame, list[str]]:
    """Return one row per format, and a sentence for each whose predictions cannot be compared with the original's.

    Args:
        run: The original.
        forms: By title.
        split: That they were scored on.
    """
    rows, problems = [], []
    for title, form in forms.items():
        row: dict[str, float | str] = {"Format": title}
        try:
            row |= _scores(run, form, split)
        except RunError as error:
            if images_of(split) in form.run.splits:
                problems.append(str(error))
        row |= {
            "MB": round(form.bytes / 1e6, 2) if form.bytes else np.nan,
            "MB zipped": round(form.zipped_bytes / 1e6, 2) if form.zipped_bytes else np.nan,
            of_what("ms per face", [run]): round(form.milliseconds, 2),
            "Times as fast": round(form.original_milliseconds / form.milliseconds, 2),
        }
        rows.append(row)
    return pd.DataFrame(rows).dropna(axis="columns", how="all"), problems


def _scores(run: Run, form: Exported, split: str) -> dict[str, float | str]:
    figures = scores.metrics(form.run, split)
    low, high = figures["intervals"]["accuracy"]
    change = scores.comparison(form.run, run, split).accuracy
    found = agreement(scores.pair(form.run, run, split))
    return {
        "Accuracy %": round(100 * figures["accuracy"], 2),
        "95 % interval": f"{100 * low:.1f} – {100 * high:.1f}",
        "Change (points)": round(100 * change.value, 2),
        "Interval of change": f"{100 * change.low:+.1f} to {100 * change.high:+.1f}",
        "Same answer %": round(100 * found.same, 1),
        "Largest difference": round(found.largest, 3),
    }


def show_downloads(run: Run, forms: Mapping[str, Exported], split: str) -> None:
    """Show one card per format: what it is for, whether it may stand in for the original, and its file."""
    titles = list(forms)
    for start in range(0, len(titles), CARDS_A_ROW):
        for title, column in zip(titles[start : start + CARDS_A_ROW], st.columns(CARDS_A_ROW), strict=False):
            with column.container(border=True, height="stretch"):
                _card(run, title, forms[title], split)


def _card(run: Run, title: str, form: Exported, split: str) -> None:
    st.markdown(f"**{title}**{_badge(run, form, split)}")
    st.caption(
        VARIANTS[form.variant].summary if form.run.path == run.path or form.variant != ORIGINAL else form.run.info.note
    )
    if form.file is None:
        why = "an uploaded run brings its figures only" if run.info.knows_input else "results were imported, no network"
        st.caption(f"Its file is not here: {why}.")
        return
    st.download_button(
        f"Download ({form.bytes / 1e6:.1f} MB)",
        data=form.file.read_bytes,
        file_name=f"{form.run.key.replace('/exports/', '-')}{form.file.suffix}",
        mime="application/octet-stream",
        icon=":material/download:",
        key=f"download-{form.run.key}",
        on_click="ignore",
    )


def _badge(run: Run, form: Exported, split: str) -> str:
    if form.run.path == run.path:
        return ""
    try:
        comparison = scores.comparison(form.run, run, split)
    except RunError:
        return " :gray-badge[not scored]"
    if stands_in(comparison):
        return " :green-badge[equal]"
    return f" :orange-badge[loses {-100 * comparison.accuracy.value:.1f} points]"


def explanation(split: str, machine: str) -> str:
    """Say how the figures were made.

    Args:
        split: That the forms were scored on.
        machine: That they were timed on; empty where they were not.
    """
    timed = f" Timed one face at a time on one thread, all formats alternately ({machine})." if machine else ""
    points = f"{100 * ACCEPTED_LOSS:.0f} point"
    return (
        f"Each format was scored on {split} alone. “Equal” means that it loses at most {points} of accuracy there. "
        f"Change, same answer and largest difference of a probability are against float32.{timed}"
    )


def show_missing(run: Run, forms: Sequence[Exported]) -> None:
    """Offer to make the formats that are not there, and show how far the one is that is being made."""
    there = {form.variant for form in forms}
    absent = [variant for variant in VARIANTS if variant not in there]
    if not absent:
        return
    st.subheader("Other formats")
    st.caption("Made on this machine and scored where the data set is at hand; each takes about a minute.")
    latest = converter().latest
    at_work = latest if latest and latest.is_running else None
    with st.container(horizontal=True):
        for variant in absent:
            if st.button(
                f"Make {VARIANTS[variant].title}",
                icon=":material/output:",
                key=f"make-{variant}",
                help=VARIANTS[variant].summary,
                disabled=at_work is not None,
            ):
                _begin(run, variant)
    if at_work:
        _follow()
    elif latest and latest.problem and latest.run_key == run.key and latest.variant in absent:
        show_error(EmoscopeError(f"{VARIANTS[latest.variant].title} could not be made.", latest.problem))


def _begin(run: Run, variant: str) -> None:
    try:
        converter().start(run, variant)
    except EmoscopeError as error:
        show_error(error)
        return
    st.rerun()


@st.fragment(run_every=1.0)
def _follow() -> None:
    """Show the conversion at work; draw the whole page anew when it has ended."""
    latest = converter().latest
    if latest is None or not latest.is_running:
        st.rerun()
    seconds = time.time() - latest.started
    st.info(
        f"{latest.run_key} is being converted to {VARIANTS[latest.variant].title}: {seconds:.0f} s.",
        icon=":material/hourglass_top:",
    )
