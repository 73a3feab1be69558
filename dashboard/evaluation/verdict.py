"""Which of many runs is best, by how much, and whether that is more than chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from emoscope.dashboard.evaluation import scores
from emoscope.dashboard.evaluation.folds import SEEDS, Fold, spread
from emoscope.dashboard.ui.notices import escape
from emoscope.model.errors import NotKnownError, RunError
from emoscope.model.evaluation.comparison import format_p, is_clear, verdict
from emoscope.model.evaluation.metrics import LOWER_IS_BETTER, METRIC_TITLES
from emoscope.model.evaluation.statistics import holm, mcnemar
from emoscope.model.runs.figures import Metrics, Scalar
from emoscope.model.runs.run import Run

ENOUGH_SEEDS = 3
"""From so many on each side the means over seeds are compared, too."""
MOST_NAMES = 5


@dataclass(frozen=True)
class Verdict:
    """What to say of the best run.

    Attributes:
        text: A sentence or two.
        is_clear: Whether it is better than the next one by more than chance.
        notes: What else to know, a sentence each.
    """

    text: str
    is_clear: bool
    notes: tuple[str, ...] = ()


def judge(
    runs: Mapping[str, Run],
    folds: Sequence[Fold],
    figures: Mapping[str, Metrics],
    metric: Scalar,
    split: str,
    way: str = SEEDS,
) -> Verdict | None:
    """Compare the best run with the best one of any other row; None where there are not two.

    Args:
        runs: By key, all scored on the same images.
        folds: Rows of the leaderboard.
        figures: Of each run.
        metric: That they are ranked by.
        split: Of the data set.
        way: What the rows are groups of.
    """
    sign = -1 if metric in LOWER_IS_BETTER else 1

    def value(key: str) -> float:
        return sign * figures[key][metric]

    tops = [(max(known, key=value), one) for one in folds if (known := _known(one, figures, metric))]
    tops.sort(key=lambda top: -value(top[0]))
    keys = list(dict.fromkeys(key for key, _ in tops))
    if len(keys) < 2:
        return None
    best, following = keys[:2]
    lead = "" if metric == "accuracy" else _lead(best, following, figures, metric)
    try:
        found = scores.comparison(runs[best], runs[following], split)
    except NotKnownError as error:
        return Verdict(f"{lead or _lead(best, following, figures, metric)} {error}", False)
    except RunError as error:
        return Verdict(str(error), False)
    notes = [_not_told_apart(runs, best, figures, split)]
    if way == SEEDS:
        notes.append(_over_seeds(tops[0][1], tops[1][1], figures, metric))
    return Verdict(f"{lead} {verdict(found)}".strip(), is_clear(found), tuple(filter(None, notes)))


def show_verdict(found: Verdict) -> None:
    """Show it: green where the best run is better than the next by more than chance."""
    box, icon = (st.success, ":material/verified:") if found.is_clear else (st.info, ":material/balance:")
    box(f"**{escape(found.text)}**", icon=icon)
    if found.notes:
        st.caption(escape(" ".join(found.notes)))


def _known(one: Fold, figures: Mapping[str, Metrics], metric: Scalar) -> list[str]:
    return [key for key in one.keys if np.isfinite(figures[key][metric])]


def _lead(best: str, following: str, figures: Mapping[str, Metrics], metric: Scalar) -> str:
    a, b = (_written(figures[key][metric], metric) for key in (best, following))
    title = METRIC_TITLES[metric].lower().replace("(ece)", "(ECE)")
    return f"By {title}, {best} leads with {a} before {following} with {b}."


def _written(value: float, metric: Scalar) -> str:
    return f"{value:.3f}" if metric == "log_loss" else f"{100 * value:.1f} %"


def _not_told_apart(runs: Mapping[str, Run], best: str, figures: Mapping[str, Metrics], split: str) -> str:
    """Say which runs are as accurate as the best one, as far as the samples allow to tell."""
    others = [key for key in runs if key != best]
    if len(others) < 2:
        return ""
    right = scores.right(runs[best], split)
    tests = {}
    for key in others:
        try:
            other = scores.right(runs[key], split)
        except RunError:
            continue
        tests[key] = mcnemar(int((right & ~other).sum()), int((other & ~right).sum())).p_exact
    alike = [key for key, p in zip(tests, holm(list(tests.values())), strict=True) if p >= 0.05]
    alike.sort(key=lambda key: -figures[key]["accuracy"])
    test = "McNemar’s test, Holm’s correction for all pairs, 5 %"
    if not alike:
        return f"Each of the {len(tests)} other runs differs from {best} by more than chance ({test})."
    more = f" and {len(alike) - MOST_NAMES} more" if len(alike) > MOST_NAMES else ""
    return (
        f"{len(alike)} of the {len(tests)} other runs cannot be told from {best} in accuracy ({test}): "
        f"{', '.join(alike[:MOST_NAMES])}{more}."
    )


def _over_seeds(one: Fold, other: Fold, figures: Mapping[str, Metrics], metric: Scalar) -> str:
    """Compare means over seeds by Welch's test, where both have enough of them."""
    a, b = ([figures[key][metric] for key in _known(side, figures, metric)] for side in (one, other))
    if min(len(a), len(b)) < ENOUGH_SEEDS:
        return ""
    from scipy.stats import ttest_ind

    scale, unit = (1, "") if metric == "log_loss" else (100, " %")
    texts = []
    for side, values in ((one, a), (other, b)):
        mean, deviation = spread(values)
        texts.append(f"{side.name} {scale * mean:.2f} ± {scale * deviation:.2f}{unit} ({len(values)} runs)")
    p = format_p(float(ttest_ind(a, b, equal_var=False).pvalue))
    return f"Mean and standard deviation over runs: {texts[0]}, {texts[1]} (Welch’s test, {p})."
