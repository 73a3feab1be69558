"""Keras networks of any age, in HDF5 files or as ``.keras``, opened with today's Keras.

Keras opens most ``.h5`` files by itself. What it stumbles over is mended here: names of layers and arguments from
Keras 1, ``batch_input_shape``, arguments that later versions dropped, architectures kept in a JSON file beside the
weights, and the ``.keras`` files of Keras 2. Regularisers, constraints and initialisers are left out, since nothing is
trained.
"""

from __future__ import annotations

import inspect
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from emoscope.model.errors import RunError, reason_of

_LAYER_NAMES = {
    "Convolution2D": "Conv2D",
    "SeparableConvolution2D": "SeparableConv2D",
    "AtrousConvolution2D": "Conv2D",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "Model": "Functional",
}
_ARGUMENT_NAMES = {
    "border_mode": "padding",
    "subsample": "strides",
    "bias": "use_bias",
    "output_dim": "units",
    "nb_filter": "filters",
    "p": "rate",
    "atrous_rate": "dilation_rate",
}
_ARGUMENT_NAMES_OF = {"LeakyReLU": {"alpha": "negative_slope"}}
_WITHOUT_EFFECT = (
    *("dtype", "init", "weights", "cache", "implementation", "input_dtype", "input_shape", "input_dim", "batch_shape"),
    *("sparse", "ragged", "optional", "fused", "dim_ordering", "data_format", "mode", "nb_row", "nb_col", "momentum"),
)
"""Arguments of older versions that say nothing about what a network computes."""
_TRAINING_ONLY = ("_initializer", "_regularizer", "_constraint", "_init")
_SAVED_BESIDE = ("module", "registered_name", "build_config")  # by Keras 2, whose modules are others
_CODE = ("Lambda", "TFOpLambda", "SlicingOpLambda")
_ACTION = "Save it once with `model.save('network.keras')` in the program that made it."


def read_hdf5(file: Path, architecture: Path | None = None) -> Any:
    """Open a network in HDF5 form.

    Args:
        file: A whole network, or weights only.
        architecture: JSON file with the architecture, for weights only; by default the ``.json`` file beside the
            weights, named as they are or the only one that holds a Keras architecture.

    Returns:
        A ``keras.Model``, not compiled.

    Raises:
        RunError: The file is no HDF5 file, holds weights whose architecture is nowhere, or code, or layers that Keras
            does not know.
    """
    import h5py
    import keras

    try:
        with h5py.File(file, "r") as stored:
            text = stored.attrs.get("model_config")
            whole = text is not None
            weights = "layer_names" in stored.attrs or "model_weights" in stored or "layers" in stored
    except OSError as error:
        raise RunError(f"{file.name} is not an HDF5 file.", "Download or copy it again.") from error
    if not whole:
        if not weights:
            raise RunError(f"{file.name} is an HDF5 file, but holds no Keras network.", "Give the network's own file.")
        text = (architecture or _architecture_beside(file)).read_bytes()
    config = _parse(text, file)
    _refuse(config, file)
    first_error: Exception | None = None
    if whole:
        try:
            return keras.saving.load_model(file, compile=False, safe_mode=True)
        except Exception as error:  # of another age, perhaps: mend its description
            first_error = error
    try:
        model = _build(config)
        model.load_weights(file)
    except Exception as error:  # Keras raises nearly anything on a description it cannot read
        reason = reason_of(first_error or error)
        raise RunError(f"Keras cannot read {file.name} ({reason}).", _ACTION) from error
    return model


def read_keras2(file: Path) -> Any:
    """Open a ``.keras`` file that Keras 2 wrote: 2.12 to 2.15, or ``tf_keras`` since.

    Returns:
        A ``keras.Model``, not compiled.

    Raises:
        RunError: It is no such file, or holds code, or layers that Keras 3 does not know.
    """
    try:
        with zipfile.ZipFile(file) as stored, TemporaryDirectory() as folder:
            config = _parse(stored.read("config.json"), file)
            _refuse(config, file)
            weights = Path(stored.extract("model.weights.h5", folder))
            model = _build(config)
            model.load_weights(weights)
    except RunError:
        raise
    except Exception as error:  # as above
        raise RunError(f"Keras cannot read {file.name} ({reason_of(error)}).", _ACTION) from error
    return model


def refuse_unusable(config: dict[str, Any], file: Path) -> None:
    """Raise RunError if a Keras description holds code, or layers that run on a GPU only."""
    _refuse(config, file)


