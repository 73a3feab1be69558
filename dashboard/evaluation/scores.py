"""Figures of saved runs, computed once for all sessions and again when a run's files change.

Every figure is computed from the saved predictions. ``metrics.json`` spares only the resampling behind the intervals,
and only where its figures are those of the predictions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import streamlit as st

from emoscope.dashboard.evaluation.digests import Digest, digest_of, keep_digest, read_digest, signature
from emoscope.model.errors import RunError
from emoscope.model.evaluation.calibration import (
    Reliability,
    apply_temperature,
    calibration_data,
    fit_temperature,
    reliability,
    temperature_effect,
    validation_split,
)
from emoscope.model.evaluation.comparison import Comparison, Pair, compare, pair_runs
from emoscope.model.evaluation.curves import (
    ROC,
    Coverage,
    PrecisionRecall,
    coverage_curve,
    precision_recall_curve,
    roc_curve,
)
from emoscope.model.evaluation.metrics import SCALARS, compute_metrics, reported_metrics
from emoscope.model.evaluation.votes import VoteFigures, compare_with_votes
from emoscope.model.runs.figures import Metrics
from emoscope.model.runs.predictions import Detail, Predictions
from emoscope.model.runs.run import DEFAULT_RUN, Run, load_run, run_folder
from emoscope.model.splits import by_votes, images_of, is_by_votes

Version = tuple[tuple[str, int], ...]


def version(run: Run, split: str = "") -> Version:
    """Return what identifies the content of a run, as far as these figures go: its files and their times of change."""
    files = [
        "run.json",
        "metrics.json",
        "reports.json",
        "history.csv",
        *([f"predictions/{images_of(split)}.npz"] if split else []),
    ]
    paths = [run.path / file for file in files]
    if is_by_votes(split) and (default := run_folder(DEFAULT_RUN)) is not None:  # whose votes other runs are judged by
        paths += sorted((default / "predictions").glob("*.npz"))
    return tuple((str(path), path.stat().st_mtime_ns if path.is_file() else 0) for path in paths)


def predictions(run: Run, split: str) -> Predictions:
    """Return the predictions on a split; shared, not to be written to.

    Raises:
        RunError: They are missing, broken or foreign.
    """
    return _predictions(run.path, split, version(run, split))


@st.cache_resource(max_entries=48, show_spinner=False)
def _predictions(path: Path, split: str, version: Version) -> Predictions:
    found = load_run(path).predictions(split)
    for values in found.arrays().values():
        values.flags.writeable = False
    return found


def beside_votes(run: Run, split: str) -> VoteFigures:
    """Return what a run's predictions are beside people's votes.

    Raises:
        RunError: The predictions are missing, broken or foreign, or there are no votes.
    """
    images = images_of(split)
    return _beside_votes(run.path, images, version(run, by_votes(images)))


@st.cache_resource(max_entries=64, show_spinner=False)
def _beside_votes(path: Path, split: str, version: Version) -> VoteFigures:
    run = load_run(path)
    return compare_with_votes(run.with_votes(_predictions(path, split, version)), run.info.class_names)


def has_votes(run: Run, split: str) -> bool:
    """Tell whether a run can be judged by people's votes on a split's images."""
    images = images_of(split)
    try:
        return images in run.splits and digest(run, images).has_votes
    except RunError:
        return False


def metrics(run: Run, split: str) -> Metrics:
    """Return the figures of :func:`emoscope.model.evaluation.metrics.compute_metrics`, with intervals.

    Raises:
        RunError: The predictions are missing, broken or foreign.
    """
    return digest(run, split).figures


def digest(run: Run, split: str) -> Digest:
    """Return what a list of runs needs of one; shared, not to be written to.

    Raises:
        RunError: The predictions are missing, broken or foreign.
    """
    return _digest(run.path, split, version(run, by_votes(split)))


@st.cache_resource(max_entries=4096, show_spinner=False)
def _digest(path: Path, split: str, version: Version) -> Digest:
    run = load_run(path)
    files = signature([Path(file) for file, _ in version])
    kept = read_digest(run, split, files)
    if kept is not None:
        return kept
    if split in run.reports:
        return Digest(reported_metrics(run, split), "report")
    found = run.predictions(split)
    made = digest_of(run, split, found, _figures(run, split, found))
    keep_digest(run, split, files, made)
    return made


def _figures(run: Run, split: str, found: Predictions) -> Metrics:
    against = calibration_data(run, split) if is_by_votes(split) and found.has_probabilities else None
    figures = compute_metrics(found, run.info.class_names, resamples=0, confidence_against=against)
    try:
        stored = run.metrics.get(split)
    except RunError:
        stored = None  # a spoiled copy of figures takes nothing from the predictions
    if stored is not None and _same_figures(stored, figures):
        return stored
    return compute_metrics(found, run.info.class_names, confidence_against=against)


def _same_figures(stored: Metrics, figures: Metrics) -> bool:
    same = all(np.isclose(stored[name], figures[name], rtol=1e-6, atol=1e-9) for name in SCALARS)
    return same and stored["n"] == figures["n"] and stored["confusion"] == figures["confusion"]


def histories(runs: Mapping[str, Run]) -> tuple[dict[str, dict[str, np.ndarray]], list[str]]:
    """Return the training histories that can be read, and a sentence for each that cannot."""
    return _each(runs, lambda run: _history(run.path, version(run)))


@st.cache_resource(max_entries=128, show_spinner=False)
def _history(path: Path, version: Version) -> dict[str, np.ndarray]:
    found = load_run(path).history
    if not found:
        raise RunError(f"{path.name} has no history.csv, so there are no curves to draw.")
    return found


def digests(runs: Mapping[str, Run], split: str) -> tuple[dict[str, Digest], list[str]]:
    """Return the digests of the runs that have predictions or a report on a split, and a sentence for each other."""
    return _each(runs, lambda run: digest(run, split))


def all_metrics(runs: Mapping[str, Run], split: str) -> tuple[dict[str, Metrics], list[str]]:
    """Return the figures of the runs that have them on a split, and a sentence for each that has not."""
    return _each(runs, lambda run: metrics(run, split))


def _each(runs: Mapping[str, Run], read: Callable[[Run], Any]) -> tuple[dict[str, Any], list[str]]:
    found, problems = {}, []
    for key, run in runs.items():
        try:
            found[key] = read(run)
        except RunError as error:
            problems.append(str(error))
    return found, problems


def ranking(run: Run, split: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the area under ROC, the average precision and the prevalence of each class: float64, shape (C,) each.

    Raises:
        RunError: The predictions are missing, broken or foreign.
    """
    return _ranking(run.path, run.info.class_names, split, version(run, split))


