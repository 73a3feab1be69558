"""The confusion matrix, and the images behind each of its cells."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from emoscope.dashboard.charts.confusion import MOST_NAMED, MOST_SHOWN, Normalize, confusion_matrix, normalized
from emoscope.dashboard.evaluation import scores
from emoscope.dashboard.evaluation.sample_grid import page_of, prediction_samples, show_samples, user_dataset
from emoscope.dashboard.ui.chart_export import page_ground, show_chart
from emoscope.dashboard.ui.tables import show_table
from emoscope.dashboard.ui.url_state import in_url
from emoscope.model.evaluation.class_order import most_confused, similar_together, with_partners
from emoscope.model.runs.run import Run

CHART = "confusion-matrix"
MANY = 12
"""From more classes on they can be searched, and similar ones stand together."""
PARTNERS = 5
MOST_PAIRS = 500
ORDERS = ("Similar together", "As listed")
CELLS: dict[str, Normalize] = {"Counts": "counts", "% of true": "row", "% of predicted": "column"}


def show_confusion(run: Run, split: str) -> None:
    """Show the matrix; a chosen cell shows its images, most confident first."""
    names = run.info.class_names
    if split in run.reports:
        scores.predictions(run, split)  # says why there is no matrix
    matrix = np.array(scores.metrics(run, split)["confusion"])
    shown = _choose_shown(matrix, names) if len(names) > MANY else np.arange(len(names))
    left, right = st.columns([3, 2], gap="large")
    with right:
        cells = in_url(
            st.segmented_control, "Cells show", key="cells", options=list(CELLS), default="Counts", required=True
        )
        st.markdown("**Choose a cell** in the matrix, or here:")
        true = in_url(st.selectbox, "True class", key="true", options=list(names), index=None, placeholder="any class")
        predicted = in_url(
            st.selectbox, "Predicted class", key="predicted", options=list(names), index=None, placeholder="any class"
        )
        st.markdown("**Most confused pairs**")
        show_table(
            confused_pairs(matrix, names).head(MOST_PAIRS),
            height=246 if len(names) <= MANY else 420,
            alt="The pairs of classes that are confused most.",
        )
    cell = (names.index(true), names.index(predicted)) if true and predicted else None
    with left:
        show_chart(
            confusion_matrix(matrix, names, CELLS[cells], cell, page_ground(), shown),
            CHART,
            f"Confusion matrix of {run.key} on {split}: rows are true classes, columns predicted ones.",
            on_select=_take_cell,
            arguments=(tuple(names[i] for i in shown),),
        )
    if true or predicted:
        _show_images(run, split, true, predicted)


def _choose_shown(matrix: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """Show which of many classes the matrix holds, and in which order; return their indices."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        searched = in_url(
            st.multiselect, "Search classes", key="matrix", options=list(names),
            placeholder=f"any of {len(names):,}, shown with what they are confused with",
        )  # fmt: skip
        order = in_url(
            st.segmented_control, "Order", key="matrix-order", options=list(ORDERS), default=ORDERS[0], required=True
        )
    if searched:
        shown = with_partners(matrix, np.array([names.index(name) for name in searched]), PARTNERS)
    else:
        shown = most_confused(matrix, MOST_SHOWN)
        if len(shown) < len(names):
            st.caption(f"The {len(shown)} of {len(names):,} classes with the most errors.")
    if len(shown) > MOST_NAMED:
        st.caption("Point at a cell to read its classes.")
    return shown[similar_together(matrix[np.ix_(shown, shown)])] if order == ORDERS[0] else shown


def confused_pairs(matrix: np.ndarray, names: tuple[str, ...]) -> pd.DataFrame:
    """Return the confusions, most images first: true class, predicted class, images, share of the true class."""
    true, predicted = np.nonzero(matrix)
    true, predicted = true[true != predicted], predicted[true != predicted]
    order = np.argsort(-matrix[true, predicted], kind="stable")
    true, predicted = true[order], predicted[order]
    return pd.DataFrame(
        {
            "True": [names[i] for i in true],
            "Predicted": [names[i] for i in predicted],
            "Images": matrix[true, predicted],
            "% of true": (100 * normalized(matrix, "row")[true, predicted]).round(1),
        }
    )


def _take_cell(names: tuple[str, ...]) -> None:
    points = st.session_state[CHART]["selection"]["points"]
    if points:  # a click beside the cells leaves the choice as it is
        st.session_state["true"] = names[round(points[0]["y"])]
        st.session_state["predicted"] = names[round(points[0]["x"])]


def _show_images(run: Run, split: str, true: str | None, predicted: str | None) -> None:
    names = run.info.class_names
    found = scores.predictions(run, split)
    answers, confidence = found.probabilities.argmax(1), found.probabilities.max(1)
    mask = np.ones(len(answers), bool)
    if true:
        mask &= found.label == names.index(true)
    if predicted:
        mask &= answers == names.index(predicted)
    chosen = np.flatnonzero(mask)
    chosen = chosen[np.argsort(-confidence[chosen], kind="stable")]
    st.subheader(f"{true or 'any class'}, predicted as {predicted or 'any class'}: {len(chosen):,} images")
    if not chosen.size:
        st.caption("No image falls into this cell.")
        return
    found.need_images("Showing images")
    if found.has_probabilities:
        st.caption("Most confident first.")
    dataset = user_dataset()
    if dataset is not None:
        part = chosen[page_of(len(chosen), "cell-page")]
        show_samples(prediction_samples(dataset, run, split, found, part))
