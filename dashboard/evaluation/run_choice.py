"""Which saved runs a page shows: the choice among all that can be opened, and why the others cannot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import streamlit as st

from emoscope.dashboard.evaluation import scores
from emoscope.dashboard.evaluation.folds import over_seeds
from emoscope.dashboard.evaluation.run_upload import uploaded_runs
from emoscope.dashboard.ui import resources
from emoscope.dashboard.ui.notices import escape
from emoscope.dashboard.ui.url_state import in_url
from emoscope.model.emotions import are_emotions, class_places
from emoscope.model.errors import NotKnownError, RunError
from emoscope.model.runs.run import DEFAULT_RUN, LEARNED_FROM_VOTES, BrokenRun, Run
from emoscope.model.splits import NAMES, by_votes

DATASET_LABELS = "Labels"
VOTES = "People’s votes"


def available_runs(stop: bool = True) -> dict[str, Run]:
    """Return every run that can be opened by key, the default run first; name the others in a sentence each.

    Args:
        stop: Where there is none at all, end the page with how to make one.
    """
    found = resources.runs()
    broken = [run for run in found if isinstance(run, BrokenRun)]
    if broken:
        report_problems([f"{run.key} cannot be opened: {run.error}" for run in broken])
    runs = {run.key: run for run in found if isinstance(run, Run)}
    runs = dict(sorted(runs.items(), key=lambda item: (item[0] != DEFAULT_RUN, item[0])))
    runs.update(uploaded_runs())
    if not runs and stop:
        st.info(
            "There is no saved run yet. Train one with `python -m training train`, or point `EMOSCOPE_ARTIFACTS` at a "
            "folder of runs.",
            icon=":material/model_training:",
        )
        st.stop()
    return runs


def report_problems(problems: list[str]) -> None:
    """Show what is wrong with some runs while the others are shown: one sentence each."""
    if len(problems) == 1:
        st.warning(escape(problems[0]), icon=":material/warning:")
    elif problems:
        st.warning("\n".join(f"- {escape(problem)}" for problem in problems), icon=":material/warning:")


def choose_run(runs: Mapping[str, Run], label: str = "Run", key: str = "run") -> Run:
    """Show the choice of one run, kept in the address."""
    return runs[in_url(st.selectbox, label, key=key, options=list(runs))]


def of_what(title: str, runs: Iterable[Run]) -> str:
    """Return a title that speaks of a face as it stands, or of an image where some classes are no emotions."""
    named = [run.info.class_names for run in runs if run.info.class_names]
    return title if all(map(are_emotions, named)) else title.replace("face", "image")


def no_predictions(run: Run) -> RunError:
    """Return the sentence for a run without predictions: what to do depends on whether it has a network."""
    if run.info.knows_input:
        return RunError(f"{run.key} has no saved predictions.", f"Run `python -m training evaluate {run.key}`.")
    return NotKnownError(
        f"{run.key} holds training curves and no predictions.",
        "Import them with the curves: a table with the label and the predicted class of each image.",
    )


def choose_runs(
    runs: Mapping[str, Run], default: int = 4, first: Iterable[str] = (), empty: Iterable[str] = ()
) -> dict[str, Run]:
    """Show the choice of any set of runs, kept in the address.

    By default the first few, those with the first one's classes before others: a twin on other labels, which was
    trained with a run, would lie on its curve.

    Args:
        runs: By key.
        default: How many.
        first: Keys of those that come before all others.
        empty: Keys of those of which there is nothing to show, unless they are asked for.
    """
    keys = list(runs)
    names = {key: run.info.class_names for key, run in runs.items()}
    foremost, without = set(first), set(empty)
    full = [key for key in keys if key not in without] or keys
    comparable = sorted(full, key=lambda key: (key not in foremost, class_places(names[key], names[keys[0]]) is None))
    chosen = in_url(st.multiselect, "Runs", key="runs", options=keys, default=comparable[:default])
    return {key: runs[key] for key in chosen}


def seed_bands(runs: Mapping[str, Run], chosen: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Show whether runs that differ by seed alone are drawn as one band, where a chosen one has such twins.

    Args:
        runs: That may be part of a band, by key.
        chosen: Keys of the chosen runs.

    Returns:
        Keys of the runs of each band, chosen or not, by the band's name; none where single curves are wanted.
    """
    wanted = set(chosen)
    found = {name: keys for name, keys in over_seeds(runs).items() if not wanted.isdisjoint(keys)}
    if not found or not in_url(
        st.toggle,
        "Bands over seeds",
        key="bands",
        value=True,
        help="Runs that differ by the seed of their training alone, all of them, as mean and one standard deviation.",
    ):
        return {}
    return found


def choose_split(splits: tuple[str, ...], key: str = "split") -> str:
    """Show the choice of the split, kept in the address."""
    return in_url(
        st.segmented_control,
        "Split",
        key=key,
        options=list(splits),
        default=splits[0],
        required=True,
        help=f"Everything is chosen on validation ({NAMES['validation'][0]}); the test split ({NAMES['test'][0]}) is "
        "what published figures are about.",
    )


def choose_labels(split: str, runs: Iterable[Run], key: str = "labels") -> str:
    """Show the choice of what a split's images are judged by, kept in the address, where people's votes are known.

    Returns:
        The split, or its name judged by votes (:func:`emoscope.model.splits.by_votes`).
    """
    scored = [run for run in runs if split in run.splits]
    if not any(scores.has_votes(run, split) for run in scored):
        return split
    default = VOTES if scored[0].info.label_source == LEARNED_FROM_VOTES else DATASET_LABELS
    chosen = in_url(
        st.segmented_control,
        "Judged by",
        key=key,
        options=[DATASET_LABELS, VOTES],
        default=default,
        required=True,
        help="The data set has one word for each image. Ten people voted on each for FER+, and where most of them "
        "agree, they say something else than the label on three images in ten: a network that learned one of the "
        "two looks worse by the other. By votes, only images count on which more than half of the people agree.",
    )
    return by_votes(split) if chosen == VOTES else split
