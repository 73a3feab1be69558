"""ROC and precision-recall curves of one run."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from emoscope.dashboard.charts.ranking import precision_recall_curves, roc_curves
from emoscope.dashboard.charts.theme import class_colors
from emoscope.dashboard.evaluation import scores
from emoscope.dashboard.evaluation.class_choice import choose_classes
from emoscope.dashboard.ui.chart_export import show_chart
from emoscope.dashboard.ui.tables import show_table
from emoscope.model.runs.run import Run

MOST_CURVES = 12
"""Of very many classes: more names would fill the legend."""


def show_ranking(run: Run, split: str) -> None:
    """Show how well each class's probability sets its images apart, at every threshold."""
    st.caption(
        "One class against the rest, at every threshold. ROC does not depend on how frequent a class is; precision "
        "against recall does, and shows what a rare class costs."
    )
    names = run.info.class_names
    areas, averages, prevalences = scores.ranking(run, split)
    shown = choose_classes(names, {"Weakest": areas, "Strongest": -areas}, "classes", MOST_CURVES)
    chosen = [names[i] for i in shown]
    colors = class_colors(chosen)
    roc, precision_recall = scores.threshold_curves(run, split, tuple(chosen))
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("ROC")
        show_chart(roc_curves(roc, colors), "roc", f"ROC curve of {_which(chosen, names)} on {split}.")
    with right:
        st.subheader("Precision and recall")
        show_chart(
            precision_recall_curves(precision_recall, colors),
            "precision-recall",
            f"Precision against recall of {_which(chosen, names)} on {split}.",
        )
    table = pd.DataFrame(
        {
            "Class": [*names, "mean"],
            "Area under ROC": np.round([*areas, np.nanmean(areas)], 4),
            "Average precision": np.round([*averages, np.nanmean(averages)], 4),
            "Average precision of guessing": np.round([*prevalences, 1 / len(names)], 4),
        }
    )
    show_table(table, alt="Area under the ROC curve and average precision of each class.")


def _which(chosen: list[str], names: tuple[str, ...]) -> str:
    return "each class" if len(chosen) == len(names) else ", ".join(chosen)
