"""The confusion matrix, and the images behind each of its cells."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from emoscope.dashboard.charts.confusion import Normalize, confusion_matrix, normalized
from emoscope.dashboard.evaluation import scores
from emoscope.dashboard.evaluation.sample_grid import page_of, prediction_samples, show_samples, user_dataset
from emoscope.dashboard.ui.chart_export import page_ground, show_chart
from emoscope.dashboard.ui.tables import show_table
from emoscope.dashboard.ui.url_state import in_url
from emoscope.model.runs.run import Run

CHART = "confusion-matrix"
CELLS: dict[str, Normalize] = {"Counts": "counts", "% of true": "row", "% of predicted": "column"}


def show_confusion(run: Run, split: str) -> None:
    """Show the matrix; a chosen cell shows its images, most confident first."""
    names = run.info.class_names
    if split in run.reports:
        scores.predictions(run, split)  # says why there is no matrix
    matrix = np.array(scores.metrics(run, split)["confusion"])
    left, right = st.columns([3, 2], gap="large")
    with right:
        shown = in_url(
            st.segmented_control, "Cells show", key="cells", options=list(CELLS), default="Counts", required=True
        )
        st.markdown("**Choose a cell** in the matrix, or here:")
        true = in_url(st.selectbox, "True class", key="true", options=list(names), index=None, placeholder="any class")
        predicted = in_url(
            st.selectbox, "Predicted class", key="predicted", options=list(names), index=None, placeholder="any class"
        )
        show_table(
            confused_pairs(matrix, names),
            height=246,
            alt="The pairs of classes that are confused most.",
        )
    cell = (names.index(true), names.index(predicted)) if true and predicted else None
    with left:
        show_chart(
            confusion_matrix(matrix, names, CELLS[shown], cell, page_ground()),
            CHART,
            f"Confusion matrix of {run.key} on {split}: rows are true classes, columns predicted ones.",
            on_select=_take_cell,
            arguments=(names,),
        )
    if true or predicted:
        _show_images(run, split, true, predicted)


def confused_pairs(matrix: np.ndarray, names: tuple[str, ...]) -> pd.DataFrame:
    """Return the confusions, most images first: true class, predicted class, images, share of the true class."""
    true, predicted = np.nonzero(matrix * (1 - np.eye(len(names), dtype=int)))
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
