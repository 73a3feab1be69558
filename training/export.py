"""From a run's Keras network to the LiteRT file that the app runs, checked to give the same answers.

The conversion needs TensorFlow, so it happens in a process of its own: a network that was trained on another Keras
backend is converted all the same.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from model.artifacts import KERAS_FILE, Run, load_run
from model.dataset import Dataset, find_dataset
from model.errors import DataError, EmoscopeError, RunError
from model.keras_classifier import KerasClassifier
from model.litert import LiteRTClassifier
from training.arguments import add_data_arguments, load_data

TOLERANCE = 1e-4
CHECKED_IMAGES = 500


def export_litert(run: Run) -> Path:
    """Write ``model.tflite`` beside ``model.keras``: float32, any batch size, activation map kept.

    Raises:
        RunError: The run holds no Keras network.
        EmoscopeError: TensorFlow is not installed, or the conversion failed.
    """
    source, target = run.path / KERAS_FILE, run.path / "model.tflite"
    if not source.is_file():
        raise RunError(f"{run.key} holds no {KERAS_FILE}.", "Only a run with its Keras network can be exported.")
    if find_spec("tensorflow") is None:
        raise EmoscopeError(
            "The conversion to LiteRT needs TensorFlow, which is not installed here.",
            f"Where it is installed, give: python -m training export {run.key}",
        )
    with tempfile.TemporaryDirectory() as folder:
        converted = Path(folder) / "model.tflite"
        command = [sys.executable, "-c", _CONVERSION, str(source), str(converted)]
        quiet = {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
        done = subprocess.run(command, env=os.environ | quiet, capture_output=True, text=True, check=False)
        if done.returncode or not converted.is_file():
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise EmoscopeError(f"{run.key} could not be converted to LiteRT ({reason}).")
        partial = target.with_name(".model.tflite.part")
        partial.write_bytes(converted.read_bytes())
        partial.replace(target)
    return target


_CONVERSION = """
import sys, keras
model = keras.saving.load_model(sys.argv[1], compile=False, safe_mode=True)
model.export(sys.argv[2], format="litert", verbose=False)
"""


def check_agreement(run: Run, dataset: Dataset) -> float:
    """Compare the LiteRT file with the Keras network on real images.

    Args:
        run: Holds both.
        dataset: Its validation split gives the images, up to 500.

    Returns:
        Largest absolute difference of probabilities.

    Raises:
        RunError: They differ by more than 1e-4.
    """
    split = dataset.validation or dataset.test or dataset.train
    if split is None:
        raise DataError(f"{dataset.name} has no images to check the export on.")
    images = list(split.images[:CHECKED_IMAGES])
    litert = LiteRTClassifier(run.path / "model.tflite", run.info)
    reference = KerasClassifier(run.path / KERAS_FILE, run.info)
    try:
        difference = np.abs(litert.classify(images).probabilities - reference.classify(images).probabilities).max()
    finally:
        litert.close()
        reference.close()
    if difference > TOLERANCE:
        raise RunError(
            f"{run.key}/model.tflite differs from the Keras network by {difference:.2g}.", "Export it again."
        )
    return float(difference)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags of ``python -m training export``."""
    parser.add_argument("run", help="key or folder of a saved run")
    add_data_arguments(parser)


def run(args: Namespace) -> int:
    """Convert, then check on the user's images where they are at hand."""
    saved = load_run(args.run)
    file = export_litert(saved)
    print(f"{file.name}: {file.stat().st_size / 1e6:.2f} MB")
    if args.data or find_dataset():
        difference = check_agreement(saved, load_data(args, saved.info))
        print(f"Largest difference from the Keras network on {CHECKED_IMAGES} images: {difference:.1e}")
    else:
        print("Not compared with the Keras network: no data set is at hand (give --data).")
    return 0
