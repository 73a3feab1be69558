"""Pretrained networks: what they are given, what their heads give, and a sentence where weights cannot be had."""

import keras
import numpy as np
import pytest

from emoscope.model.errors import ConfigError
from emoscope.model.networks.architectures import build_network, deploy, multiply_adds
from emoscope.model.networks.architectures import pretrained as module
from emoscope.model.networks.architectures.pretrained import BACKBONES, freeze_backbone

HEADS = {"fer": 7}
SMALL = {"backbone": "mobilenetv2", "weights": "none"}


@pytest.fixture(scope="module")
def network():
    return build_network("backbone", (48, 48, 1), HEADS, side=64, **SMALL)


def test_it_gives_logits_that_are_the_mean_of_their_map(network):
    faces = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 1)).astype(np.float32)
    logits = keras.ops.convert_to_numpy(network(faces)["fer"])
    found = deploy(network, "fer")(faces)
    activation_map = keras.ops.convert_to_numpy(found["activation_map"])
    assert activation_map.shape == (2, 2, 2, 7), "64 pixels, halved five times"
    np.testing.assert_allclose(activation_map.mean((1, 2)), logits, atol=1e-5)


def test_operations_of_the_network_within_are_counted(network):
    inner = network.get_layer("backbone")
    head = 2 * 2 * 2 * 1280 * 7
    counted = multiply_adds(network)
    assert counted == multiply_adds(inner) + head
    # The paper counts 300 million multiply-adds at 224 pixels, 1.28 million of them in the dense top.
    assert (counted - head) / 2 * (224 / 64) ** 2 == pytest.approx(300e6 - 1.28e6, rel=0.02)


@pytest.mark.parametrize("name", sorted(BACKBONES.keys() - {"faceres"}))
@pytest.mark.parametrize("channels", [1, 3])
def test_each_backbone_is_given_what_it_was_trained_on(name, channels, monkeypatch):
    """The layers before the backbone do what the function does that ``keras.applications`` has for it."""
    size = (32, 32, 3)
    plain = keras.Sequential([keras.Input(size), keras.layers.Identity()])
    monkeypatch.setattr(module, "_pretrained", lambda name, shape, weights: plain)
    built = build_network("backbone", (32, 32, channels), HEADS, backbone=name, weights="none", dropout=0)
    before = keras.Model(built.input, built.get_layer(plain.name).output)
    pixels = np.random.default_rng(0).integers(0, 256, (1, 32, 32, channels)).astype(np.float32)
    families = {"resnet50": "resnet", "densenet121": "densenet", "mobilenetv2": "mobilenet_v2"}
    families |= {"efficientnetb0": "efficientnet", "efficientnetv2b0": "efficientnet_v2"}
    family = getattr(keras.applications, families.get(name, name))
    expected = family.preprocess_input(np.broadcast_to(pixels, (1, *size)).copy())
    np.testing.assert_allclose(keras.ops.convert_to_numpy(before(pixels)), expected, atol=1e-3)


def test_freezing_keeps_the_pretrained_weights_only(network):
    freeze_backbone(network, True)
    assert [tuple(v.shape) for v in network.trainable_variables] == [(1, 1, 1280, 7), (7,)]
    freeze_backbone(network, False)
    assert len(network.trainable_variables) > 100
    with pytest.raises(ConfigError, match="'residual' has none"):
        freeze_backbone(build_network("residual", (48, 48, 1), HEADS), True)


@pytest.mark.parametrize("name", ["inner.weights.h5", "inner.h5"])
def test_weights_come_from_a_file(network, tmp_path, name):
    inner = network.get_layer("backbone")
    (inner.save_weights if ".weights." in name else inner.save)(tmp_path / name)
    built = build_network("backbone", (48, 48, 1), HEADS, backbone="mobilenetv2", weights=str(tmp_path / name), side=64)
    for found, expected in zip(built.get_layer("backbone").get_weights(), inner.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_download_that_fails_is_one_sentence(monkeypatch, tmp_path):
    # Keras looks its home up when it downloads, and no such host can be reached.
    monkeypatch.setattr(
        "keras.src.applications.mobilenet_v2.BASE_WEIGHT_PATH", "https://weights.invalid/keras-applications/"
    )
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(tmp_path))
    with pytest.raises(
        ConfigError, match=r"ImageNet weights of mobilenetv2 could not be loaded.*Connect to the network"
    ):
        build_network("backbone", (48, 48, 1), HEADS, backbone="mobilenetv2")


def test_files_that_hold_no_such_weights_are_refused(tmp_path):
    (tmp_path / "notes.h5").write_bytes(b"no weights")
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save(tmp_path / "other.h5")
    for name, reason in {
        "absent.h5": "no file",
        "notes.h5": "holds no weights",
        "other.h5": "holds no weights",
    }.items():
        with pytest.raises(ConfigError, match=reason):
            build_network("backbone", (48, 48, 1), HEADS, backbone="mobilenetv2", weights=str(tmp_path / name))


def test_unknown_backbones_and_small_images_are_refused():
    with pytest.raises(ConfigError, match="no backbone 'vgg'"):
        build_network("backbone", (48, 48, 1), HEADS, backbone="vgg", weights="none")
    with pytest.raises(ConfigError, match=r"at least 32x32.*options\.side"):
        build_network("backbone", (16, 16, 1), HEADS, **SMALL)
