"""Open a network from elsewhere, whatever its file form, and bring it into a run's folder."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from model.artifacts import KERAS_FILE, RunInfo
from model.classifier import Classifier, Network
from model.errors import RunError
from training.legacy_keras import read_hdf5, refuse_unusable

KERAS_SUFFIXES = (".keras", ".h5", ".hdf5")
SUFFIXES = (*KERAS_SUFFIXES, ".tflite", ".onnx")


@dataclass(frozen=True)
class Shape:
    """What a network's file says of it.

    Attributes:
        input_size: Height and width in pixels.
        channels: 1 or 3.
        outputs: Number of classes.
        parameters: Weights; 0 where the form does not tell.
        multiply_adds: A face, counted as two operations each; 0 where the form does not tell.
    """

    input_size: tuple[int, int]
    channels: int
    outputs: int
    parameters: int = 0
    multiply_adds: int = 0


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
        f"Give one of {', '.join(SUFFIXES)}, or a saved run.",
    )


def open_onnx(file: Path, info: RunInfo, threads: int = 1) -> Classifier:
    """Open an ONNX network for scoring.

    Raises:
        RunError: onnxruntime is not installed, or the file does not fit ``info``.
    """
    return OnnxClassifier(file, info, threads)


def _bring_in_keras(file: Path, folder: Path, architecture: Path | None, input_size: tuple[int, int] | None) -> Shape:
    from model.architectures import multiply_adds

    model = _read_keras(file, architecture)
    if len(model.inputs) != 1:
        raise RunError(f"{file.name} takes {len(model.inputs)} inputs, where one image is expected.")
    shape = tuple(model.inputs[0].shape[1:])
    height_width, channels = _image_shape(shape, input_size, file)
    outputs = _outputs([tuple(output.shape) for output in model.outputs], file)
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
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = (lines[0] if lines else type(error).__name__)[:160].rstrip(".")
        raise RunError(
            f"{file.name} does not open as a Keras network in safe mode ({reason}).",
            "Save it again as a plain .keras file without Lambda layers or classes of its own.",
        ) from error
    refuse_unusable({"config": model.get_config()}, file)
    return model


def _litert_shape(file: Path) -> Shape:
    from ai_edge_litert.interpreter import Interpreter

    try:
        interpreter = Interpreter(model_content=file.read_bytes())
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    except (ValueError, RuntimeError, OSError) as error:
        raise RunError(f"{file.name} is not a LiteRT network.", "Download or convert it again.") from error
    if len(inputs) != 1:
        raise RunError(f"{file.name} takes {len(inputs)} inputs, where one image is expected.")
    size, channels = _image_shape(tuple(map(int, inputs[0]["shape_signature"][1:])), None, file)
    return Shape(size, channels, _outputs([tuple(o["shape_signature"]) for o in outputs], file))


def _image_shape(
    shape: tuple[int | None, ...], input_size: tuple[int, int] | None, file: Path
) -> tuple[tuple[int, int], int]:
    """Read (height, width, channels); sides that are open are taken from ``input_size``."""
    if len(shape) != 3 or shape[2] not in (1, 3):
        raise RunError(
            f"{file.name} takes input of shape {shape}, where height, width and 1 or 3 channels are expected.",
            "Give a network that takes images.",
        )
    sides = [side if side and side > 0 else None for side in shape[:2]]
    if None in sides:
        if input_size is None:
            raise RunError(f"{file.name} takes images of any size.", "Name the size with --input-size, e.g. 48x48.")
        sides = list(input_size)
    return (int(sides[0] or 0), int(sides[1] or 0)), int(shape[2])


def _outputs(shapes: list[tuple[Any, ...]], file: Path) -> int:
    """Return the number of classes: the width of the only output of rank two."""
    wide = [shape[1] for shape in shapes if len(shape) == 2 and shape[1] and shape[1] > 1]
    if len(wide) != 1:
        raise RunError(
            f"{file.name} gives outputs of shape {', '.join(map(str, shapes))}, where one score a class is expected.",
            "Give a classifier of at least two classes.",
        )
    return int(wide[0])


class OnnxClassifier(Network):
    """An ONNX network on onnxruntime, channels first or last; for scoring only."""

    def __init__(self, file: Path, info: RunInfo, threads: int = 1) -> None:
        super().__init__(file, info, None)
        self._session = self._open(file, threads)
        self._input = self._session.get_inputs()[0]
        self._channels_first = self._is_channels_first(self._input.shape)
        self._check()

    @classmethod
    def shape(cls, file: Path, input_size: tuple[int, int] | None) -> Shape:
        """Read a file's shape."""
        session = cls._open(file, 1)
        if len(session.get_inputs()) != 1:
            raise RunError(f"{file.name} takes {len(session.get_inputs())} inputs, where one image is expected.")
        dimensions = [d if isinstance(d, int) else None for d in session.get_inputs()[0].shape[1:]]
        if cls._is_channels_first(session.get_inputs()[0].shape):
            dimensions = [*dimensions[1:], dimensions[0]]
        size, channels = _image_shape(tuple(dimensions), input_size, file)
        shapes = [tuple(d if isinstance(d, int) else None for d in o.shape) for o in session.get_outputs()]
        return Shape(size, channels, _outputs(shapes, file))

    @staticmethod
    def _is_channels_first(shape: list[Any]) -> bool:
        return len(shape) == 4 and shape[1] in (1, 3) and shape[3] not in (1, 3)

    @staticmethod
    def _open(file: Path, threads: int) -> Any:
        try:
            import onnxruntime
        except ImportError as error:
            raise RunError(
                "ONNX networks need onnxruntime, which is not installed.", "Run `pip install onnxruntime`."
            ) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its exceptions share no base class
            raise RunError(f"{file.name} is not an ONNX network that runs here.", "Export it again.") from error

    def close(self) -> None:
        """Free the network."""
        self._session = None

    def _run(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        if self._channels_first:
            batch = np.ascontiguousarray(batch.transpose(0, 3, 1, 2))
        fixed = self._input.shape[0] if isinstance(self._input.shape[0], int) else len(batch)
        parts = []
        for start in range(0, len(batch), fixed):
            part = batch[start : start + fixed]
            padded = np.concatenate([part, np.zeros((fixed - len(part), *part.shape[1:]), part.dtype)])
            outputs = self._session.run(None, {self._input.name: padded})
            parts.append(self._select([np.asarray(o, np.float32)[: len(part)] for o in outputs])[0])
        return np.concatenate(parts), None
