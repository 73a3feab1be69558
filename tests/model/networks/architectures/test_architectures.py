"""Every named design: its outputs, its activation map, and what it says of options it cannot take."""

import keras
import numpy as np
import pytest

from emoscope.model.errors import ConfigError
from emoscope.model.networks.architectures import ARCHITECTURES, build_network, deploy, multiply_adds

FIXED_SIZE = ("classic_cnn", "flatten_cnn", "lite_cnn", "vgg_cnn")
HEADS = {"fer": 7, "ferplus": 8}
FACES = np.random.default_rng(0).random((2, 48, 48, 1), np.float32)


@pytest.fixture(scope="module")
def networks():
    return {name: build_network(name, (48, 48, 1), HEADS) for name in ARCHITECTURES if name != "backbone"}


@pytest.mark.parametrize("name", ["residual", "gap_cnn", *FIXED_SIZE])
def test_each_head_gives_logits_and_deploys_as_probabilities(networks, name):
    outputs = networks[name](FACES)
    assert {head: tuple(logits.shape) for head, logits in outputs.items()} == {"fer": (2, 7), "ferplus": (2, 8)}
    deployed = deploy(networks[name], "ferplus")(FACES)
    logits = keras.ops.convert_to_numpy(outputs["ferplus"])
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    probabilities = keras.ops.convert_to_numpy(deployed["probabilities"])
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    assert ("activation_map" in deployed) == (name not in FIXED_SIZE)
    if "activation_map" in deployed:
        mean = keras.ops.convert_to_numpy(deployed["activation_map"]).mean((1, 2))
        np.testing.assert_allclose(mean, logits, atol=1e-5)


def test_the_gap_head_is_the_dense_layer_after_pooling(networks):
    network = networks["gap_cnn"]
    kernel, bias = network.get_layer("fer_map").get_weights()
    features = keras.Model(network.input, network.get_layer("fer_map").input)(FACES)
    dense = keras.ops.convert_to_numpy(features).mean((1, 2)) @ kernel[0, 0] + bias
    np.testing.assert_allclose(keras.ops.convert_to_numpy(network(FACES)["fer"]), dense, atol=1e-5)


def test_lite_cnn_is_as_described():
    network = build_network("lite_cnn", (48, 48, 1), {"fer": 7})
    kinds = [layer.__class__.__name__ for layer in network.layers[1:]]
    assert kinds == ["Conv2D", "MaxPooling2D", "Conv2D", "MaxPooling2D", "Flatten", "Dense", "Dropout", "Dense"]
    places, flat = 46 * 46 * 9 * 32 + 21 * 21 * 9 * 32 * 64, 10 * 10 * 64
    assert multiply_adds(network) == 2 * (places + flat * 128 + 128 * 7)
    assert network.count_params() == (9 * 32 + 32) + (9 * 32 * 64 + 64) + (flat * 128 + 128) + (128 * 7 + 7)


@pytest.mark.parametrize("name", FIXED_SIZE)
def test_dense_layers_need_one_input_size(name):
    with pytest.raises(ConfigError, match=f"{name} ends in dense layers"):
        build_network(name, (None, None, 1), HEADS)


def test_options_change_a_design_and_unknown_ones_are_refused():
    slim = build_network("vgg_cnn", (16, 16, 3), {"fer": 7}, widths=(4, 8), convolutions=1, dense=(8,))
    assert slim.input_shape == (None, 16, 16, 3)
    with pytest.raises(ConfigError, match="'lite_cnn' does not take"):
        build_network("lite_cnn", (48, 48, 1), HEADS, widths=(4, 8))
    with pytest.raises(ConfigError, match="no architecture 'light_cnn'"):
        build_network("light_cnn", (48, 48, 1), HEADS)
