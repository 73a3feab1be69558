"""The process that converts a Keras network to other formats; the export starts it.

It needs TensorFlow, whatever backend the network was trained on, so it is a process of its own. Failures are reported
in ``report.json``, so that one format that cannot be made costs none of the others.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from emoscope.model.browser.shapes import with_fixed_shape
from emoscope.model.networks.file_metadata import PIXELS, append_metadata, metadata_of
from emoscope.model.networks.preprocessing import normalize
from emoscope.model.runs.exports import VARIANTS
from emoscope.model.runs.files import read_json
from emoscope.model.runs.run import RunInfo

REPORT = "report.json"
CALIBRATION = "calibration.npy"


def main(source: str, folder: str, *variants: str) -> None:
    """Convert one network to several formats.

    Args:
        source: The ``.keras`` file.
        folder: Where ``<variant>/<file>`` is written, and ``report.json`` (by variant why it failed, empty if not).
            It holds the run's ``run.json``, and for int8 ``calibration.npy``: pixels 0..255, float32, (N, H, W, C).
        *variants: Keys of :data:`emoscope.model.runs.exports.VARIANTS`.
    """
    import keras

    model = keras.saving.load_model(source, compile=False, safe_mode=True)
    info = RunInfo.from_dict(read_json(Path(folder) / "run.json"))
    report = {}
    for variant in variants:
        try:
            _convert(model, info, variant, Path(folder))
            report[variant] = ""
        except Exception as error:  # converters raise nearly anything
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            report[variant] = (lines[0] if lines else type(error).__name__)[:200].rstrip(".")
    (Path(folder) / REPORT).write_text(json.dumps(report), encoding="utf-8")


def _convert(model: Any, info: RunInfo, variant: str, folder: Path) -> None:
    file = folder / variant / VARIANTS[variant].file
    file.parent.mkdir(parents=True, exist_ok=True)
    if variant == "h5":
        model.save(file)  # older programs know no layer that normalises as ours do
    elif variant == "onnx":
        _take_pixels(model, info).export(file, format="onnx", verbose=False)
        _describe_onnx(file, info)
    else:
        options = _converter_options(variant, folder)
        _take_pixels(model, info).export(file, format="litert", verbose=False, **options)
        if variant == "web":
            file.write_bytes(with_fixed_shape(file.read_bytes()))
        append_metadata(file, info, batch="1" if variant == "web" else "batch")


def _take_pixels(model: Any, info: RunInfo) -> Any:
    """Put the run's normalisation before its network, which then takes pixels 0..255 as they are."""
    import keras

    pixels = keras.Input((*info.input_size, info.channels), name=PIXELS)
    network = keras.Model(pixels, model(normalize(pixels, info.normalization, keras.ops)), name=model.name)
    network(np.zeros((1, *info.input_size, info.channels), np.float32))  # ONNX wants one that has been called
    return network


def _describe_onnx(file: Path, info: RunInfo) -> None:
    import onnx

    network = onnx.load(file)
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in metadata_of(info).items()}
    onnx.helper.set_model_props(network, texts)
    onnx.save(network, file)


def _converter_options(variant: str, folder: Path) -> dict[str, Any]:
    """Return attributes of ``tf.lite.TFLiteConverter``; input and outputs stay floats in every format."""
    import tensorflow as tf

    if variant == "float32":
        return {}
    options: dict[str, Any] = {"optimizations": [tf.lite.Optimize.DEFAULT]}
    if variant in ("float16", "web"):
        options["target_spec"] = {"supported_types": [tf.float16]}
    elif variant == "int8":
        faces = np.load(folder / CALIBRATION, allow_pickle=False)
        options["representative_dataset"] = lambda: ([face[None]] for face in faces)
        options["target_spec"] = {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]}
    return options


if __name__ == "__main__":
    main(*sys.argv[1:])
