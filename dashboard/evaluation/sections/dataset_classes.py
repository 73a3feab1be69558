"""How many images each class has, and what they look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from emoscope.dashboard.charts.dataset import class_balance, value_histogram
from emoscope.dashboard.evaluation.dataset_figures import appearance, faces_by_class
from emoscope.dashboard.evaluation.sample_grid import Sample, page_of, show_samples, votes_text
from emoscope.dashboard.ui.chart_export import show_chart
from emoscope.dashboard.ui.tables import show_table
from emoscope.dashboard.ui.url_state import in_url
from emoscope.model.dataset import Dataset
from emoscope.model.emotions import are_emotions


def show_balance(dataset: Dataset) -> None:
    """Show the class balance of each split."""
    names = dataset.class_names
    show_counts({name: split.class_counts(len(names)) for name, split in dataset.splits.items()}, names)


def show_counts(counts: Mapping[str, np.ndarray], names: Sequence[str]) -> None:
    """Show how many images each class has.

    Args:
        counts: By split, shape (C,).
        names: The C class names.
    """
    unit = in_url(
        st.segmented_control, "Bars show", key="bars", options=["Shares", "Counts"], default="Shares", required=True
    )
    show_chart(class_balance(counts, names, unit == "Shares"), "class-balance", "Images of each class by split.")
    table = pd.DataFrame(dict(counts), index=pd.Index(names, name="Class"))
    table["All"] = table.sum(axis=1)
    table.loc["all"] = table.sum()
    show_table(table, index=True, alt="Images of each class by split.")
    present = [count[count > 0] for count in counts.values() if count.any()]
    if present:
        ratio = max(count.max() / count.min() for count in present)
        st.caption(
            f"The most frequent class has up to {ratio:.0f} times the images of the rarest, so read balanced accuracy "
            "and macro F1 beside accuracy."
        )


def show_faces(dataset: Dataset) -> None:
    """Show the mean face of each class and the images of one class."""
    names = dataset.class_names
    with st.container(horizontal=True, vertical_alignment="bottom"):
        split_name = _split(dataset)
        chosen = in_url(st.selectbox, "Class", key="class", options=["all classes", *names], width=230)
    split = dataset.splits[split_name]
    st.subheader(f"The mean {'face' if are_emotions(names) else 'image'} of each class")
    counts = split.class_counts(len(names))
    show_samples(
        [
            Sample(face, name, f"{n:,} images")
            for face, name, n in zip(faces_by_class(dataset, split_name), names, counts, strict=True)
        ]
    )
    st.subheader(f"Images of {chosen} in {split_name}")
    positions = (
        np.arange(len(split)) if chosen == "all classes" else np.flatnonzero(split.labels == names.index(chosen))
    )
    if not positions.size:
        st.caption("There are none.")
        return
    part = positions[page_of(len(positions), "faces-page")]
    show_samples(
        [Sample(split.images[i], names[split.labels[i]], votes_text(split, i), f"{split_name} {i}") for i in part]
    )


def show_light(dataset: Dataset) -> None:
    """Show how bright and how contrasty the images are, by class or by split."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = in_url(st.segmented_control, "By", key="by", options=["Split", "Class"], default="Split", required=True)
        split_name = _split(dataset) if by == "Class" else ""
    brightness, contrast = {}, {}
    for name, split in dataset.splits.items():
        mean, deviation = appearance(dataset, name)
        if by == "Split":
            brightness[name], contrast[name] = mean, deviation
        elif name == split_name:
            for i, class_name in enumerate(dataset.class_names):
                brightness[class_name], contrast[class_name] = mean[split.labels == i], deviation[split.labels == i]
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Brightness")
        show_chart(value_histogram(brightness, "Mean gray level, 0 to 255"), "brightness", "Spread of the brightness.")
    with right:
        st.subheader("Contrast")
        show_chart(
            value_histogram(contrast, "Standard deviation of the gray levels", (0, 110)),
            "contrast",
            "Spread of the contrast.",
        )
    rows = [
        {
            by: name,
            "Images": len(values),
            "Mean brightness": values.mean().round(1) if len(values) else None,
            "Mean contrast": contrast[name].mean().round(1) if len(values) else None,
            "Nearly black (< 25)": int((values < 25).sum()),
            "Nearly flat (< 10)": int((contrast[name] < 10).sum()),
        }
        for name, values in brightness.items()
    ]
    show_table(pd.DataFrame(rows), alt="Brightness and contrast in figures.")


def _split(dataset: Dataset) -> str:
    names = list(dataset.splits)
    return in_url(st.segmented_control, "Split", key="split", options=names, default=names[0], required=True)
