"""What annotators say: FER against FER+ labels, and the votes on one image beside a network's prediction."""

from __future__ import annotations

import numpy as np
import streamlit as st

from emoscope.dashboard.charts.confusion import disagreement_matrix as draw_matrix
from emoscope.dashboard.charts.dataset import votes_beside_probabilities
from emoscope.dashboard.evaluation import scores
from emoscope.dashboard.evaluation.run_choice import available_runs
from emoscope.dashboard.evaluation.sample_grid import Sample, show_samples
from emoscope.dashboard.ui.chart_export import page_ground, show_chart
from emoscope.dashboard.ui.notices import show_error
from emoscope.dashboard.ui.tables import percent
from emoscope.dashboard.ui.url_state import in_url
from emoscope.model.dataset import FERPLUS_CLASSES, VOTE_NAMES, Dataset, Split, ferplus_argmax, ferplus_majority
from emoscope.model.emotions import emotion_key
from emoscope.model.errors import RunError
from emoscope.model.evaluation.label_errors import disagreement_matrix
from emoscope.model.runs.run import Run

RULES = {"Majority": ferplus_majority, "Most votes": ferplus_argmax}


def show_annotators(dataset: Dataset) -> None:
    """Show where two sets of labels disagree, and one image with its votes."""
    voted = [name for name, split in dataset.splits.items() if split.votes is not None]
    if not voted:
        st.info(
            "There are no FER+ votes. Put `fer2013new.csv` (github.com/microsoft/FERPlus) beside the data.",
            icon=":material/how_to_vote:",
        )
    else:
        _show_matrix(dataset, voted)
    st.subheader("One image")
    _show_image(dataset)


def _show_matrix(dataset: Dataset, voted: list[str]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = in_url(st.segmented_control, "Split", key="split", options=voted, default=voted[0], required=True)
        rule = in_url(
            st.segmented_control,
            "FER+ label",
            key="rule",
            options=list(RULES),
            default="Majority",
            required=True,
            help="Majority is the paper’s protocol: single votes do not count, the top emotion needs over half.",
        )
    split = dataset.splits[name]
    assert split.votes is not None  # only splits with votes are offered
    other = RULES[rule](split.votes)
    columns = (*FERPLUS_CLASSES, "no label")
    matrix = disagreement_matrix(
        split.labels, np.where(other < 0, len(FERPLUS_CLASSES), other), len(dataset.class_names), len(columns)
    )
    figure = draw_matrix(matrix, dataset.class_names, columns, page_ground())
    figure.update_xaxes(title="FER+ label").update_yaxes(title="FER-2013 label")
    show_chart(
        figure, "label-disagreement", f"Share of each FER-2013 class that FER+ annotators call otherwise, {name}."
    )
    keys = [emotion_key(n) for n in dataset.class_names]
    plus = np.array([keys.index(k) if (k := emotion_key(n)) in keys else -1 for n in FERPLUS_CLASSES])
    labelled = other >= 0
    same = plus[other[labelled]] == split.labels[labelled]
    st.caption(
        f"Of {len(split):,} images {labelled.sum():,} get a FER+ label; "
        f"on {percent(same.mean())} of them it is FER-2013’s."
        if labelled.any()
        else "No image of this split has votes."
    )


def _show_image(dataset: Dataset) -> None:
    names = list(dataset.splits)
    runs = available_runs(stop=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = in_url(st.selectbox, "Of split", key="of", options=names, index=min(1, len(names) - 1), width=180)
        split = dataset.splits[name]
        index = in_url(
            st.number_input,
            "Image",
            key="image",
            min_value=0,
            max_value=max(len(split) - 1, 0),
            value=0,
            step=1,
            width=180,
        )
        run = runs[in_url(st.selectbox, "Run", key="run", options=list(runs))] if runs else None
    index = min(int(index), len(split) - 1)
    label = dataset.class_names[split.labels[index]]
    probabilities = _probabilities(run, name, split, index) if run else {}
    left, right = st.columns([1, 3], gap="large")
    with left:
        show_samples([Sample(split.images[index], f"labelled {label}", f"{name} {index}")])
    with right:
        votes = {} if split.votes is None else dict(zip(VOTE_NAMES, split.votes[index], strict=True))
        total = sum(votes.values())
        shares = {_spoken(vote): float(n / total) for vote, n in votes.items()} if total else {}
        if shares or probabilities:
            show_chart(
                votes_beside_probabilities(shares, probabilities, emotion_key(label), run.key if run else ""),
                "votes",
                "Share of the annotators’ votes beside the network’s probabilities.",
            )


def _spoken(vote: str) -> str:
    return "not a face" if vote == "NF" else emotion_key(vote)


def _probabilities(run: Run, name: str, split: Split, index: int) -> dict[str, float]:
    """Return a run's probabilities of an image by emotion, or show why there are none."""
    if name not in run.predicted_splits:
        st.caption(f"{run.key} has no saved predictions on {name}.")
        return {}
    try:
        found = scores.predictions(run, name)
        found.need_probabilities("Setting it beside the votes")
    except RunError as error:
        show_error(error)
        return {}
    where = np.flatnonzero((found.index == index) & (found.pixel_hash == split.pixel_hash[index]))
    if not where.size:
        st.caption(f"{run.key} was not scored on this image.")
        return {}
    return {emotion_key(n): float(p) for n, p in zip(run.info.class_names, found.probabilities[where[0]], strict=True)}
