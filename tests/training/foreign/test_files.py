"""Networks from elsewhere in every file form and age, all with the same known weights."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emoscope.model.errors import RunError
from emoscope.model.networks.onnx import open_onnx
from emoscope.model.networks.signature import Shape
from emoscope.model.runs.run import RunInfo
from emoscope.training.foreign.files import bring_in
from emoscope.training.foreign.importing import ImportOptions, import_model
from emoscope.training.foreign.legacy_keras import read_hdf5
from tests.factories import FER7
from tests.training.made_up import make_dataset

rng = np.random.default_rng(0)
KERNEL, BIAS = rng.normal(size=(3, 3, 1, 4)).astype(np.float32), rng.normal(size=4).astype(np.float32)
DENSE, DENSE_BIAS = rng.normal(size=(4, 7)).astype(np.float32), rng.normal(size=7).astype(np.float32)
WEIGHTS = {"input_1": [], "conv": [KERNEL, BIAS], "drop": [], "pool": [], "dense": [DENSE, DENSE_BIAS]}
IMAGES = rng.random((3, 48, 48, 1)).astype(np.float32)

KERAS_1 = {
    "class_name": "Sequential",
    "config": [
        {
            "class_name": "Convolution2D",
            "config": {
                "name": "conv", "trainable": True, "batch_input_shape": [None, 48, 48, 1], "input_dtype": "float32",
                "nb_filter": 4, "nb_row": 3, "nb_col": 3, "border_mode": "valid", "subsample": [2, 2],
                "dim_ordering": "tf", "init": "glorot_uniform", "activation": "relu", "bias": True,
                "W_regularizer": {"name": "WeightRegularizer", "l1": 0.0, "l2": 0.01}, "b_constraint": None,
            },
        },
        {"class_name": "Dropout", "config": {"name": "drop", "trainable": True, "p": 0.25}},
        {"class_name": "GlobalAveragePooling2D", "config": {"name": "pool", "dim_ordering": "tf"}},
        {
            "class_name": "Dense",
            "config": {"name": "dense", "output_dim": 7, "init": "uniform", "activation": "softmax", "input_dim": None},
        },
    ],
}  # fmt: skip
_CONV_2 = {
    "name": "conv", "trainable": True, "filters": 4, "kernel_size": [3, 3], "strides": [2, 2], "padding": "valid",
    "data_format": "channels_last", "dilation_rate": [1, 1], "activation": "relu", "use_bias": True,
    "kernel_initializer": {"class_name": "VarianceScaling", "config": {"scale": 1.0, "mode": "fan_avg"}},
    "kernel_regularizer": {"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.01}}, "bias_constraint": None,
}  # fmt: skip
_DENSE_2 = {"name": "dense", "trainable": True, "units": 7, "activation": "softmax", "use_bias": True}
KERAS_2_SEQUENTIAL = {
    "class_name": "Sequential",
    "config": [
        {"class_name": "Conv2D", "config": {**_CONV_2, "batch_input_shape": [None, 48, 48, 1], "dtype": "float32"}},
        {"class_name": "Dropout", "config": {"name": "drop", "rate": 0.25, "noise_shape": None, "seed": None}},
        {"class_name": "GlobalAveragePooling2D", "config": {"name": "pool", "data_format": "channels_last"}},
        {"class_name": "Dense", "config": _DENSE_2},
    ],
}


def _node(name: str) -> list:
    return [[[name, 0, 0, {}]]]


KERAS_2_FUNCTIONAL = {
    "class_name": "Model",
    "config": {
        "name": "model_1",
        "layers": [
            {
                "name": "input_1", "class_name": "InputLayer", "inbound_nodes": [],
                "config": {"name": "input_1", "batch_input_shape": [None, 48, 48, 1], "sparse": False},
            },
            {"name": "conv", "class_name": "Conv2D", "config": _CONV_2, "inbound_nodes": _node("input_1")},
            {
                "name": "pool", "class_name": "GlobalAveragePooling2D", "inbound_nodes": _node("conv"),
                "config": {"name": "pool", "data_format": "channels_last"},
            },
            {"name": "dense", "class_name": "Dense", "config": _DENSE_2, "inbound_nodes": _node("pool")},
        ],
        "input_layers": [["input_1", 0, 0]],
        "output_layers": [["dense", 0, 0]],
    },
}  # fmt: skip


def write_hdf5(file: Path, config: Mapping[str, Any] | None, layers: tuple[str, ...]) -> Path:
    """Write a file as Keras 1 and 2 did; without a description it holds weights only."""
    import h5py

    with h5py.File(file, "w") as stored:
        if config is not None:
            stored.attrs["model_config"] = json.dumps(config).encode()
        group = stored if config is None else stored.create_group("model_weights")
        group.attrs["layer_names"] = [name.encode() for name in layers]
        for name in layers:
            layer = group.create_group(name)
            layer.attrs["weight_names"] = [f"{name}_{k}".encode() for k in range(len(WEIGHTS[name]))]
            for k, values in enumerate(WEIGHTS[name]):
                layer.create_dataset(f"{name}_{k}", data=values)
    return file


def expected(images: np.ndarray) -> np.ndarray:
    """What the network answers, in NumPy."""
    patches = np.lib.stride_tricks.sliding_window_view(images[..., 0], (3, 3), axis=(1, 2))[:, ::2, ::2]
    features = np.maximum(np.einsum("nhwij,ijo->nhwo", patches, KERNEL[:, :, 0]) + BIAS, 0).mean((1, 2))
    exponentials = np.exp(features @ DENSE + DENSE_BIAS)
    return exponentials / exponentials.sum(1, keepdims=True)


SEQUENTIAL_LAYERS, FUNCTIONAL_LAYERS = ("conv", "drop", "pool", "dense"), ("input_1", "conv", "pool", "dense")


@pytest.mark.parametrize(
    ("config", "layers"),
    [(KERAS_1, SEQUENTIAL_LAYERS), (KERAS_2_SEQUENTIAL, SEQUENTIAL_LAYERS), (KERAS_2_FUNCTIONAL, FUNCTIONAL_LAYERS)],
    ids=["Keras 1", "Keras 2 sequential", "Keras 2 functional"],
)
def test_old_networks_answer_as_they_did(tmp_path: Path, config: Mapping[str, Any], layers: tuple[str, ...]) -> None:
    model = read_hdf5(write_hdf5(tmp_path / "old.hdf5", config, layers))
    np.testing.assert_allclose(np.asarray(model(IMAGES)), expected(IMAGES), atol=1e-5)


def write_keras2(file: Path, layers: list[dict[str, Any]], weights: Mapping[str, list[np.ndarray]]) -> Path:
    """Write a network as Keras 2.13 does in its own form: a zip of description, metadata and weights."""
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as stored:
        for name, arrays in weights.items():
            group = stored.create_group(f"layers/{name}/vars")
            for k, values in enumerate(arrays):
                group.create_dataset(str(k), data=values)
    described = [{"module": "keras.layers", "registered_name": None, **layer} for layer in layers]
    config = {"module": "keras", "class_name": "Sequential", "config": {"name": "sequential", "layers": described},
              "registered_name": None, "build_config": {"input_shape": [None, 48, 48, 1]}}  # fmt: skip
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "2.13.1", "date_saved": "2023-09-01@12:00:00"}))
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", buffer.getvalue())
    return file


KERAS_2_LAYERS = [
    {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 48, 48, 1], "dtype": "float32", "sparse": False,
                                            "ragged": False, "name": "conv_input"}},
    {"class_name": "Conv2D", "config": {**_CONV_2, "activation": "linear", "groups": 1},
     "build_config": {"input_shape": [None, 48, 48, 1]}},
    {"class_name": "LeakyReLU", "config": {"name": "leaky", "dtype": "float32", "alpha": 0.125}},
    {"class_name": "GlobalAveragePooling2D", "config": {"name": "pool", "keepdims": False}},
    {"class_name": "Dense", "config": _DENSE_2},
]  # fmt: skip


def test_networks_in_the_own_form_of_keras_2_answer_as_they_did(tmp_path: Path) -> None:
    weights = {"conv2d": [KERNEL, BIAS], "dense": [DENSE, DENSE_BIAS]}
    shape = bring_in(write_keras2(tmp_path / "old.keras", KERAS_2_LAYERS, weights), tmp_path)
    assert (shape.input_size, shape.channels, shape.outputs) == ((48, 48), 1, 7)
    patches = np.lib.stride_tricks.sliding_window_view(IMAGES[..., 0], (3, 3), axis=(1, 2))[:, ::2, ::2]
    evidence = np.einsum("nhwij,ijo->nhwo", patches, KERNEL[:, :, 0]) + BIAS
    exponentials = np.exp(np.where(evidence > 0, evidence, 0.125 * evidence).mean((1, 2)) @ DENSE + DENSE_BIAS)
    import keras

    found = np.asarray(keras.saving.load_model(tmp_path / "model.keras")(IMAGES))
    np.testing.assert_allclose(found, exponentials / exponentials.sum(1, keepdims=True), atol=1e-5)


def test_an_argument_that_changes_what_a_network_computes_is_not_dropped(tmp_path: Path) -> None:
    layers = [*KERAS_2_LAYERS[:2], {"class_name": "LeakyReLU", "config": {"name": "leaky", "steepness": 3}}]
    with pytest.raises(RunError, match="argument steepness of its layer LeakyReLU is no longer known"):
        bring_in(write_keras2(tmp_path / "old.keras", layers, {"conv2d": [KERNEL, BIAS]}), tmp_path)


def test_code_in_the_own_form_of_keras_2_is_refused(tmp_path: Path) -> None:
    layers = [*KERAS_2_LAYERS[:2], {"class_name": "Lambda", "config": {"name": "code", "function": ["x", None, None]}}]
    with pytest.raises(RunError, match="Lambda layer, which is program code"):
        bring_in(write_keras2(tmp_path / "old.keras", layers, {"conv2d": [KERNEL, BIAS]}), tmp_path)


def test_litert_networks_whose_channels_come_first_are_opened(tmp_path: Path) -> None:
    file = Path(__file__).parents[2] / "assets" / "first.tflite"
    assert bring_in(file, tmp_path) == Shape((48, 48), 3, 7)
    info = RunInfo("First", "foreign", FER7, (48, 48), 3)
    from emoscope.model.networks.litert import LiteRTClassifier

    colours = np.random.default_rng(3).integers(0, 256, (5, 48, 48, 3), np.uint8)
    gray = colours @ np.float32([0.6, 0.3, 0.1])
    known = LiteRTClassifier(file.with_name("logits.tflite"), replace(info, channels=1))
    found = LiteRTClassifier(file, info).classify(colours).probabilities
    np.testing.assert_allclose(found, known.classify(gray.round().astype(np.uint8)).probabilities, atol=0.01)


def test_separable_residual_networks_of_keras_2_open(tmp_path: Path) -> None:
    """The form of mini-Xception, the most copied FER network: branches, batch normalisation, unknown arguments."""
    import h5py
    import keras

    image = keras.Input((64, 64, 1), name="input_1")
    branch = keras.layers.SeparableConv2D(4, 3, padding="same", use_bias=False, name="separable")(image)
    branch = keras.layers.BatchNormalization(name="norm")(branch)
    other = keras.layers.Conv2D(4, 1, name="residual")(image)
    total = keras.layers.Add(name="add")([branch, other])
    scores = keras.layers.GlobalAveragePooling2D(name="pool")(keras.layers.Conv2D(7, 3, name="head")(total))
    new = keras.Model(image, keras.layers.Softmax(name="predictions")(scores))
    draw = np.random.default_rng(1)
    new.set_weights([draw.uniform(0.1, 1, w.shape).astype(np.float32) for w in new.get_weights()])

    old_arguments = {
        "SeparableConv2D": {"groups": 1, "kernel_initializer": {"class_name": "GlorotUniform", "config": {}}},
        "BatchNormalization": {"axis": [3], "virtual_batch_size": None, "fused": True},
        "InputLayer": {"ragged": False},
    }
    parents = {"separable": ["input_1"], "norm": ["separable"], "residual": ["input_1"], "add": ["norm", "residual"],
               "head": ["add"], "pool": ["head"], "predictions": ["pool"]}  # fmt: skip
    layers = []
    for layer in new.layers:
        kind, options = type(layer).__name__, layer.get_config()
        options = {k: v for k, v in options.items() if not isinstance(v, dict)} | old_arguments.get(kind, {})
        if "batch_shape" in options:
            options["batch_input_shape"] = options.pop("batch_shape")
        nodes = [[[name, 0, 0, {}] for name in parents[layer.name]]] if layer.name in parents else []
        layers.append({"name": layer.name, "class_name": kind, "config": options, "inbound_nodes": nodes})
    config = {
        "class_name": "Functional",
        "config": {"name": "model", "layers": layers, "input_layers": [["input_1", 0, 0]],
                   "output_layers": [["predictions", 0, 0]]},
    }  # fmt: skip
    with h5py.File(tmp_path / "mini.hdf5", "w") as stored:
        stored.attrs["model_config"] = json.dumps(config)
        group = stored.create_group("model_weights")
        group.attrs["layer_names"] = [layer.name.encode() for layer in new.layers]
        for layer in new.layers:
            inner = group.create_group(layer.name)
            values = [w.numpy() for w in (*layer.trainable_weights, *layer.non_trainable_weights)]
            inner.attrs["weight_names"] = [f"w{k}".encode() for k in range(len(values))]
            for k, array in enumerate(values):
                inner.create_dataset(f"w{k}", data=array)
    faces = draw.random((2, 64, 64, 1)).astype(np.float32)
    old = read_hdf5(tmp_path / "mini.hdf5")
    np.testing.assert_allclose(np.asarray(old(faces)), np.asarray(new(faces)), atol=1e-5)
    pixels = 64 * 64
    expected_operations = 2 * (pixels * (9 + 4) + pixels * 4 + 62 * 62 * 9 * 4 * 7)
    assert bring_in(tmp_path / "mini.hdf5", tmp_path).multiply_adds == expected_operations


def test_keras_3_networks_in_hdf5_open(tmp_path: Path) -> None:
    import keras

    old = read_hdf5(write_hdf5(tmp_path / "old.h5", KERAS_2_FUNCTIONAL, FUNCTIONAL_LAYERS))
    keras.saving.save_model(old, tmp_path / "new.h5")
    np.testing.assert_allclose(np.asarray(read_hdf5(tmp_path / "new.h5")(IMAGES)), expected(IMAGES), atol=1e-5)


def test_weights_are_joined_with_the_architecture_beside_them(tmp_path: Path) -> None:
    file = write_hdf5(tmp_path / "fer.h5", None, SEQUENTIAL_LAYERS)
    with pytest.raises(RunError, match="holds weights only") as caught:
        read_hdf5(file)
    assert "--architecture" in caught.value.action
    (tmp_path / "fer.json").write_text(json.dumps(KERAS_2_SEQUENTIAL))
    np.testing.assert_allclose(np.asarray(read_hdf5(file)(IMAGES)), expected(IMAGES), atol=1e-5)
    elsewhere = tmp_path / "elsewhere.json"
    (tmp_path / "fer.json").rename(elsewhere)
    (tmp_path / "other.json").write_text('{"class_name": "of something else"}')
    assert read_hdf5(file, elsewhere).count_params() == 4 * 9 + 4 + 4 * 7 + 7


@pytest.mark.parametrize(
    ("layer", "match"),
    [
        ({"class_name": "Lambda", "config": {"name": "conv", "function": ["4wEAAA==", None, None]}}, "program code"),
        ({"class_name": "Conv2D", "config": {**_CONV_2, "data_format": "channels_first"}}, "channels first"),
        ({"class_name": "Grouped7Conv", "config": {"name": "conv"}}, "Keras cannot read bad.h5"),
    ],
)
def test_code_and_what_does_not_run_here_is_refused(tmp_path: Path, layer: dict[str, Any], match: str) -> None:
    config = {"class_name": "Sequential", "config": [layer, *KERAS_2_SEQUENTIAL["config"][1:]]}
    with pytest.raises(RunError, match=match):
        read_hdf5(write_hdf5(tmp_path / "bad.h5", config, SEQUENTIAL_LAYERS))


def test_lambda_layers_in_keras_files_are_refused(tmp_path: Path) -> None:
    import keras

    image = keras.Input((48, 48, 1))
    network = keras.Model(image, keras.layers.Lambda(lambda x: x[:, 0, :7, 0])(image))
    network.save(tmp_path / "code.keras")
    with pytest.raises(RunError, match=r"code\.keras does not open"):
        bring_in(tmp_path / "code.keras", tmp_path)


def test_shape_is_read_from_the_file(tmp_path: Path) -> None:
    import keras

    file = write_hdf5(tmp_path / "old.h5", KERAS_2_SEQUENTIAL, SEQUENTIAL_LAYERS)
    assert bring_in(file, tmp_path) == Shape((48, 48), 1, 7, 75, 2 * (23 * 23 * 36 + 28))
    assert (tmp_path / "model.keras").is_file()
    image = keras.Input((None, None, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(image)
    keras.Model(image, keras.layers.Dense(7)(pooled)).save(tmp_path / "any.keras")
    with pytest.raises(RunError, match="any size"):
        bring_in(tmp_path / "any.keras", tmp_path)
    assert bring_in(tmp_path / "any.keras", tmp_path, input_size=(64, 64)).input_size == (64, 64)
    keras.Model(image, keras.layers.Dense(1)(pooled)).save(tmp_path / "one.keras")
    with pytest.raises(RunError, match="one score per class"):
        bring_in(tmp_path / "one.keras", tmp_path, input_size=(64, 64))


def write_onnx(file: Path, channels_first: bool, batch: int | str = "n") -> None:
    """Write a network that calls bright pictures class 3 and dark ones class 4, by its mean."""
    from onnx import TensorProto, checker, helper, numpy_helper, save

    shape = [batch, 1, 48, 48] if channels_first else [batch, 48, 48, 1]
    weights = np.array([[0, 0, 0, 20, -20, 0, 0]], np.float32)
    biases = np.array([-9, -9, -9, -10, 10, -9, -9], np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["image"], ["flat"], axis=1),
            helper.make_node("ReduceMean", ["flat", "axes"], ["mean"], keepdims=1),
            helper.make_node("Gemm", ["mean", "weights", "biases"], ["logits"]),
        ],
        "light",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, 7])],
        [
            numpy_helper.from_array(np.array([1], np.int64), "axes"),
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(biases, "biases"),
        ],
    )
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    checker.check_model(network)
    save(network, file)


@pytest.mark.parametrize(("channels_first", "batch"), [(True, "n"), (False, "n"), (True, 1), (False, 16)])
def test_onnx_networks_become_runs(tmp_path: Path, channels_first: bool, batch: int | str) -> None:
    pytest.importorskip("onnxruntime")
    write_onnx(tmp_path / "light.onnx", channels_first, batch)
    run = import_model(tmp_path / "light.onnx", lambda size, channels: make_dataset(), ImportOptions(), root=tmp_path)
    assert run.metrics["PrivateTest"]["accuracy"] == 1.0
    assert run.litert_file is None
    assert "the app does not run it" in run.info.note
    classifier = open_onnx(tmp_path / "light.onnx", RunInfo("x", "foreign", FER7, (48, 48), 1))
    assert classifier.classify([np.full((90, 70, 3), 250, np.uint8)]).probabilities.argmax() == 3


def test_onnx_without_onnxruntime_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    (tmp_path / "x.onnx").write_bytes(b"")
    with pytest.raises(RunError, match="pip install onnxruntime"):
        bring_in(tmp_path / "x.onnx", tmp_path)


@pytest.mark.slow
def test_an_old_network_becomes_a_run_that_the_app_can_use(tmp_path: Path) -> None:
    from emoscope.model.networks.load import load_classifier

    file = write_hdf5(tmp_path / "old.h5", KERAS_1, SEQUENTIAL_LAYERS)
    options = ImportOptions(class_names=FER7, normalization="0..1", splits=["PrivateTest"])
    run = import_model(file, lambda size, channels: make_dataset(5), options, root=tmp_path / "runs")
    assert run.litert_file is not None
    images = make_dataset(5).splits["PrivateTest"].images
    found = load_classifier(run).classify(images).probabilities
    np.testing.assert_allclose(found, expected(images.astype(np.float32) / 255), atol=1e-4)
    np.testing.assert_allclose(run.predictions("PrivateTest").probabilities, found, atol=1e-6)
