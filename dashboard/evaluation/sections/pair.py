"""Two runs side by side: the verdict, the classes, and the images on which they part."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from emoscope.dashboard.charts.comparison import class_differences
from emoscope.dashboard.charts.confusion import confusion_difference
from emoscope.dashboard.evaluation import scores
from emoscope.dashboard.evaluation.class_choice import choose_classes
from emoscope.dashboard.evaluation.run_choice import choose_labels, choose_run, choose_split
from emoscope.dashboard.evaluation.sample_grid import Sample, locate, page_of, show_samples, user_dataset
from emoscope.dashboard.ui.chart_export import page_ground, show_chart
from emoscope.dashboard.ui.notices import escape, show_error
from emoscope.dashboard.ui.tables import percent, show_table
from emoscope.dashboard.ui.url_state import in_url
from emoscope.model.dataset import Dataset
from emoscope.model.errors import RunError
from emoscope.model.evaluation.comparison import Comparison, Pair, flips, format_p, is_clear, verdict
from emoscope.model.evaluation.metrics import METRIC_TITLES, confusion_counts
from emoscope.model.runs.run import Run

FIGURES = {"F1": "f1", "Recall": "recall", "Precision": "precision"}


def show_pair(runs: Mapping[str, Run]) -> None:
    """Compare two runs on the same images, or say why that must not be done."""
    keys = list(runs)
    if len(keys) < 2:
        st.info("Comparing takes two runs; there is one.", icon=":material/compare_arrows:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        a = choose_run(runs, "A", "a")
        b = choose_run({key: runs[key] for key in (*keys[1:], keys[0])}, "B", "b")
        shared = tuple(split for split in a.splits if split in b.splits)
        if shared:
            split = choose_labels(choose_split(shared), (a, b))
    try:
        if a.key == b.key:
            raise RunError("A and B are the same run.", "Choose two different runs.")
        if not shared:
            raise RunError(
                f"{a.key} and {b.key} cannot be compared: no split was scored with both.",
                "Run `python -m training evaluate` on both with the same data.",
            )
        found, pair = scores.comparison(a, b, split), scores.pair(a, b, split)
    except RunError as error:
        show_error(error)
        return
    _show_verdict(found)
    _show_classes(found, pair)
    _show_flips(found, pair, split)


def difference_table(found: Comparison) -> pd.DataFrame:
    """Return accuracy, macro F1 and each class's figures of A and B in per cent, with the interval of A minus B."""
    rows = [("all", METRIC_TITLES[name], getattr(found, name)) for name in ("accuracy", "macro_f1")]
    rows += [(name, title, figures[k]) for name, figures in found.per_class.items() for title, k in FIGURES.items()]
    return pd.DataFrame(
        [
            {
                "Class": name,
                "Figure": title,
                f"{found.a} %": round(100 * d.a, 1),
                f"{found.b} %": round(100 * d.b, 1),
                "Difference": round(100 * d.value, 1),
                "95 % interval": f"{100 * d.low:+.1f} to {100 * d.high:+.1f}",
                "Clear of zero": d.distinguishable,
            }
            for name, title, d in rows
        ]
    )


def _show_verdict(found: Comparison) -> None:
    box, icon = (st.success, ":material/verified:") if is_clear(found) else (st.info, ":material/balance:")
    box(f"**{escape(verdict(found))}**", icon=icon)
    tiles = st.container(horizontal=True)
    for title, difference in (("Accuracy", found.accuracy), ("Macro F1", found.macro_f1)):
        tiles.metric(
            f"{title}, A − B",
            f"{100 * difference.value:+.1f} points",
            f"{100 * difference.low:+.1f} to {100 * difference.high:+.1f}",
            delta_color="off",
            delta_arrow="off",
            border=True,
            help=f"A {percent(difference.a)}, B {percent(difference.b)}. Below: the paired bootstrap 95 % interval.",
        )
    tiles.metric("Only A is right", f"{found.test.only_a:,}", border=True)
    tiles.metric("Only B is right", f"{found.test.only_b:,}", border=True)
    tiles.metric(
        "McNemar’s test",
        format_p(found.test.p_exact).replace("p = ", ""),
        f"χ² = {found.test.chi2:.2f}",
        delta_color="off",
        delta_arrow="off",
        border=True,
        help="How likely a split at least this uneven is if both err equally often (exact, two-sided).",
    )
    st.caption(f"Both are right on {found.both_right:,} images, both wrong on {found.both_wrong:,}.")


def _show_classes(found: Comparison, pair: Pair) -> None:
    names = pair.class_names
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Class by class")
        title = in_url(st.segmented_control, "Figure", key="figure", options=list(FIGURES), default="F1", required=True)
        differences = [found.per_class[name][FIGURES[title]] for name in names]
        values = np.array([d.value for d in differences])
        shown = choose_classes(
            names, {"Differ most": -np.abs(values), "A better": -values, "B better": values}, "pair-classes"
        )
        show_chart(
            class_differences(
                [names[i] for i in shown],
                values[shown],
                np.array([(d.low, d.high) for d in differences])[shown],
                (found.a, found.b),
                title,
            ),
            "class-differences",
            f"Difference in {title} of each class with its 95 % interval.",
        )
    with right:
        st.subheader("Who confuses what more")
        st.caption(
            f"Share of a true class: blue where {escape(found.a)} says it more, orange where {escape(found.b)} does."
        )
        a, b = (confusion_counts(pair.label, answers, len(names)) for answers in pair.predicted)
        show_chart(
            confusion_difference(a, b, names, (found.a, found.b), page_ground(), shown),
            "confusion-difference",
            "Difference of the two confusion matrices, in percentage points of each true class.",
        )
    with st.expander("As a table"):
        show_table(difference_table(found), alt="Figures of both runs, class by class.")


def _show_flips(found: Comparison, pair: Pair, split: str) -> None:
    st.subheader("The flips")
    only_a, only_b = flips(pair)
    titles = {"A right, B wrong": only_a, "B right, A wrong": only_b}
    which = in_url(
        st.segmented_control, "Show", key="flips", options=list(titles), default="A right, B wrong", required=True
    )
    positions = titles[which]
    st.caption(
        f"{len(positions):,} images, where the wrong one is surest first. "
        f"A is {escape(found.a)}, B is {escape(found.b)}."
    )
    if not positions.size:
        return
    dataset = user_dataset()
    if dataset is not None:
        part = positions[page_of(len(positions), "flips-page")]
        show_samples([_flip(dataset, pair, split, int(i)) for i in part])


def _flip(dataset: Dataset, pair: Pair, split: str, i: int) -> Sample:
    a, b = pair.predictions_a, pair.predictions_b
    place = locate(dataset, split, int(a.index[i]), int(a.pixel_hash[i]))
    says = [
        f"{side}: {pair.class_names[int(one.probabilities[i].argmax())]}"
        + (f" {one.probabilities[i].max():.0%}" if one.has_probabilities else "")
        for side, one in (("A", a), ("B", b))
    ]
    return Sample(
        dataset.splits[place[0]].images[place[1]] if place else None,
        f"labelled {pair.class_names[int(a.label[i])]}",
        " · ".join(says),
        f"{split} {a.index[i]}",
    )
