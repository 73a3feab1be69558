"""Open a network from elsewhere, whatever its format, and bring it into a run's folder."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

from emoscope.model.errors import RunError, reason_of
from emoscope.model.networks.onnx import OnnxClassifier
from emoscope.model.networks.signature import Shape, class_count, image_shape
from emoscope.model.networks.trial import ensure_it_survives
from emoscope.model.runs.run import KERAS_FILE
from emoscope.training.foreign.legacy_keras import read_hdf5, read_keras2, refuse_unusable

KERAS_SUFFIXES = (".keras", ".h5", ".hdf5")
SUFFIXES = (*KERAS_SUFFIXES, ".tflite", ".onnx")


def bring_in(
    file: Path, folder: Path, architecture: Path | None = None, input_size: tuple[int, int] | None = None
) -> Shape:
    """Copy a network into a folder as ``model.keras`` or ``model.tflite``, and read its shape.

    An ONNX network stays where it is: it is scored in place, and the app does not run it.

    Args:
        file: ``.keras``, ``.h5``, ``.hdf5``, ``.tflite`` or ``.onnx``.
        folder: Of the new run.
        architecture: JSON file with the architecture, for HDF5 files that hold weights only.
        input_size: For networks that take any size.

    Raises:
        RunError: There is no such file, or it cannot be used; the sentence says why.
    """
    if not file.is_file():
        raise RunError(f"There is no file {file}.", "Give a saved run, or a network as .keras, .h5, .tflite or .onnx.")
    suffix = file.suffix.lower()
    if suffix in KERAS_SUFFIXES:
        return _bring_in_keras(file, folder, architecture, input_size)
    if suffix == ".tflite":
        shape = _litert_shape(file)
        shutil.copyfile(file, folder / "model.tflite")
        return shape
    if suffix == ".onnx":
        return OnnxClassifier.shape(file, input_size)
    raise RunError(
        f"{file.name} is no network file that can be opened here.",
        f"Give one of {', '.join(SUFFIXES)}, a network that PyTorch saved as TorchScript or .pt2, or a saved run.",
    )


def _bring_in_keras(file: Path, folder: Path, architecture: Path | None, input_size: tuple[int, int] | None) -> Shape:
    from emoscope.model.networks.architectures import multiply_adds

    model = _read_keras(file, architecture)
    if len(model.inputs) != 1:
        raise RunError(f"{file.name} takes {len(model.inputs)} inputs, where one image is expected.")
    shape = tuple(model.inputs[0].shape[1:])
    height_width, channels = image_shape(shape, input_size, file)
    outputs = class_count([tuple(output.shape) for output in model.outputs], file)
    model.save(folder / KERAS_FILE)
    operations = multiply_adds(model) if None not in shape else 0
    return Shape(height_width, channels, outputs, int(model.count_params()), operations)


def _read_keras(file: Path, architecture: Path | None) -> Any:
    import keras

    if file.suffix.lower() != ".keras":
        return read_hdf5(file, architecture)
    try:
        model = keras.saving.load_model(file, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises nearly anything on a file that is foreign or broken
        if _is_of_keras2(file):
            return read_keras2(file)
        raise RunError(
            f"{file.name} does not open as a Keras network in safe mode ({reason_of(error)}).",
            "Save it again as a plain .keras file without Lambda layers or classes of its own.",
        ) from error
    refuse_unusable({"config": model.get_config()}, file)
    return model


def _is_of_keras2(file: Path) -> bool:
    """Tell whether a ``.keras`` file says that Keras 2 wrote it."""
    try:
        with zipfile.ZipFile(file) as stored:
            return str(json.loads(stored.read("metadata.json"))["keras_version"]).startswith("2.")
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return False


def _litert_shape(file: Path) -> Shape:
    from ai_edge_litert.interpreter import Interpreter

    ensure_it_survives(file, "litert")
    try:
        interpreter = Interpreter(model_content=file.read_bytes())
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    except (ValueError, RuntimeError, OSError) as error:
        raise RunError(f"{file.name} is not a LiteRT network.", "Download or convert it again.") from error
    if len(inputs) != 1:
        raise RunError(f"{file.name} takes {len(inputs)} inputs, where one image is expected.")
    size, channels = image_shape(tuple(map(int, inputs[0]["shape_signature"][1:])), None, file)
    return Shape(size, channels, class_count([tuple(o["shape_signature"]) for o in outputs], file))
