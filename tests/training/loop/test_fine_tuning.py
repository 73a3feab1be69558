"""Two phases: the pretrained weights stay, then they move; and a kill at any epoch changes nothing of it."""

import numpy as np
import pytest

from emoscope.model.errors import ConfigError
from emoscope.training.config.schema import load_config
from emoscope.training.loop.checkpoint import Checkpoint
from emoscope.training.loop.schedule import learning_rate
from tests.training.loop.test_train import Killed, toy, train

FINE_TUNING = {
    "architecture": "backbone",
    "options": {"backbone": "mobilenetv2", "weights": "none", "side": 32},
    "normalization": {"kind": "rescale", "scale": 1},
    "input_size": 16,
    "epochs": 4,
    "freeze_epochs": 2,
    "fine_tune_scale": 0.5,
    "schedule": "constant",
    "warmup_epochs": 0,
    "batch_size": 16,
    "optimizer": "adam",
    "learning_rate": 0.002,
}
SIZES = {"train": 48, "validation": 16}


@pytest.fixture(scope="module", autouse=True)
def small_backbone():
    """Put three layers in the place of a hundred."""
    import keras

    def build(name, shape, weights):
        layers = [keras.layers.Conv2D(8, 3, 4), keras.layers.BatchNormalization(), keras.layers.ReLU()]
        return keras.Sequential([keras.Input(shape), *layers, keras.layers.Dropout(0.1)], name="backbone")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("emoscope.model.networks.architectures.pretrained._pretrained", build)
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A training of four epochs, its last state, and the weights after each epoch."""
    from emoscope.training.loop import train as module

    weights = []
    save = Checkpoint.save
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoint, "save", lambda self, file: (weights.append(self.weights), save(self, file)))
        trained = module.train(load_config(None, FINE_TUNING), toy(**SIZES), tmp_path_factory.mktemp("x") / "s.npz")
    return trained, weights


def backbone_moved(before, after) -> float:
    """Return how far kernels moved, but for those of the head, which are last."""
    return max(float(np.abs(a - b).max()) for a, b in zip(before[:-2], after[:-2], strict=True) if a.ndim == 4)


@pytest.mark.slow
def test_the_backbone_stays_and_then_moves(whole):
    _, weights = whole
    assert backbone_moved(weights[0], weights[1]) == 0
    assert backbone_moved(weights[1], weights[2]) > 0
    assert np.abs(weights[0][-2] - weights[1][-2]).max() > 0, "the head learns in the first phase"


@pytest.mark.slow
def test_the_rate_falls_with_the_second_phase(whole):
    assert [row["learning_rate"] for row in whole[0].history] == [0.002, 0.002, 0.001, 0.001]


@pytest.mark.slow
@pytest.mark.parametrize("epoch", [2, 3])
def test_a_training_killed_around_the_change_goes_on_to_the_same_result(whole, tmp_path, monkeypatch, epoch):
    from emoscope.training.loop import train as module

    state = tmp_path / "state.npz"
    fit = module.Session.fit_epoch

    def interrupted(self, samples, number, *rest):
        if number == epoch:
            raise Killed
        return fit(self, samples, number, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(module.Session, "fit_epoch", interrupted)
        with pytest.raises(Killed):
            train(load_config(None, FINE_TUNING), toy(**SIZES), state)
    resumed = train(load_config(None, FINE_TUNING), toy(**SIZES), state)
    expected = whole[0].history
    for column in ("loss", "val_loss"):
        np.testing.assert_allclose(
            [row[column] for row in resumed.history], [row[column] for row in expected], rtol=1e-4
        )


def test_phases_are_part_of_the_schedule():
    config = load_config(None, {"freeze_epochs": 3, "fine_tune_scale": 0.1, "schedule": "constant", "epochs": 9})
    assert learning_rate(config, 2.9, []) == pytest.approx(10 * learning_rate(config, 3.0, []))


def test_a_backbone_takes_pixels_as_they_are():
    with pytest.raises(ConfigError, match=r"takes pixels as they are.*scale: 1"):
        load_config(None, {"architecture": "backbone"})


def test_freezing_a_network_without_a_backbone_is_refused(tmp_path):
    config = load_config(None, {"freeze_epochs": 1, "input_size": 16, "epochs": 2})
    with pytest.raises(ConfigError, match="needs a pretrained backbone"):
        train(config, toy(**SIZES), tmp_path / "s.npz")


def test_the_transfer_configuration_is_valid():
    config = load_config("transfer")
    assert (config.architecture, config.freeze_epochs) == ("backbone", 5)
