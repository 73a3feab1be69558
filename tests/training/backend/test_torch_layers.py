"""Where PyTorch trains, its own operations give what Keras's give: outputs, slopes and moving averages."""

import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="pip install -r requirements-torch.txt"),
]

CASES = [(48, "residual"), (30, "residual"), (48, "gap_cnn"), (33, "depthwise"), (32, "depthwise")]
WAYS = ("slow", "fast", "fast, 16 bits")

SCRIPT = """
import json, sys
import keras, numpy as np, torch
from emoscope.model.networks.architectures import build_network, every_layer
from emoscope.training.backend.precision import computing
from emoscope.training.backend.torch_layers import speed_up

def depthwise(side):
    "Few layers: where dozens follow each other, one rounding more or less moves the slopes by percents."
    inputs = x = keras.Input((side, side, 1))
    for stride in (1, 2):
        x = keras.layers.Conv2D(6, 3, activation="relu")(x)
        x = keras.layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x)
        x = keras.layers.ReLU(max_value=6)(keras.layers.BatchNormalization()(x))
    x = keras.layers.DepthwiseConv2D(3, activation="relu")(x)
    return keras.Model(inputs, {"fer": keras.layers.Dense(7)(keras.layers.GlobalAveragePooling2D()(x))})

def compute(side, design, way):
    keras.utils.clear_session()
    keras.utils.set_random_seed(3)
    with computing("bfloat16" if way == "fast, 16 bits" else "float32"):
        if design == "depthwise":
            network = depthwise(side)
        else:
            network = build_network(design, (side, side, 1), {"fer": 7}, dropout=0)
    rng = np.random.default_rng(0)
    network.set_weights([np.abs(w) + rng.uniform(0, 0.1, w.shape) if w.ndim == 1 else w for w in network.get_weights()])
    if way != "slow":
        speed_up(network)
        assert any("call" in vars(layer) for layer in every_layer(network))
    images = torch.from_numpy(rng.normal(0, 1, (5, side, side, 1)).astype("float32"))
    found = {"trained": network(images, training=True)["fer"]}
    (found["trained"] ** 2).sum().backward()
    found |= {f"slope {i}": weight.value.grad for i, weight in enumerate(network.trainable_weights)}
    found |= {f"state {i}": weight.value for i, weight in enumerate(network.non_trainable_weights)}
    found["asked"] = network(images, training=False)["fer"]
    return {name: value.detach().float().numpy() for name, value in found.items()}

folder, cases, ways = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
for side, design in cases:
    for way in ways:
        np.savez(f"{folder}/{design} {side} {way}.npz", **compute(side, design, way))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What one process, in which Keras runs on PyTorch, computes of each case in each way."""
    folder = tmp_path_factory.mktemp("torch")
    environment = os.environ | {"KERAS_BACKEND": "torch", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", SCRIPT, str(folder), json.dumps(CASES), json.dumps(WAYS)]
    subprocess.run(command, env=environment, check=True, timeout=280)
    return folder


def computed(folder, side, design, way):
    with np.load(folder / f"{design} {side} {way}.npz") as archive:
        return dict(archive)


@pytest.mark.parametrize(("side", "design"), CASES)
def test_pytorch_computes_what_keras_computes(folder, side, design):
    slow, fast = (computed(folder, side, design, way) for way in ("slow", "fast"))
    assert len(slow) > 15 and slow.keys() == fast.keys()
    for name, wanted in slow.items():
        scale = np.abs(wanted).max()
        np.testing.assert_allclose(fast[name], wanted, atol=2e-4 * max(scale, 1e-3), err_msg=name)


def test_16_bits_give_about_the_same_and_keep_statistics_at_32(folder):
    slow, fast = (computed(folder, 48, "residual", way) for way in ("slow", "fast, 16 bits"))
    assert all(values.dtype == np.float32 for values in fast.values())
    for name, wanted in slow.items():
        likeness = (fast[name] * wanted).sum() / (np.linalg.norm(fast[name]) * np.linalg.norm(wanted))
        assert likeness > (0.9 if name.startswith("slope") else 0.999), name
    assert np.abs(fast["asked"] - slow["asked"]).max() > 0
