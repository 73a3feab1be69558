"""Where PyTorch trains, its own operations give what Keras's give: outputs, slopes and moving averages."""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="pip install -r requirements-torch.txt"),
]

SCRIPT = """
import sys
import keras, numpy as np, torch
from emoscope.model.networks.architectures import build_network
from emoscope.training.backend.precision import computing
from emoscope.training.backend.torch_layers import speed_up

side, design, file, way = int(sys.argv[1]), *sys.argv[2:]
keras.utils.set_random_seed(3)
with computing("bfloat16" if way == "fast, 16 bits" else "float32"):
    options = {"backbone": "faceres", "weights": "none"} if design == "backbone" else {}
    network = build_network(design, (side, side, 1), {"fer": 7}, dropout=0, **options)
rng = np.random.default_rng(0)
network.set_weights([np.abs(w) + rng.uniform(0, 0.1, w.shape) if w.ndim == 1 else w for w in network.get_weights()])
if way != "slow":
    speed_up(network)
    assert any("call" in vars(layer) for layer in network.layers)
images = torch.from_numpy(rng.normal(0, 1, (5, side, side, 1)).astype("float32"))
found = {"trained": network(images, training=True)["fer"]}
(found["trained"] ** 2).sum().backward()
found |= {f"slope {i}": weight.value.grad for i, weight in enumerate(network.trainable_weights)}
found |= {f"state {i}": weight.value for i, weight in enumerate(network.non_trainable_weights)}
found["asked"] = network(images, training=False)["fer"]
np.savez(file, **{name: value.detach().numpy() for name, value in found.items()})
"""


def computed(folder, side, design, way):
    file = folder / f"{way}.npz"
    environment = os.environ | {"KERAS_BACKEND": "torch", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", SCRIPT, str(side), design, str(file), way]
    subprocess.run(command, env=environment, check=True, timeout=300)
    with np.load(file) as archive:
        return dict(archive)


@pytest.mark.parametrize(("side", "design"), [(48, "residual"), (30, "residual"), (48, "gap_cnn"), (33, "backbone")])
def test_pytorch_computes_what_keras_computes(tmp_path, side, design):
    slow, fast = (computed(tmp_path, side, design, way) for way in ("slow", "fast"))
    assert len(slow) > 20 and slow.keys() == fast.keys()
    for name, wanted in slow.items():
        scale = np.abs(wanted).max()
        np.testing.assert_allclose(fast[name], wanted, atol=2e-4 * max(scale, 1e-3), err_msg=name)


def test_16_bits_give_about_the_same_and_keep_statistics_at_32(tmp_path):
    slow, fast = (computed(tmp_path, 48, "residual", way) for way in ("slow", "fast, 16 bits"))
    assert all(values.dtype == np.float32 for values in fast.values())
    for name, wanted in slow.items():
        likeness = (fast[name] * wanted).sum() / (np.linalg.norm(fast[name]) * np.linalg.norm(wanted))
        assert likeness > (0.9 if name.startswith("slope") else 0.999), name
    assert np.abs(fast["asked"] - slow["asked"]).max() > 0