@st.cache_resource(max_entries=64, show_spinner="Ranking …")
def _ranking(
    path: Path, names: tuple[str, ...], split: str, version: Version
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    sides = _sides(path, names, split, version)
    areas = np.array([roc_curve(*side).area for side in sides.values()])
    curves = (precision_recall_curve(*side) for side in sides.values())
    averages, prevalences = np.array([(curve.average_precision, curve.prevalence) for curve in curves]).T
    return areas, averages, prevalences


def threshold_curves(
    run: Run, split: str, chosen: tuple[str, ...] | None = None
) -> tuple[dict[str, ROC], dict[str, PrecisionRecall]]:
    """Return the ROC and the precision-recall curve of some classes against the rest, of all by default.

    Raises:
        RunError: The predictions are missing, broken or foreign.
    """
    names = run.info.class_names
    return _threshold_curves(run.path, names, chosen or names, split, version(run, split))


@st.cache_resource(max_entries=32, show_spinner=False)
def _threshold_curves(
    path: Path, names: tuple[str, ...], chosen: tuple[str, ...], split: str, version: Version
) -> tuple[dict[str, ROC], dict[str, PrecisionRecall]]:
    sides = _sides(path, names, split, version)
    roc = {name: roc_curve(*sides[name]) for name in chosen}
    return roc, {name: precision_recall_curve(*sides[name]) for name in chosen}


def _sides(
    path: Path, names: tuple[str, ...], split: str, version: Version
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return which samples are of each class, and the probability of the class on all of them."""
    found = _predictions(path, split, version)
    found.need_probabilities("A curve over all thresholds")
    return {name: (found.label == i, found.probabilities[:, i]) for i, name in enumerate(names)}


def coverage(run: Run, split: str) -> Coverage:
    """Return accuracy against coverage.

    Raises:
        RunError: The predictions are missing, broken or foreign.
    """
    return _coverage(run.path, split, version(run, split))


@st.cache_resource(max_entries=32, show_spinner=False)
def _coverage(path: Path, split: str, version: Version) -> Coverage:
    found = _predictions(path, split, version)
    found.need_probabilities("Abstention")
    return coverage_curve(found.label, found.probabilities)


def calibration(run: Run, split: str) -> tuple[Reliability, Reliability | None, dict[str, Any] | None]:
    """Return the reliability on a split as trained and after temperature scaling, and what the temperature does there.

    The temperature is fitted on the run's validation split; without one there is only the first.

    Raises:
        RunError: The predictions are missing, broken or foreign.
    """
    try:
        fitted_on = validation_split(run)
        predictions(run, fitted_on).need_probabilities("Calibration")
    except RunError:
        return _calibration(run.path, split, "", version(run, split), ())
    fitted_on = by_votes(fitted_on) if is_by_votes(split) else fitted_on
    return _calibration(run.path, split, fitted_on, version(run, split), version(run, fitted_on))


@st.cache_resource(max_entries=64, show_spinner=False)
def _calibration(
    path: Path, split: str, fitted_on: str, version: Version, fitted_version: Version
) -> tuple[Reliability, Reliability | None, dict[str, Any] | None]:
    run = load_run(path)
    probabilities, truth = calibration_data(run, split)
    before = reliability(truth, probabilities)
    if not fitted_on:
        return before, None, None
    fitted, fitted_truth = calibration_data(run, fitted_on)
    temperature = fit_temperature(fitted_truth, fitted)
    after = reliability(truth, apply_temperature(probabilities, temperature))
    return before, after, {**temperature_effect(truth, probabilities, temperature), "fitted_on": fitted_on}


def known_detail(run: Run, split: str) -> Detail | Literal["report"]:
    """Return what is known of each image of a split; ``report`` where only a report of another program is.

    Raises:
        RunError: The predictions are missing, broken or foreign.
    """
    return digest(run, split).detail


def pair(a: Run, b: Run, split: str) -> Pair:
    """Return two runs lined up on one split.

    Raises:
        RunError: They must not be compared.
    """
    return _pair(a.path, b.path, split, version(a, split), version(b, split))


@st.cache_resource(max_entries=8, show_spinner=False)
def _pair(a: Path, b: Path, split: str, version_a: Version, version_b: Version) -> Pair:
    return pair_runs(load_run(a), load_run(b), split)


def comparison(a: Run, b: Run, split: str) -> Comparison:
    """Return the comparison of two runs' predictions.

    Raises:
        RunError: They must not be compared.
    """
    return _comparison(a.path, b.path, split, version(a, split), version(b, split))


@st.cache_resource(max_entries=64, show_spinner="Resampling …")
def _comparison(a: Path, b: Path, split: str, version_a: Version, version_b: Version) -> Comparison:
    return compare(_pair(a, b, split, version_a, version_b))
