"""The figures of one run, overall and class by class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from emoscope.dashboard.charts.ranking import class_scores
from emoscope.dashboard.charts.theme import class_colors
from emoscope.dashboard.evaluation import scores
from emoscope.dashboard.ui.chart_export import show_chart
from emoscope.dashboard.ui.tables import percent, show_table
from emoscope.model.evaluation.metrics import LOWER_IS_BETTER, METRIC_TITLES, SCALARS
from emoscope.model.runs.figures import ClassMetrics, ClassScalar, Scalar
from emoscope.model.runs.run import Run

UNSCALED: tuple[Scalar, ...] = ("log_loss",)  # figures that are no share


def show_overview(run: Run, split: str) -> None:
    """Show accuracy and its kin with their intervals, and precision, recall and F1 by class."""
    figures = scores.metrics(run, split)
    tiles = st.container(horizontal=True, gap="small")
    for name in SCALARS:
        low, high = figures["intervals"][name]
        tiles.metric(
            METRIC_TITLES[name].removesuffix(" (ECE)"),
            as_text(name, figures[name]),
            f"{as_text(name, low).removesuffix(' %')} – {as_text(name, high)}",
            delta_color="off",
            delta_arrow="off",
            border=True,
            width=148,
        )
    worse = " and ".join(METRIC_TITLES[name].lower().replace("(ece)", "(ECE)") for name in LOWER_IS_BETTER)
    st.caption(
        f"{figures['n']:,} images of {split}. Below each figure is its 95 % bootstrap interval. "
        f"Higher is better, but for {worse}."
    )
    names = run.info.class_names
    rows = figures["per_class"]
    kinds: tuple[ClassScalar, ...] = ("precision", "recall", "f1")
    values: dict[str, np.ndarray] = {kind: np.array([row[kind] for row in rows]) for kind in kinds}
    intervals = np.array([row["intervals"]["f1"] for row in rows])
    st.subheader("By class")
    show_chart(
        class_scores(names, values, intervals, class_colors(names)),
        "class-scores",
        f"F1, precision and recall of each class on {split}, lowest F1 at the bottom.",
    )
    show_table(class_table(rows), alt="Precision, recall, F1 and number of images of each class.")


def as_text(metric: Scalar, value: float) -> str:
    """Write a figure as people do: shares in per cent, losses as they are."""
    return f"{value:.3f}" if metric in UNSCALED else percent(value)


def class_table(rows: list[ClassMetrics]) -> pd.DataFrame:
    """Return precision, recall and F1 in per cent with their intervals, and counts, a row a class."""
    table: dict[str, list[Any]] = {"Class": [row["name"] for row in rows]}
    titles: dict[ClassScalar, str] = {"precision": "Precision %", "recall": "Recall %", "f1": "F1 %"}
    for kind, title in titles.items():
        table[title] = [round(100 * row[kind], 1) for row in rows]
        table[f"{title[:-2]} 95 % interval"] = [
            "{:.1f} – {:.1f}".format(*(100 * e for e in row["intervals"][kind])) for row in rows
        ]
    table["Images"] = [row["support"] for row in rows]
    table["Predicted"] = [row["predicted"] for row in rows]
    return pd.DataFrame(table)
