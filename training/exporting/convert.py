"""From a run's Keras network to the formats of other devices and programs, each checked against the original.

The conversion needs TensorFlow, so it happens in a process of its own: a network that was trained on another Keras
backend is converted all the same.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from emoscope.model.dataset import Dataset
from emoscope.model.errors import DataError, EmoscopeError, RunError
from emoscope.model.evaluation.calibration import calibrate_run
from emoscope.model.networks.classifier import Classifier
from emoscope.model.networks.keras_backend import KerasClassifier
from emoscope.model.networks.litert import LiteRTClassifier
from emoscope.model.networks.onnx import open_onnx
from emoscope.model.networks.preprocessing import prepare_faces
from emoscope.model.places import module_environment
from emoscope.model.runs.exports import ORIGINAL, VARIANTS, variant_folder
from emoscope.model.runs.files import write_atomically
from emoscope.model.runs.run import KERAS_FILE, Normalization, Run, load_run, write_run_info
from emoscope.training.evaluation.evaluate import evaluate_with
from emoscope.training.exporting.conversion_process import CALIBRATION, REPORT

TOLERANCES = {ORIGINAL: 1e-4, "web": 1e-3}
"""By how much a probability may differ from the Keras network's on real images, where that is checked."""
CHECKED_IMAGES = 500
CALIBRATION_IMAGES = 500


def export_litert(run: Run) -> Path:
    """Write ``model.tflite`` beside ``model.keras``: float32, any batch size, activation map kept.

    Raises:
        RunError: The run holds no Keras network.
        EmoscopeError: TensorFlow is not installed, or the conversion failed.
    """
    problem = convert(run, [ORIGINAL])[ORIGINAL]
    if problem:
        raise EmoscopeError(problem)
    return run.path / VARIANTS[ORIGINAL].file


def convert(run: Run, variants: Sequence[str], dataset: Dataset | None = None) -> dict[str, str]:
    """Write exports of a run's network; all but the original are runs of their own below it.

    Args:
        run: With its Keras network.
        variants: Keys of :data:`emoscope.model.runs.exports.VARIANTS`.
        dataset: Its training images calibrate int8.

    Returns:
        By variant why it could not be made, as a sentence; empty where it was.

    Raises:
        RunError: The run holds no Keras network.
        EmoscopeError: TensorFlow is not installed, or the conversion broke down as a whole.
    """
    source = run.path / KERAS_FILE
    if not source.is_file():
        raise RunError(f"{run.key} holds no {KERAS_FILE}.", "Only a run with its Keras network can be exported.")
    if find_spec("tensorflow") is None:
        raise EmoscopeError(
            "The conversion needs TensorFlow, which is not installed here.",
            f"Where it is installed, give: python -m training export {run.key}",
        )
    problems = {variant: _what_is_missing(variant, dataset) for variant in variants}
    possible = [variant for variant, problem in problems.items() if not problem]
    if not possible:
        return problems
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_run_info(folder, run.info)
        if "int8" in possible and dataset is not None:
            np.save(folder / CALIBRATION, calibration_input(run, dataset))
        report = _run_conversion(run, source, folder, possible)
        for variant in possible:
            if reason := report.get(variant, "no reason given"):
                problems[variant] = f"{run.key} could not be converted to {VARIANTS[variant].title} ({reason})."
            else:
                _take_in(run, variant, folder / variant / VARIANTS[variant].file)
    return problems


def _what_is_missing(variant: str, dataset: Dataset | None) -> str:
    if variant == "int8" and (dataset is None or dataset.train is None):
        return "LiteRT int8 is calibrated on training images, and there are none at hand: give --data."
    if variant == "onnx" and find_spec("tf2onnx") is None:
        return "ONNX needs the package tf2onnx, which is not installed: run `pip install -r requirements-onnx.txt`."
    return ""


def calibration_input(run: Run, dataset: Dataset) -> np.ndarray:
    """Return pixels 0..255 of a seeded sample of training images, as exports take them: float32, shape (N, H, W, C)."""
    assert dataset.train is not None
    images = dataset.train.images
    chosen = np.sort(np.random.default_rng(0).permutation(len(images))[:CALIBRATION_IMAGES])
    return prepare_faces(list(images[chosen]), run.info, Normalization("rescale", 1.0, 0.0))


def _run_conversion(run: Run, source: Path, folder: Path, variants: Sequence[str]) -> Mapping[str, str]:
    program = "emoscope.training.exporting.conversion_process"
    command = [sys.executable, "-P", "-m", program, str(source), str(folder), *variants]
    environment = module_environment(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    report = folder / REPORT
    if done.returncode or not report.is_file():
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise EmoscopeError(f"{run.key} could not be converted ({reason}).")
    return json.loads(report.read_text(encoding="utf-8"))


def _take_in(run: Run, variant: str, converted: Path) -> None:
    folder = variant_folder(run, variant)
    if variant != ORIGINAL:
        # Predictions of the network that was there before are not of this one.
        for stale in (*folder.glob("predictions/*.npz"), folder / "metrics.json", folder / "calibration.json"):
            stale.unlink(missing_ok=True)
        name = f"{run.info.name} ({variant})"
        write_run_info(folder, replace(run.info, name=name, origin=run.key, note=VARIANTS[variant].summary))
    write_atomically(folder / converted.name, converted.read_bytes())


def open_variant(run: Run, variant: str, threads: int = 1) -> Classifier:
    """Open an export of a run's network for scoring and timing.

    Raises:
        RunError: It is not there, or what runs it is not installed.
    """
    folder = variant_folder(run, variant)
    file = folder / VARIANTS[variant].file
    if variant == "onnx":
        return open_onnx(file, run.info, threads)
    if variant == "h5":
        return KerasClassifier(file, run.info)
    return LiteRTClassifier(file, run.info, threads)


def evaluate_variant(run: Run, variant: str, dataset: Dataset, splits: Sequence[str] | None, threads: int = 1) -> None:
    """Score an export of a run's network and save its predictions with it.

    Raises:
        RunError, DataError: The export or the data cannot be used.
    """
    classifier = open_variant(run, variant, threads)
    try:
        form = evaluate_with(classifier, load_run(variant_folder(run, variant)), dataset, splits)
    finally:
        classifier.close()
    if variant != ORIGINAL and run.calibration and (dataset.validation is not None):
        calibrate_run(form)


def check_agreement(run: Run, dataset: Dataset, variant: str = ORIGINAL) -> float:
    """Compare an export with the Keras network on real images.

    Args:
        run: Holds both.
        dataset: Its validation split gives the images, up to 500.
        variant: A key of :data:`TOLERANCES`.

    Returns:
        Largest absolute difference of probabilities.

    Raises:
        RunError: They differ by more than :data:`TOLERANCES` says.
    """
    split = dataset.validation or dataset.test or dataset.train
    if split is None:
        raise DataError(f"{dataset.name} has no images to check the export on.")
    images = list(split.images[:CHECKED_IMAGES])
    litert = open_variant(run, variant)
    reference = KerasClassifier(run.path / KERAS_FILE, run.info)
    try:
        difference = np.abs(litert.classify(images).probabilities - reference.classify(images).probabilities).max()
    finally:
        litert.close()
        reference.close()
    if difference > TOLERANCES[variant]:
        title = VARIANTS[variant].title
        raise RunError(f"{title} of {run.key} differs from the Keras network by {difference:.2g}.", "Export it again.")
    return float(difference)
