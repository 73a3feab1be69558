"""How near a run is to people: its predictions beside the ten votes that each image has."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from emoscope.dashboard.charts.calibration import agreement_bars, vote_reliability
from emoscope.dashboard.evaluation import scores
from emoscope.dashboard.ui.chart_export import show_chart
from emoscope.dashboard.ui.tables import percent, show_table
from emoscope.model.evaluation.votes import VoteFigures
from emoscope.model.runs.run import Run
from emoscope.model.splits import images_of


def show_people(run: Run, split: str) -> None:
    """Show how often people agree with the network, beside how often they agree with one another."""
    images = images_of(split)
    found = scores.beside_votes(run, images)
    _show_tiles(found)
    labelled = scores.metrics(run, images)["accuracy"]
    st.caption(
        f"{found.n:,} images of {images} on which at least half of ten people named one of the classes; on "
        f"{found.clear:,} of them more than half agree. By the data set’s own labels the accuracy is "
        f"{percent(labelled)}: each of those is one word for one image, and not always what people see in it."
    )
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Of faces at 80 %, do 80 % of people agree?")
        show_chart(
            vote_reliability(found.reliability),
            "vote-reliability",
            f"Share of people who say what the network predicts, by its confidence, on {images}.",
        )
    with right:
        st.subheader("Where people agree, and where they do not")
        show_chart(
            agreement_bars(found.by_agreement),
            "people-agreement",
            "Accuracy by the most frequent vote, by the share of people who cast it.",
        )
    st.subheader("By class")
    show_table(
        recall_table(run, split, found),
        alt="Recall of each class on the images on which most people agree, and by the data set's labels.",
    )


def recall_table(run: Run, split: str, found: VoteFigures) -> pd.DataFrame:
    """Return the recall of each class by votes and by the data set's labels, in per cent, and the images of each."""
    rows = scores.metrics(run, images_of(split))["per_class"]
    return pd.DataFrame(
        {
            "Class": run.info.class_names,
            "Recall by votes %": (100 * found.recall).round(1),
            "Images by votes": found.support,
            "Recall by labels %": [round(100 * row["recall"], 1) for row in rows],
            "Images by labels": [row["support"] for row in rows],
        }
    )


def _show_tiles(found: VoteFigures) -> None:
    accuracy, low, high = found.accuracy
    tiles = st.container(horizontal=True, gap="small")
    for title, value, below, why in (
        (
            "Accuracy", percent(accuracy), f"{percent(low).removesuffix(' %')} – {percent(high)}",
            "On images on which more than half of ten people agree; below, the 95 % bootstrap interval.",
        ),
        (
            "One person’s", percent(found.person_accuracy), "against others",
            "Each person in turn against what more than half of the other nine said.",
        ),
        (
            "Agreement", percent(found.agreement), f"at most {percent(found.best_agreement)}",
            "How likely a person says what the network predicts. Always naming the most frequent vote gives the most.",
        ),
        (
            "Two people’s", percent(found.person_agreement), "on one face",
            "How likely two people asked about the same face say the same.",
        ),
        (
            "Brier score", f"{found.brier:.3f}", f"a person {found.person_brier:.3f}",
            "Squared distance from the votes’ distribution, summed over the classes; lower is better.",
        ),
        (
            "Calibration", percent(found.reliability.ece), f"KL {found.divergence:.3f} nats",
            "Mean gap between confidence and the share of people who agree. Below: Kullback-Leibler divergence.",
        ),
    ):  # fmt: skip
        tiles.metric(title, value, below, delta_color="off", delta_arrow="off", border=True, width=148, help=why)
