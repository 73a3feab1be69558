"""ONNX networks, for scoring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from emoscope.model.errors import RunError
from emoscope.model.networks.classifier import Classifier, Network
from emoscope.model.networks.file_metadata import normalization_of
from emoscope.model.networks.signature import Shape, class_count, image_shape, is_channels_first
from emoscope.model.networks.trial import ensure_it_survives
from emoscope.model.runs.run import RunInfo


def open_onnx(file: Path, info: RunInfo, threads: int = 1) -> Classifier:
    """Open an ONNX network for scoring.

    Raises:
        RunError: onnxruntime is not installed, or the file does not fit ``info``.
    """
    return OnnxClassifier(file, info, threads)


class OnnxClassifier(Network):
    """An ONNX network on onnxruntime, channels first or last; for scoring only."""

    def __init__(self, file: Path, info: RunInfo, threads: int = 1) -> None:
        super().__init__(file, info, None)
        self._session = self._open(file, threads)
        self._input = self._session.get_inputs()[0]
        self._channels_first = is_channels_first(self._input.shape[1:])
        self._normalization = normalization_of(self._session.get_modelmeta().custom_metadata_map, info)
        self._check()

    @classmethod
    def shape(cls, file: Path, input_size: tuple[int, int] | None) -> Shape:
        """Read a file's shape."""
        session = cls._open(file, 1)
        if len(session.get_inputs()) != 1:
            raise RunError(f"{file.name} takes {len(session.get_inputs())} inputs, where one image is expected.")
        dimensions = [d if isinstance(d, int) else None for d in session.get_inputs()[0].shape[1:]]
        size, channels = image_shape(tuple(dimensions), input_size, file)
        shapes = [tuple(d if isinstance(d, int) else None for d in o.shape) for o in session.get_outputs()]
        return Shape(size, channels, class_count(shapes, file))

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
        ensure_it_survives(file, "onnx")
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
