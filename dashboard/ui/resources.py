"""What is loaded once and shared by all sessions: thin cached wrappers over the functions of ``model``.

Everything returned here is safe to use from several threads at once and must not be changed.
"""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st

from emoscope.model.dataset import Dataset, find_dataset, load_dataset
from emoscope.model.faces.detectors import Detector, create_detector, create_picture_detector
from emoscope.model.faces.quality import SURE_FROM
from emoscope.model.networks.classifier import Classifier
from emoscope.model.networks.load import load_classifier
from emoscope.model.networks.remote import RemoteClassifier, network_hash
from emoscope.model.pipeline import Pipeline
from emoscope.model.runs.run import BrokenRun, Run, artifacts_root, iter_runs, load_run, run_folder, run_folders

DATA_PATH = "data_path"
"""Session key of the data set that the visitor named."""

WATCHED = (
    "run.json",
    "metrics.json",
    "reports.json",
    "calibration.json",
    "history.csv",
    "model.tflite",
    "model.int8.tflite",
    "model.keras",
)


def runs() -> list[Run | BrokenRun]:
    """Return every saved run; one that was added, replaced or evaluated since is read again."""
    return _runs(tuple((str(folder), stamp(key)) for key, folder in run_folders().items()))


@st.cache_resource(max_entries=2, show_spinner=False)
def _runs(stamps: tuple[tuple[str, tuple[int, ...]], ...]) -> list[Run | BrokenRun]:
    return list(iter_runs())


def stamp(run_key: str) -> tuple[int, ...]:
    """Return what changes when a run on disk does: the modification times of its files."""
    folder = run_folder(run_key) or artifacts_root() / run_key
    files = [*(folder / name for name in WATCHED), *sorted((folder / "predictions").glob("*.npz"))]
    return tuple(file.stat().st_mtime_ns if file.is_file() else 0 for file in files)


def run(run_key: str) -> Run:
    """Return one saved run.

    Raises:
        RunError: It is missing or cannot be opened.
    """
    for found in runs():
        if found.key == run_key:
            if isinstance(found, BrokenRun):
                raise found.error
            return found
    return load_run(run_key)


def classifier(run_key: str, calibrated: bool = False) -> Classifier:
    """Return a run's classifier, loaded once.

    Args:
        run_key: The run's folder name.
        calibrated: Apply the temperature saved with the run, if there is one, to its probabilities.

    Raises:
        RunError: The run cannot be opened or holds no model.
    """
    return _classifier(run_key, calibrated, stamp(run_key))


@st.cache_resource(max_entries=4, show_spinner="Loading the network …")
def _classifier(run_key: str, calibrated: bool, version: tuple[int, ...]) -> Classifier:
    found = run(run_key)
    local = load_classifier(found, temperature=found.temperature if calibrated else None)
    cluster = os.environ.get("EMOSCOPE_SERVE_URL")
    if not cluster:
        return local
    return RemoteClassifier(local, cluster, run_key, network_hash(found.litert_file), calibrated)


@st.cache_resource(max_entries=8, show_spinner="Loading the face detector …")
def detector(name: str, takes_crops: bool = True) -> Detector:
    """Return a face detector for pictures, loaded once; see :func:`create_picture_detector`.

    Raises:
        DetectorError: It cannot run here.
    """
    return create_picture_detector(name, takes_crops)


@st.cache_resource(max_entries=8, show_spinner="Loading the face detector …")
def video_detector(name: str) -> Detector:
    """Return a face detector for video, quicker and blind to small faces, loaded once.

    Raises:
        DetectorError: It cannot run here.
    """
    return create_detector(name, for_video=True)


def pipeline(
    run_key: str,
    detector_name: str,
    *,
    calibrated: bool = False,
    for_video: bool = False,
    takes_crops: bool = True,
    sure_from: float = SURE_FROM,
) -> Pipeline:
    """Return the chain from a picture, or a frame of a video, to predictions.

    Args:
        run_key: The run's folder name.
        detector_name: One of the detectors' names.
        calibrated: As for :func:`classifier`.
        for_video: Favour speed over small faces.
        takes_crops: Whether a picture that one face fills is taken whole.
        sure_from: Confidence of the detector below which a face is doubtful.

    Raises:
        RunError: The run cannot be opened or holds no model.
        DetectorError: The detector cannot run here.
    """
    found_by = video_detector(detector_name) if for_video else detector(detector_name, takes_crops)
    return Pipeline(found_by, classifier(run_key, calibrated), sure_from)


def dataset() -> Dataset | None:
    """Return the user's own copy of the data set, or None where there is none.

    That is the one that this session's visitor named on the Dataset page, else what :func:`find_dataset` finds.

    Raises:
        DataError: It is there and cannot be read.
    """
    path = st.session_state.get(DATA_PATH) or find_dataset()
    return None if path is None else _dataset(str(path), path.stat().st_mtime_ns if path.exists() else 0)


@st.cache_resource(max_entries=1, show_spinner="Reading the data set …")
def _dataset(path: str, version: int) -> Dataset:
    return load_dataset(Path(path))
