"""The face trunk: its weights give what the folded network gave, and statistics change nothing of it."""

import json

import keras
import numpy as np
import pytest

from emoscope.model.errors import ConfigError
from emoscope.model.networks.architectures import build_network, multiply_adds
from emoscope.model.networks.architectures.faceres import faceres, measure_statistics, read_weights
from emoscope.model.networks.architectures.pretrained import begin_on_faces, freeze_backbone

SIDE = 32
RNG = np.random.default_rng(0)


def arrays_of(trunk):
    """Random arrays under the names of the published file, and a scale where it has one."""
    arrays = {}
    for layer in trunk.layers:
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            arrays[f"{layer.name}/depthwise_kernel"] = RNG.normal(0, 0.3, layer.kernel.shape)
            arrays[f"{layer.name}_bn/batchnorm_1/mul"] = RNG.uniform(0.5, 1.5, layer.kernel.shape[2])
        elif isinstance(layer, keras.layers.Conv2D):
            scale = np.sqrt(2 / np.prod(layer.kernel.shape[:3]))
            arrays[f"{layer.name}/convolution/merged_input"] = RNG.normal(0, scale, layer.kernel.shape)
        if layer.name.endswith("_norm"):
            name = layer.name.removesuffix("_norm")
            arrays[f"{name}_bn/batchnorm_1/sub"] = RNG.normal(0, 0.2, layer.gamma.shape)
    return {name: values.astype(np.float32) for name, values in arrays.items()}


@pytest.fixture(scope="module")
def arrays():
    return arrays_of(faceres((SIDE, SIDE, 3)))


@pytest.fixture
def file(arrays, tmp_path):
    weights = [{"name": name, "shape": list(values.shape), "dtype": "float32"} for name, values in arrays.items()]
    (tmp_path / "faces.json").write_text(
        json.dumps({"weightsManifest": [{"paths": ["faces.bin"], "weights": weights}]})
    )
    (tmp_path / "faces.bin").write_bytes(b"".join(values.tobytes() for values in arrays.values()))
    return tmp_path / "faces.json"


def computed_plainly(arrays, images):
    """The network as the file has it: convolution, bias, ReLU6, without batch normalization."""
    x = keras.ops.convert_to_tensor(images)
    for layer in faceres((SIDE, SIDE, 3)).layers:
        if not isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D):
            continue
        name, strides = layer.name, layer.strides[0]
        if name.startswith("conv_dw"):
            x = keras.ops.depthwise_conv(x, arrays[f"{name}/depthwise_kernel"], strides, "same")
            x = x * arrays[f"{name}_bn/batchnorm_1/mul"]
        else:
            x = keras.ops.conv(x, arrays[f"{name}/convolution/merged_input"], strides, "same")
        x = keras.ops.clip(x + arrays[f"{name}_bn/batchnorm_1/sub"], 0, 6)
    return keras.ops.convert_to_numpy(x)


def test_it_computes_what_the_file_holds_before_and_after_its_statistics_are_measured(arrays, file):
    images = RNG.normal(0, 1, (6, SIDE, SIDE, 3)).astype(np.float32)
    expected = computed_plainly(arrays, images)
    assert expected.shape == (6, 1, 1, 1024) and 0.05 < (expected > 0).mean() < 0.95
    trunk = faceres((SIDE, SIDE, 3), read_weights(file))
    # A batch normalization that only adds still divides by the square root of 1 plus epsilon, and multiplies by it.
    np.testing.assert_allclose(trunk.predict(images, verbose=0), expected, atol=1e-3)
    measure_statistics(trunk, images)
    np.testing.assert_allclose(trunk.predict(images, verbose=0), expected, atol=1e-3)
    trained = keras.ops.convert_to_numpy(trunk(images, training=True))
    np.testing.assert_allclose(trained, expected, atol=2e-2, err_msg="of the same images, the batch's own fit as well")


def test_it_is_mobilenet(arrays):
    """Table 8 of the paper: 569 million multiply-adds and 4.2 million weights at 224 pixels, the dense top included."""
    trunk = faceres((224, 224, 3))
    assert multiply_adds(trunk) / 2 + 1024 * 1000 == pytest.approx(569e6, rel=0.005)
    assert sum(values.size for values in arrays.values()) + 1024 * 1000 == pytest.approx(4.2e6, rel=0.02)


def test_a_network_on_it_takes_faces_as_they_are_and_begins_on_them(file):
    faces = RNG.integers(0, 256, (8, 48, 48, 1)).astype(np.uint8)
    built = build_network("backbone", (48, 48, 1), {"fer": 7}, backbone="faceres", weights=str(file), side=SIDE)
    before = built.predict(faces.astype(np.float32), verbose=0)["fer"]
    begin_on_faces(built, faces)
    np.testing.assert_allclose(built.predict(faces.astype(np.float32), verbose=0)["fer"], before, atol=1e-2)
    moving = built.get_layer("backbone").get_layer("conv1_norm").moving_mean
    assert np.abs(keras.ops.convert_to_numpy(moving)).max() > 1, "it was measured"
    other = build_network("residual", (48, 48, 1), {"fer": 7})
    begin_on_faces(other, faces)  # nothing to do


def test_its_first_convolutions_stay_as_they_are(file):
    built = build_network(
        "backbone", (48, 48, 1), {"fer": 7}, backbone="faceres", weights=str(file), side=SIDE, frozen=5
    )
    inner = built.get_layer("backbone")
    trained = {layer.name for layer in inner.layers if layer.trainable_weights}
    assert not trained & {"conv1", "conv_dw_1", "conv_pw_1", "conv_dw_2", "conv_pw_2", "conv_pw_2_norm"}
    assert {"conv_dw_3", "conv_dw_3_norm", "conv_pw_13"} <= trained
    freeze_backbone(built, True, 5)
    assert len(built.trainable_variables) == 2
    freeze_backbone(built, False, 5)
    assert {layer.name for layer in inner.layers if layer.trainable_weights} == trained


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda file: file.write_text("{"), "cannot be read"),
        (lambda file: file.write_text("{}"), "cannot be read"),
        (lambda file: (file.parent / "faces.bin").unlink(), "cannot be read"),
        (lambda file: (file.parent / "faces.bin").write_bytes(bytes(4000)), "cannot be read"),
        (lambda file: file.write_text(file.read_text().replace("conv_pw_13", "conv_pw_99")), "no weights of faceres"),
        (lambda file: file.unlink(), "There is no file"),
    ],
)
def test_a_broken_file_is_one_sentence(file, spoil, words):
    spoil(file)
    with pytest.raises(ConfigError, match=words):
        build_network("backbone", (48, 48, 1), {"fer": 7}, backbone="faceres", weights=str(file), side=SIDE)


def test_there_are_no_imagenet_weights_of_it():
    with pytest.raises(ConfigError, match="no ImageNet weights"):
        build_network("backbone", (48, 48, 1), {"fer": 7}, backbone="faceres", side=SIDE)
