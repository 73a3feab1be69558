"""Which of many runs is best, by how much, and whether that is more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from emoscope.dashboard.evaluation import scores
from emoscope.dashboard.evaluation.folds import SEEDS, Fold, spread
from emoscope.dashboard.evaluation.leaderboard_table import Board
from emoscope.dashboard.ui.notices import escape
from emoscope.model.errors import NotKnownError, RunError
from emoscope.model.evaluation.comparison import format_p, is_clear, verdict
from emoscope.model.evaluation.metrics import LOWER_IS_BETTER, METRIC_TITLES
from emoscope.model.evaluation.statistics import holm, mcnemar

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


def judge(board: Board, folds: Sequence[Fold]) -> Verdict | None:
    """Compare the best run with the best one of any other row; None where there are not two.

    Args:
        board: Runs that were scored on the same images.
        folds: Its rows.
    """
    metric = board.view.metric
    sign = -1 if metric in LOWER_IS_BETTER else 1

    def value(key: str) -> float:
        return sign * board.figures(key)[metric]

    tops = [(max(known, key=value), one) for one in folds if (known := _known(board, one))]
    tops.sort(key=lambda top: -value(top[0]))
    keys = list(dict.fromkeys(key for key, _ in tops))
    if len(keys) < 2:
        return None
    best, following = keys[:2]
    lead = _lead(board, best, following)
    try:
        found = scores.comparison(board.runs[best], board.runs[following], board.split)
    except NotKnownError as error:
        return Verdict(f"{lead} {error}", False)
    except RunError as error:
        return Verdict(str(error), False)
    notes = [_not_told_apart(board, best)]
    if board.view.way == SEEDS:
        notes.append(_over_seeds(board, tops[0][1], tops[1][1]))
    text = verdict(found) if metric == "accuracy" else f"{lead} {verdict(found)}"
    return Verdict(text, is_clear(found), tuple(filter(None, notes)))


def show_verdict(found: Verdict) -> None:
    """Show it: green where the best run is better than the next by more than chance."""
    box, icon = (st.success, ":material/verified:") if found.is_clear else (st.info, ":material/balance:")
    box(f"**{escape(found.text)}**", icon=icon)
    if found.notes:
        st.caption(escape(" ".join(found.notes)))


def _known(board: Board, one: Fold) -> list[str]:
    return [key for key in one.keys if np.isfinite(board.figures(key)[board.view.metric])]


def _lead(board: Board, best: str, following: str) -> str:
    metric = board.view.metric
    values = [board.figures(key)[metric] for key in (best, following)]
    a, b = (f"{value:.3f}" if metric == "log_loss" else f"{100 * value:.1f} %" for value in values)
    title = METRIC_TITLES[metric].lower().replace("(ece)", "(ECE)")
    return f"By {title}, {best} leads with {a} before {following} with {b}."


def _not_told_apart(board: Board, best: str) -> str:
    """Say which runs are as accurate as the best one, as far as the samples allow to tell."""
    right = {key: digest.right for key, digest in board.digests.items() if digest.right is not None}
    reference = right.pop(best)
    if len(right) < 2:
        return ""
    tests = [mcnemar(int((reference & ~other).sum()), int((other & ~reference).sum())) for other in right.values()]
    corrected = holm([test.p_exact for test in tests])
    alike = [key for key, p in zip(right, corrected, strict=True) if p >= 0.05]
    alike.sort(key=lambda key: -board.figures(key)["accuracy"])
    test = "McNemar’s test, Holm’s correction for all pairs, 5 %"
    if not alike:
        return f"Each of the {len(tests)} other runs differs from {best} by more than chance ({test})."
    more = f" and {len(alike) - MOST_NAMES} more" if len(alike) > MOST_NAMES else ""
    return (
        f"{len(alike)} of the {len(tests)} other runs cannot be told from {best} in accuracy ({test}): "
        f"{', '.join(alike[:MOST_NAMES])}{more}."
    )


def _over_seeds(board: Board, one: Fold, other: Fold) -> str:
    """Compare means over seeds by Welch's test, where both have enough of them."""
    metric = board.view.metric
    a, b = ([board.figures(key)[metric] for key in _known(board, side)] for side in (one, other))
    if min(len(a), len(b)) < ENOUGH_SEEDS or max(np.ptp(a), np.ptp(b)) == 0:
        return ""
    from scipy.stats import ttest_ind

    scale, unit = (1, "") if metric == "log_loss" else (100, " %")
    texts = []
    for side, values in ((one, a), (other, b)):
        mean, deviation = spread(values)
        texts.append(f"{side.name} {scale * mean:.2f} ± {scale * deviation:.2f}{unit} ({len(values)} runs)")
    p = format_p(float(ttest_ind(a, b, equal_var=False).pvalue))
    return f"Mean and standard deviation over seeds: {texts[0]}, {texts[1]} (Welch’s test, {p})."
