"""Weights held symmetric: an image and its mirror image get the same answer, whatever was learned."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from model.architectures import build_network
from model.artifacts import load_run
from model.errors import ConfigError
from tests.training.test_train import SMALL, Killed, small_teacher, toy, toy_split, train
from training.config import load_config
from training.devices import forward
from training.weights import open_network

SYMMETRIC = SMALL | {"options": {**SMALL["options"], "stride_kernel": 4}, "mirror_symmetric": True}


def upright():
    """Bright upper halves and bright lower ones: a mirror changes neither."""
    dataset = toy()
    splits = {
        name: replace(split, images=np.ascontiguousarray(split.images.transpose(0, 2, 1, 3)))
        for name, split in dataset.splits.items()
    }
    return replace(dataset, splits=splits)


def answers(network, images):
    return forward(network, images.astype(np.float32) / 255 - 0.5)["fer"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return train(load_config(None, SYMMETRIC), upright(), tmp_path_factory.mktemp("symmetric") / "state.npz")


def test_it_learns_and_answers_mirror_images_alike(trained):
    assert trained.history[-1]["val_accuracy"] > 0.9
    images = toy_split(50, 9).images  # whose halves differ as much as can be
    plain, mirrored = answers(trained.network, images), answers(trained.network, images[:, :, ::-1])
    np.testing.assert_allclose(plain, mirrored, atol=1e-4)
    assert np.ptp(plain) > 0.01, "not one answer to everything"


def test_without_it_mirror_images_get_other_answers(tmp_path):
    config = load_config(None, SYMMETRIC | {"mirror_symmetric": False, "epochs": 1})
    network = train(config, upright(), tmp_path / "state.npz").network
    images = toy_split(50, 9).images
    assert np.abs(answers(network, images) - answers(network, images[:, :, ::-1])).max() > 0.01


def test_the_saved_network_is_as_symmetric_and_needs_nothing_of_ours(trained, tmp_path):
    trained.network.save(tmp_path / "network.keras")
    opened = keras.saving.load_model(tmp_path / "network.keras", compile=False, safe_mode=True)
    images = toy_split(20, 9).images
    np.testing.assert_allclose(answers(opened, images), answers(trained.network, images[:, :, ::-1]), atol=1e-4)


def test_a_killed_training_goes_on_symmetric(trained, tmp_path, monkeypatch):
    from training import train as module

    whole = module.Session.fit_epoch

    def killed(session, samples, epoch, *args, **kwargs):
        if epoch == 2:
            raise Killed
        return whole(session, samples, epoch, *args, **kwargs)

    config, state = load_config(None, SYMMETRIC), tmp_path / "state.npz"
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(module.Session, "fit_epoch", killed)
        train(config, upright(), state)
    resumed = train(config, upright(), state)
    for weight, expected in zip(resumed.network.get_weights(), trained.network.get_weights(), strict=True):
        np.testing.assert_allclose(weight, expected, atol=1e-5)


@pytest.mark.parametrize(
    "change",
    [
        {"options": SMALL["options"]},  # kernels of three places that halve see one side earlier
        {"options": {**SYMMETRIC["options"], "widths": [5, 8]}},
        {"resolutions": [[0.5, 10]]},
        {"architecture": "lite_cnn", "options": {}, "input_size": 48},
    ],
)
def test_what_cannot_be_symmetric_is_refused(change):
    from training.train import Session

    with pytest.raises(ConfigError, match="cannot be held symmetric"):
        Session(load_config(None, SYMMETRIC | change), {"fer": ("upper", "lower")})


def test_16_bits_do_not_hide_the_symmetry(tmp_path):
    config = load_config(None, SYMMETRIC | {"precision": "bfloat16", "epochs": 1})
    network = train(config, upright(), tmp_path / "state.npz").network
    images = toy_split(50, 9).images
    np.testing.assert_allclose(answers(network, images), answers(network, images[:, :, ::-1]), atol=1e-4)


def test_a_training_begins_with_a_symmetric_run_and_refuses_another(tmp_path):
    from training.train import Session

    data, classes = upright(), {"fer": ("left", "right")}
    run = small_teacher(data, tmp_path, **SYMMETRIC | {"epochs": 1})
    session = Session(load_config(None, SYMMETRIC | {"initial": [str(run)]}), classes)
    for found, wanted in zip(
        session.network.get_weights(), open_network(load_run(str(run))).get_weights(), strict=True
    ):
        np.testing.assert_allclose(found, wanted, atol=1e-6)
    other = small_teacher(data, tmp_path / "other", **SYMMETRIC | {"epochs": 1, "mirror_symmetric": False})
    with pytest.raises(ConfigError, match="not symmetric"):
        Session(load_config(None, SYMMETRIC | {"initial": [str(other)]}), classes)


def test_weights_that_are_not_symmetric_are_not_spoiled():
    from training.mirror import check_initial, hold_symmetric, symmetric

    network = build_network("residual", (16, 16, 1), {"fer": 2}, **SYMMETRIC["options"])
    learned = network.get_weights()
    symmetries = hold_symmetric(network)
    with pytest.raises(ConfigError, match="not symmetric"):
        check_initial(learned, symmetries)
    held = network.get_weights()
    check_initial(held, symmetries)
    for weight, expected in zip(symmetric(held, symmetries), held, strict=True):
        np.testing.assert_allclose(weight, expected, atol=1e-6)
