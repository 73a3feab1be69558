"""The figures of one run, overall and class by class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from emoscope.dashboard.charts.ranking import class_scores
from emoscope.dashboard.charts.theme import class_colors
from emoscope.dashboard.evaluation import scores
from emoscope.dashboard.evaluation.class_choice import choose_classes
from emoscope.dashboard.ui.chart_export import show_chart
from emoscope.dashboard.ui.tables import percent, show_table
from emoscope.model.evaluation.metrics import LOWER_IS_BETTER, METRIC_TITLES, SCALARS
from emoscope.model.runs.figures import ClassMetrics, ClassScalar, Scalar
from emoscope.model.runs.run import Run

UNSCALED: tuple[Scalar, ...] = ("log_loss",)  # figures that are no share
OF_PROBABILITIES: tuple[Scalar, ...] = ("top2", "log_loss", "ece")
WHY_UNKNOWN = (
    "The report does not state it.",
    "It follows from a probability for each class, and only predicted classes are known here.",
)
STATED = {
    "report": " These figures are stated by an imported report and rounded as it is; the predictions are not here.",
    "counts": " They are computed from an imported confusion matrix.",
    "classes": " They are computed from imported predictions without probabilities.",
}


def show_overview(run: Run, split: str) -> None:
    """Show accuracy and its kin with their intervals, and precision, recall and F1 by class."""
    figures = scores.metrics(run, split)
    tiles = st.container(horizontal=True, gap="small")
    for name in SCALARS:
        low, high = figures["intervals"][name]
        tiles.metric(
            METRIC_TITLES[name].removesuffix(" (ECE)"),
            as_text(name, figures[name]),
            interval_text(name, low, high),
            help=None if np.isfinite(figures[name]) else WHY_UNKNOWN[name in OF_PROBABILITIES],
            delta_color="off",
            delta_arrow="off",
            border=True,
            width=148,
        )
    worse = " and ".join(METRIC_TITLES[name].lower().replace("(ece)", "(ECE)") for name in LOWER_IS_BETTER)
    st.caption(
        f"{figures['n']:,} images of {split}. Below each figure is its 95 % bootstrap interval. "
        f"Higher is better, but for {worse}." + STATED.get(scores.known_detail(run, split), "")
    )
    names = run.info.class_names
    rows = figures["per_class"]
    kinds: tuple[ClassScalar, ...] = ("precision", "recall", "f1")
    values: dict[str, np.ndarray] = {kind: np.array([row[kind] for row in rows]) for kind in kinds}
    intervals = np.array([row["intervals"]["f1"] for row in rows])
    st.subheader("By class")
    shown = choose_classes(names, {"Weakest": values["f1"], "Strongest": -values["f1"]}, "classes")
    show_chart(
        class_scores(
            [names[i] for i in shown],
            {kind: column[shown] for kind, column in values.items()},
            intervals[shown],
            class_colors(names),
        ),
        "class-scores",
        f"F1, precision and recall of each class on {split}, lowest F1 at the bottom.",
    )
    show_table(class_table(rows), alt="Precision, recall, F1 and number of images of each class.")


def as_text(metric: Scalar, value: float) -> str:
    """Write a figure as people do: shares in per cent, losses as they are."""
    return ("–" if np.isnan(value) else f"{value:.3f}") if metric in UNSCALED else percent(value)


def interval_text(metric: Scalar, low: float, high: float) -> str:
    """Write an interval as people do; "not known" where it is not."""
    return f"{as_text(metric, low).removesuffix(' %')} – {as_text(metric, high)}" if low <= high else "not known"


def class_table(rows: list[ClassMetrics]) -> pd.DataFrame:
    """Return precision, recall and F1 in per cent with their intervals, and counts, one row per class."""
    table: dict[str, list[Any]] = {"Class": [row["name"] for row in rows]}
    titles: dict[ClassScalar, str] = {"precision": "Precision %", "recall": "Recall %", "f1": "F1 %"}
    for kind, title in titles.items():
        table[title] = [round(100 * row[kind], 1) for row in rows]
        table[f"{title[:-2]} 95 % interval"] = [
            interval_text("accuracy", *row["intervals"][kind]).removesuffix(" %") for row in rows
        ]
    table["Images"] = [row["support"] for row in rows]
    table["Predicted"] = [row["predicted"] for row in rows]
    return pd.DataFrame(table)
