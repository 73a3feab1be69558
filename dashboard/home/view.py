"""The parts of the home page."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import streamlit as st

from emoscope.dashboard.charts.probabilities import probability_bars
from emoscope.dashboard.ui import resources
from emoscope.dashboard.ui.navigation import PAGES, Entry
from emoscope.dashboard.ui.notices import escape, show_error
from emoscope.dashboard.ui.samples import sample_picture
from emoscope.model.drawing.annotate import annotate
from emoscope.model.entities import Prediction
from emoscope.model.errors import EmoscopeError, RunError
from emoscope.model.faces.detectors import DEFAULT_DETECTOR
from emoscope.model.images import decode_image
from emoscope.model.runs.figures import Metrics
from emoscope.model.runs.run import Run, own_labels
from emoscope.model.splits import NAMES, by_importance, images_of, is_by_votes

HUMAN_ACCURACY = "65 ± 5 %"  # Source: I. Goodfellow et al., Challenges in representation learning, 2013
SAMPLE_ZOOM = 1.4


def show_ways_in() -> None:
    """Show the pages on which one can try the network as large buttons."""
    with st.container(horizontal=True):
        for i, entry in enumerate(entry for entry in PAGES if entry.group == "Try it"):
            label = {"predict.py": "Predict pictures", "live.py": "Go live"}.get(entry.file, entry.title)
            if st.button(label, type="secondary" if i else "primary", icon=entry.icon, key=f"go_{entry.file}"):
                st.switch_page(entry.path)


def show_sample(run: Run) -> None:
    """Show a sample picture with this run's prediction, on the fast detector that needs no download."""
    try:
        frame, prediction = _sample(run.key, resources.stamp(run.key))
    except EmoscopeError:
        return  # the error that matters is shown where one chose to predict
    left, right = st.columns([3, 4], vertical_alignment="center", gap="small")
    left.image(frame, width="stretch", alt="A sample photo with the face boxed")
    right.html(probability_bars(prediction.probabilities, prediction.class_names))


@st.cache_resource(max_entries=2, show_spinner=False)
def _sample(run_key: str, version: tuple[int, ...]) -> tuple[np.ndarray, Prediction]:
    frame_bgr = decode_image(sample_picture("One face")[1])[:300, 75:375]
    prediction = resources.pipeline(run_key, DEFAULT_DETECTOR).analyze(frame_bgr)[0]
    large = cv2.resize(frame_bgr, None, fx=SAMPLE_ZOOM, fy=SAMPLE_ZOOM, interpolation=cv2.INTER_CUBIC)
    annotated = annotate(large, [prediction.moved(SAMPLE_ZOOM)], bars=False)
    return cv2.cvtColor(annotated, cv2.COLOR_BGR2RGB), prediction


def show_figures(run: Run) -> None:
    """Show what was measured of a run, from its own files; what was not measured is left out."""
    try:
        metrics = run.metrics
    except RunError as error:
        show_error(error)
        return
    scored = by_importance(metrics)
    split = next((name for name in scored if own_labels(run, name) == name), None) or next(iter(scored), None)
    figures = metrics[split] if split else None
    tiles = []
    if figures:
        tiles += [("Accuracy", f"{100 * figures['accuracy']:.1f} %"), ("People, same task", _people(figures))]
    if run.info.parameters:
        tiles.append(("Parameters", f"{run.info.parameters / 1e6:.2f} M"))
    if run.litert_file:
        tiles.append(("Model file", _file_size(run.litert_file.stat().st_size)))
    grid = st.grid(4, min_column_width=150, gap="small")
    for label, value in tiles:
        grid.metric(label, value, border=True)
    st.caption(_measured_on(run, split, figures))


def _measured_on(run: Run, split: str | None, figures: Metrics | None) -> str:
    """Say how the figures came about, in the network's own name."""
    name = escape(run.info.name)
    if split is None or figures is None:
        return f"{name} was not evaluated yet: `python -m training evaluate` measures it."
    ends = figures.get("intervals", {}).get("accuracy")
    interval = f" (95 % interval {100 * ends[0]:.1f} to {100 * ends[1]:.1f} %)" if ends else ""
    seen = "never saw in training" if images_of(split) in NAMES["test"] else "was chosen by, but not trained on"
    if is_by_votes(split):
        return (
            f"{name} on the {figures['n']:,} images of {escape(run.info.dataset.name)}'s {images_of(split)} on which "
            f"more than half of ten people agree, and which it {seen}{interval}. People: each against the other nine."
        )
    images = f"the {figures['n']:,} images of {escape(run.info.dataset.name)}'s {split}"
    return f"{name} on {images}, which it {seen}{interval}. People: Goodfellow et al., 2013."


def _people(figures: Metrics) -> str:
    """Return how people do at the same: as measured on the votes, or as published for the data set's labels."""
    measured = figures.get("people", {}).get("person_accuracy")
    return HUMAN_ACCURACY if measured is None else f"{100 * measured:.1f} %"


def _file_size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


def show_cards(entries: Sequence[Entry]) -> None:
    """Show pages as a grid of cards."""
    st.html("<style>.st-key-cards [data-testid=stPageLink-NavLink] {padding-left: 0}</style>")
    cards = st.grid(3, key="cards", min_column_width=220, gap="small")
    for entry in entries:
        with cards.container(border=True):
            st.page_link(entry.path, label=f"**{entry.title}**", icon=entry.icon)
            st.caption(entry.summary)
