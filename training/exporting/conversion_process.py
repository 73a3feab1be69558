"""The process that converts a Keras network into other forms; the export starts it.

It needs TensorFlow, whatever backend the network was trained on, so it is a process of its own. What fails is said in
``report.json``, so that one form that cannot be made costs none of the others.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

REPORT = "report.json"
CALIBRATION = "calibration.npy"


def main(source: str, folder: str, *variants: str) -> None:
    """Convert one network into forms.

    Args:
        source: The ``.keras`` file.
        folder: Where ``<variant>/<file>`` is written, and ``report.json`` (by variant why it failed, empty if not).
            For int8 it holds ``calibration.npy``: network input, float32, shape (N, H, W, C).
        *variants: Keys of :data:`emoscope.model.runs.exports.VARIANTS`.
    """
    import keras

    model = keras.saving.load_model(source, compile=False, safe_mode=True)
    report = {}
    for variant in variants:
        try:
            _convert(model, variant, Path(folder))
            report[variant] = ""
        except Exception as error:  # converters raise nearly anything
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            report[variant] = (lines[0] if lines else type(error).__name__)[:200].rstrip(".")
    (Path(folder) / REPORT).write_text(json.dumps(report), encoding="utf-8")


def _convert(model: Any, variant: str, folder: Path) -> None:
    from emoscope.model.runs.exports import VARIANTS

    file = folder / variant / VARIANTS[variant].file
    file.parent.mkdir(parents=True, exist_ok=True)
    if variant == "h5":
        model.save(file)
    elif variant == "onnx":
        model.export(file, format="onnx", verbose=False)
    else:
        model.export(file, format="litert", verbose=False, **_converter_options(variant, folder))


def _converter_options(variant: str, folder: Path) -> dict[str, Any]:
    """Return attributes of ``tf.lite.TFLiteConverter``; input and outputs stay floats in every form."""
    import tensorflow as tf

    if variant == "float32":
        return {}
    options: dict[str, Any] = {"optimizations": [tf.lite.Optimize.DEFAULT]}
    if variant == "float16":
        options["target_spec"] = {"supported_types": [tf.float16]}
    elif variant == "int8":
        faces = np.load(folder / CALIBRATION, allow_pickle=False)
        options["representative_dataset"] = lambda: ([face[None]] for face in faces)
        options["target_spec"] = {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]}
    return options


if __name__ == "__main__":
    main(*sys.argv[1:])
