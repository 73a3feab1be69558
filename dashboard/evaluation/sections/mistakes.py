"""The mistakes of one run: the surest, the label's own, and how they depend on what people agree on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from emoscope.dashboard.charts.calibration import agreement_bars
from emoscope.dashboard.evaluation import scores
from emoscope.dashboard.evaluation.sample_grid import page_of, prediction_samples, show_samples, user_dataset
from emoscope.dashboard.ui.chart_export import show_chart
from emoscope.dashboard.ui.tables import show_table
from emoscope.dashboard.ui.url_state import in_url
from emoscope.model.dataset import VOTE_NAMES, Dataset
from emoscope.model.evaluation.label_errors import (
    accuracy_by_agreement,
    confident_mistakes,
    likely_label_errors,
    vote_shares,
    votes_of,
)
from emoscope.model.runs.predictions import Predictions
from emoscope.model.runs.run import Run

KINDS = ("Surest mistakes", "Likely label errors", "The network’s own mistakes")


def show_mistakes(run: Run, split: str) -> None:
    """Show the images that the run gets wrong, and with annotators' votes whose mistakes they are."""
    found = scores.predictions(run, split)
    found.need_images("A list of mistakes")
    dataset = user_dataset()
    shares = _shares(dataset, run, split, found) if dataset is not None else None
    kinds = KINDS if found.has_probabilities or shares is not None else KINDS[:1]
    kind = in_url(st.segmented_control, "Show", key="mistakes", options=list(kinds), default=KINDS[0], required=True)
    positions, explanation = select_mistakes(found, shares, kind)
    st.caption(f"{len(positions):,} of {len(found.label):,} images. {explanation}")
    if dataset is not None and positions.size:
        part = positions[page_of(len(positions), "mistakes-page")]
        show_samples(prediction_samples(dataset, run, split, found, part))
    if positions.size:
        with st.expander("As a table"):
            show_table(mistake_table(found, shares, positions, run.info.class_names), alt="The mistakes.")
    if shares is not None:
        st.subheader("Where people agree, and where they do not")
        curve = accuracy_by_agreement(found, shares)
        show_chart(agreement_bars(curve), "agreement", "Accuracy by the share of annotators that agree.")
        st.caption("Each image has the votes of ten FER+ annotators. What people cannot tell apart, no network can.")


def select_mistakes(found: Predictions, shares: np.ndarray | None, kind: str) -> tuple[np.ndarray, str]:
    """Return the positions of one kind of mistake, and a sentence that says what it is."""
    mistakes = confident_mistakes(found)
    suspects = likely_label_errors(found, shares).position
    if kind == KINDS[0]:
        order = ", most confident first" if found.has_probabilities else ""
        return mistakes, f"Wrong by the data set’s label{order}."
    if kind == KINDS[1]:
        how = (
            "The annotators’ top choice is the network’s prediction, not the label."
            if shares is not None
            else "Confident learning: the network is surer of another class than it is on average of that class’s own "
            "images. With FER+ votes (fer2013new.csv beside the data) people decide instead."
        )
        return suspects, how
    if shares is None:
        return mistakes[~np.isin(mistakes, suspects)], "All mistakes but the likely label errors, most confident first."
    known = np.nan_to_num(shares)
    label_is_top = known[np.arange(len(known)), found.label] >= known.max(1)
    label_is_top &= known.max(1) > 0
    return mistakes[label_is_top[mistakes]], "The annotators’ top choice is the label, not the prediction."


def mistake_table(
    found: Predictions, shares: np.ndarray | None, positions: np.ndarray, names: tuple[str, ...]
) -> pd.DataFrame:
    """Return the chosen samples as a table: place in the split, label, prediction, their probabilities and votes."""
    label, answer = found.label[positions], found.probabilities[positions].argmax(1)
    rows = np.arange(len(positions))
    table: dict[str, Any] = {
        "Index": found.index[positions],
        "Label": [names[i] for i in label],
        "Predicted": [names[i] for i in answer],
    }
    if found.has_probabilities:
        table["Probability"] = found.probabilities[positions].max(1).round(4)
        table["Of the label"] = found.probabilities[positions][rows, label].round(4)
    if shares is not None:
        table["Votes for label"] = shares[positions][rows, label].round(2)
        table["Votes for predicted"] = shares[positions][rows, answer].round(2)
    return pd.DataFrame(table)


def _shares(dataset: Dataset, run: Run, split: str, found: Predictions) -> np.ndarray | None:
    votes = votes_of(dataset, split, found)
    return None if votes is None else vote_shares(votes, VOTE_NAMES, run.info.class_names)
