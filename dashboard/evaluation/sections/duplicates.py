"""Images that the data set holds more than once, and what they do to a run's accuracy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from emoscope.dashboard.charts.dataset import accuracy_without
from emoscope.dashboard.evaluation import scores
from emoscope.dashboard.evaluation.dataset_figures import duplicates
from emoscope.dashboard.evaluation.run_choice import available_runs, report_problems
from emoscope.dashboard.evaluation.sample_grid import Sample, show_samples
from emoscope.dashboard.ui.chart_export import show_chart
from emoscope.dashboard.ui.tables import show_table
from emoscope.dashboard.ui.url_state import in_url
from emoscope.model.dataset import Dataset
from emoscope.model.dataset.duplicates import NEAR_CORRELATION, DuplicateGroup, Duplicates
from emoscope.model.errors import RunError
from emoscope.model.runs.run import Run
from emoscope.model.splits import by_importance, is_training

GROUPS_PER_PAGE = 12
FILTERS = ("Across splits", "Labels differ", "All")


def show_duplicates(dataset: Dataset) -> None:
    """Show the copies within and across splits, and every run's accuracy with and without them."""
    kind = in_url(
        st.segmented_control,
        "Copies",
        key="copies",
        options=["Exact", "Near"],
        default="Exact",
        required=True,
        help=f"Near: thumbnails correlate by {NEAR_CORRELATION} or more, whatever the crop, light or compression. "
        "Takes some seconds.",
    )
    found = duplicates(dataset, near=kind == "Near")
    tiles = st.container(horizontal=True)
    tiles.metric("Groups of copies", f"{len(found.groups):,}", border=True)
    tiles.metric("Groups whose labels differ", f"{len(found.conflicting):,}", border=True)
    across = sum("".join(group.splits) != group.splits[0] for group in found.groups)
    tiles.metric("Groups across splits", f"{across:,}", border=True)
    show_table(overlap_table(found), alt="Copies within each split and seen in earlier splits.")
    _show_effect(dataset, found)
    _show_groups(dataset, found)


def overlap_table(found: Duplicates) -> pd.DataFrame:
    """Return how many images of each split are copies, within it and of images in the other splits."""
    return pd.DataFrame(
        [
            {
                "Split": split,
                "Repeated within": found.within(split),
                **{
                    f"Also in {seen}": found.across(seen, split) if seen != split else None
                    for seen in found.split_names
                },
            }
            for split in found.split_names
        ]
    )


def effect_of_removal(run: Run, split: str, dataset: Dataset, found: Duplicates) -> dict[str, object]:
    """Return a run's accuracy on a split, on what is left without copies, and on the copies alone.

    Raises:
        RunError: The run has no predictions on the split, or was scored on other images.
    """
    answers = scores.predictions(run, split)
    own = dataset.splits[split]
    index = np.clip(answers.index, 0, max(len(own) - 1, 0))
    if not (own.pixel_hash[index] == answers.pixel_hash).all():
        raise RunError(f"{run.key} was scored on other images of {split} than this copy of the data set holds.")
    right = answers.probabilities.argmax(1) == answers.label
    removed = np.isin(answers.index, found.removable(split))
    return {
        "Run": run.key,
        "Images": len(right),
        "Copies": int(removed.sum()),
        "Accuracy %": _percent(right),
        "Without copies %": _percent(right[~removed]),
        "On the copies %": _percent(right[removed]),
        "Change (points)": round(_percent(right[~removed]) - _percent(right), 2),
    }


def _percent(right: np.ndarray) -> float:
    return round(100 * float(right.mean()), 2) if right.size else float("nan")


def _show_effect(dataset: Dataset, found: Duplicates) -> None:
    st.subheader("What they do to a run’s accuracy")
    runs = available_runs(stop=False)
    scored = {name for run in runs.values() for name in run.splits}
    splits = [name for name in by_importance(dataset.splits) if not is_training(name) and name in scored]
    if not splits:
        st.caption("No run here has predictions on a held-out split of this data set.")
        return
    split = in_url(st.segmented_control, "Scored on", key="scored", options=splits, default=splits[0], required=True)
    rows, problems = _effects(runs, split, dataset, found)
    report_problems(problems)
    if not rows:
        return
    table = pd.DataFrame(rows)
    show_chart(
        accuracy_without(
            table["Run"], table["Accuracy %"].to_numpy() / 100, table["Without copies %"].to_numpy() / 100
        ),
        "without-copies",
        f"Accuracy of each run on {split} with and without copies.",
    )
    show_table(table, alt="Accuracy with and without copies.")
    st.caption("An image is removed where an earlier one, in the same split or in an earlier one, is its copy.")


def _effects(
    runs: Mapping[str, Run], split: str, dataset: Dataset, found: Duplicates
) -> tuple[list[dict[str, object]], list[str]]:
    rows, problems = [], []
    for run in runs.values():
        if split in run.predicted_splits:
            try:
                rows.append(effect_of_removal(run, split, dataset, found))
            except RunError as error:
                problems.append(str(error))
    return rows, problems


def _show_groups(dataset: Dataset, found: Duplicates) -> None:
    st.subheader("See them")
    which = in_url(
        st.segmented_control, "Groups", key="groups", options=list(FILTERS), default=FILTERS[0], required=True
    )
    groups = [
        g for g in found.groups if which == "All" or (g.labels_conflict if which == FILTERS[1] else len(g.splits) > 1)
    ]
    if not groups:
        st.caption("There are none.")
        return
    pages = -(-len(groups) // GROUPS_PER_PAGE)
    page = st.pagination(pages, key="groups-page") if pages > 1 else 1
    start = (page - 1) * GROUPS_PER_PAGE
    show_samples(
        [
            sample
            for number, group in enumerate(groups[start : start + GROUPS_PER_PAGE], start + 1)
            for sample in _samples(dataset, group, number)
        ]
    )


def _samples(dataset: Dataset, group: DuplicateGroup, number: int) -> list[Sample]:
    return [
        Sample(
            dataset.splits[copy.split].images[copy.position],
            f"{number}: {dataset.class_names[copy.label]}",
            f"{copy.split} {copy.position}",
            f"Group {number}, similarity {group.similarity:.3f}",
        )
        for copy in group.copies[:12]
    ]
