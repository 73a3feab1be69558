"""LiteRT networks, run without TensorFlow."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np

from emoscope.model.errors import RunError, reason_of
from emoscope.model.machine import available_cores
from emoscope.model.networks.classifier import Network
from emoscope.model.networks.file_metadata import normalization_of, read_metadata
from emoscope.model.networks.signature import is_channels_first
from emoscope.model.networks.trial import ensure_it_survives
from emoscope.model.runs.run import RunInfo


class LiteRTClassifier(Network):
    """A ``.tflite`` network, float or quantised, on XNNPACK.

    An interpreter is never called from two threads at once: each call takes an idle one from a small pool, which grows
    to as many as the machine's cores can run side by side; further callers wait.

    Args:
        file: The ``.tflite`` file.
        info: The run that it belongs to.
        threads: Cores that one call may use.
        temperature: As for :func:`load_classifier`.

    Raises:
        RunError: The file is not a LiteRT network, ends the process that runs it, or does not fit ``info``.
    """

    def __init__(self, file: Path, info: RunInfo, threads: int = 1, temperature: float | None = None) -> None:
        super().__init__(file, info, temperature)
        self.threads = threads
        ensure_it_survives(file, "litert")
        try:
            self._content = file.read_bytes()
        except OSError as error:
            raise RunError(f"{file.name} cannot be read ({error.strerror}).", "Copy the run again.") from error
        self._normalization = normalization_of(read_metadata(self._content), info)
        self._idle: list[_Interpreter] = []
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(max(1, available_cores() // threads))
        self._closed = False
        try:
            self._check()
        except (ValueError, RuntimeError) as error:
            raise RunError(
                f"{file.parent.name}/{file.name} is not a LiteRT network that runs here ({reason_of(error)}).",
                "Copy the run again.",
            ) from error

    def close(self) -> None:
        """Free the interpreters and the file's content."""
        with self._lock:
            self._closed = True
            self._idle.clear()
            self._content = b""

    def _run(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        with self._slots:
            with self._lock:
                if self._closed:
                    raise ValueError("This classifier is closed; load it again.")
                interpreter = self._idle.pop() if self._idle else None
            interpreter = interpreter or self._open()
            outputs = interpreter.run(batch)
            with self._lock:
                if not self._closed:
                    self._idle.append(interpreter)
        return self._select(outputs)

    def _open(self) -> _Interpreter:
        interpreter = _Interpreter(self._content, self.threads)
        wanted = (*self.info.input_size, self.info.channels)
        if interpreter.input_shape != wanted:
            raise self._misfit(f"takes input of shape {interpreter.input_shape}, not {wanted}")
        return interpreter


class _Interpreter:
    """One LiteRT interpreter that follows the batch size; not thread-safe."""

    def __init__(self, content: bytes, threads: int) -> None:
        from ai_edge_litert.interpreter import Interpreter

        if not content:
            raise ValueError("the file is empty")
        self._interpreter: Any = Interpreter(model_content=content, num_threads=threads)
        inputs = self._interpreter.get_input_details()
        if len(inputs) != 1:
            raise ValueError(f"it takes {len(inputs)} inputs, where one image is expected")
        self._input = inputs[0]
        self._outputs = self._interpreter.get_output_details()
        signature = self._input["shape_signature"]
        own = tuple(int(side) for side in signature[1:])
        self._channels_first = is_channels_first(own)
        self.input_shape = (*own[1:], own[0]) if self._channels_first else own
        # A foreign network may have been exported for one batch size only.
        self._fixed = int(signature[0]) if len(signature) and signature[0] > 0 else 0
        self._allocated = 0

    def run(self, batch: np.ndarray) -> list[np.ndarray]:
        """Return every output, dequantised, for float32 input (N, H, W, C)."""
        if not self._fixed:
            return self._invoke(batch)
        parts = []
        for start in range(0, len(batch), self._fixed):
            part = batch[start : start + self._fixed]
            padded = np.concatenate([part, np.zeros((self._fixed - len(part), *part.shape[1:]), part.dtype)])
            parts.append([output[: len(part)] for output in self._invoke(padded)])
        return [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]

    def _invoke(self, batch: np.ndarray) -> list[np.ndarray]:
        if self._channels_first:
            batch = np.ascontiguousarray(batch.transpose(0, 3, 1, 2))
        # A change of size costs too little to measure, so padding to fixed sizes would only lose.
        if self._allocated != len(batch):
            self._interpreter.resize_tensor_input(self._input["index"], list(batch.shape))
            self._interpreter.allocate_tensors()
            self._allocated = len(batch)
        self._interpreter.set_tensor(self._input["index"], _quantize(batch, self._input))
        self._interpreter.invoke()
        return [_dequantize(self._interpreter.get_tensor(d["index"]), d) for d in self._outputs]


def _quantize(values: np.ndarray, detail: dict[str, Any]) -> np.ndarray:
    dtype = np.dtype(detail["dtype"])
    if dtype.kind == "f":
        return values.astype(dtype, copy=False)
    scale, zero_point = detail["quantization"]
    limits = np.iinfo(dtype)
    return np.clip(np.round(values / (scale or 1.0)) + zero_point, limits.min, limits.max).astype(dtype)


def _dequantize(values: np.ndarray, detail: dict[str, Any]) -> np.ndarray:
    if np.dtype(detail["dtype"]).kind == "f":
        return values.astype(np.float32, copy=False)
    scale, zero_point = detail["quantization"]
    return ((values.astype(np.float32) - zero_point) * (scale or 1.0)).astype(np.float32)