def _architecture_beside(file: Path) -> Path:
    named = [file.with_suffix(".json"), file.with_name(file.name.split(".")[0] + ".json")]
    found = [path for path in named if path.is_file()]
    if not found:
        beside = sorted(file.parent.glob("*.json"))
        found = [path for path in beside if '"class_name"' in path.read_text("utf-8", "replace")]
        found = found if len(found) == 1 else []
    if found:
        return found[0]
    raise RunError(
        f"{file.name} holds weights only, not the architecture that they belong to.",
        "Give the architecture's JSON file with --architecture, or save the whole network with "
        "`model.save('network.keras')` in the program that made it.",
    )


def _parse(text: str | bytes, file: Path) -> dict[str, Any]:
    try:
        config = json.loads(text)
        if isinstance(config, str):  # some programs wrote the JSON text as a JSON string
            config = json.loads(config)
        if isinstance(config, dict) and "class_name" in config and "config" in config:
            return config
    except ValueError:
        pass
    raise RunError(f"The architecture of {file.name} is not a Keras description.", _ACTION)


def _refuse(config: dict[str, Any], file: Path) -> None:
    for layer in _dictionaries(config):
        if layer.get("class_name") in _CODE:
            raise RunError(
                f"{file.name} holds a Lambda layer, which is program code and is not run here.",
                "Replace it by a Keras layer (e.g. Rescaling) and save the network again.",
            )
        options = layer.get("config")
        options = options if isinstance(options, dict) and "Conv" in str(layer.get("class_name")) else {}
        if options.get("data_format") == "channels_first" or options.get("dim_ordering") == "th":
            raise RunError(
                f"{file.name} was built with channels first (Theano's order), which only GPUs run.",
                "Convert it to channels last, or give it as .onnx.",
            )


def _dictionaries(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _dictionaries(item)


def _build(config: dict[str, Any]) -> Any:
    import keras

    try:
        return keras.models.model_from_json(json.dumps(config))
    except Exception:  # of another age
        description = modernized(config)
        kind = keras.Sequential if description["class_name"] == "Sequential" else keras.Model
        return kind.from_config(description["config"])


def modernized(layer: dict[str, Any]) -> dict[str, Any]:
    """Rewrite a layer's or a network's description as Keras 3 reads it, whichever version wrote it."""
    import keras

    name = _LAYER_NAMES.get(layer["class_name"], layer["class_name"])
    options = layer["config"]
    if name in ("Sequential", "Functional"):
        return {**layer, "class_name": name, "config": _modernized_network(name, options)}
    known = {"name", "trainable"}
    if layer_class := getattr(keras.layers, name, None):
        known |= set(inspect.signature(layer_class.__init__).parameters) - {"self", "kwargs", "dtype"}
    renamed = _ARGUMENT_NAMES | _ARGUMENT_NAMES_OF.get(name, {})
    options = {renamed.get(key, key): value for key, value in options.items()}
    if "batch_input_shape" in options:
        options["batch_shape"] = options.pop("batch_input_shape")
    if "nb_row" in options:
        options["kernel_size"] = [options["nb_row"], options["nb_col"]]
    if isinstance(options.get("axis"), list) and len(options["axis"]) == 1:
        options["axis"] = options["axis"][0]
    if isinstance(options.get("layer"), dict):
        options["layer"] = modernized(options["layer"])
    options = {key: value for key, value in options.items() if not key.endswith(_TRAINING_ONLY)}
    if options.get("groups") == 1:  # also of layers that never had any
        del options["groups"]
    for key, value in options.items():
        if layer_class and key not in known and key not in _WITHOUT_EFFECT and value not in (None, False):
            raise ValueError(f"the argument {key} of its layer {name} is no longer known")
    kept = {key: value for key, value in options.items() if key in known}
    kept.pop("data_format", None)  # channels first was refused
    layer = {key: value for key, value in layer.items() if key not in _SAVED_BESIDE}
    return {**layer, "class_name": name, "config": kept}


def _modernized_network(name: str, options: Any) -> dict[str, Any]:
    options = {"layers": options} if isinstance(options, list) else dict(options)  # Keras 1 and 2.0 wrote a bare list
    options.setdefault("name", "network")
    layers = options["layers"]
    options["layers"] = [modernized(layer) for layer in layers]
    first = layers[0]["config"] if layers else {}
    if name == "Sequential" and layers[0]["class_name"] != "InputLayer" and "batch_input_shape" in first:
        options["layers"].insert(0, {"class_name": "InputLayer", "config": {"batch_shape": first["batch_input_shape"]}})
    return {key: value for key, value in options.items() if key in ("name", "layers", "input_layers", "output_layers")}
