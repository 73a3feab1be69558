"""Order, draws and weights of the images that an epoch shows."""

import numpy as np
import pytest

from emoscope.training.config.schema import TrainConfig
from emoscope.training.inputs.batches import batches, epoch_order
from emoscope.training.inputs.samples import Samples, _weigh_classes

COUNT = 90


@pytest.fixture
def samples():
    labels = np.repeat([0, 1, 2], [60, 24, 6])
    images = np.arange(COUNT, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 1), np.uint8)
    weights = {"fer": np.ones(COUNT, np.float32)}
    targets = {"fer": np.eye(3, dtype=np.float32)[labels]}
    return Samples(images, np.arange(COUNT, dtype=np.uint64), targets, weights, weights)


def shown(config, samples, epoch):
    order, _ = epoch_order(config, samples, epoch)
    return [batch.images[:, 0, 0, 0].astype(int).tolist() for batch in batches(config, samples, order, epoch)]


def test_an_epoch_shows_every_image_once_in_an_order_of_its_own(samples):
    config = TrainConfig(batch_size=30)
    first, again, next_epoch = (np.concatenate(shown(config, samples, epoch)).tolist() for epoch in (0, 0, 1))
    assert sorted(first) == list(range(COUNT))
    assert first == again != next_epoch


def test_what_does_not_fill_a_batch_is_left_out_and_fewer_images_are_one_batch(samples):
    assert [len(part) for part in shown(TrainConfig(batch_size=40), samples, 0)] == [40, 40]
    assert [len(part) for part in shown(TrainConfig(batch_size=500), samples, 0)] == [90]


def test_weighted_sampling_evens_out_the_classes(samples):
    config = TrainConfig(weighted_sampling=1, batch_size=30)
    drawn = np.concatenate([epoch_order(config, samples, epoch)[0] for epoch in range(60)])
    shares = np.bincount(samples.labels("fer")[drawn]) / len(drawn)
    np.testing.assert_allclose(shares, 1 / 3, atol=0.03)
    order, probe = epoch_order(config, samples, 0)
    assert len(order) == COUNT
    assert probe.tolist() == list(range(COUNT)), "training accuracy is that of the images as they are"


def test_images_without_a_label_are_never_drawn(samples):
    samples.weights["fer"][:60] = 0
    order, _ = epoch_order(TrainConfig(weighted_sampling=0.5), samples, 0)
    assert order.min() >= 60


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_class_weights_count_in_the_loss_alone(samples, strength):
    weighed = _weigh_classes(samples, strength)
    counts = np.array([60, 24, 6])
    expected = counts**-strength / (counts * counts**-strength).sum() * COUNT
    np.testing.assert_allclose(weighed.loss_weights["fer"], expected[samples.labels("fer")], rtol=1e-5)
    assert (weighed.weights["fer"] == 1).all()
    config = TrainConfig(batch_size=COUNT)
    batch = next(batches(config, weighed, np.arange(COUNT), 0))
    np.testing.assert_array_equal(batch.weights["fer"], weighed.loss_weights["fer"])


def test_soft_targets_weigh_as_the_mean_of_their_classes(samples):
    samples.targets["fer"][0] = [0.6, 0.4, 0]
    weighed = _weigh_classes(samples, 1.0).loss_weights["fer"]
    assert weighed[0] == pytest.approx(0.6 * weighed[1] + 0.4 * weighed[70], rel=1e-5)


def test_a_teachers_probabilities_follow_the_labels(samples):
    samples.teacher["fer"] = np.random.default_rng(0).dirichlet(np.ones(3), COUNT).astype(np.float32)
    batch = next(batches(TrainConfig(batch_size=8), samples, np.arange(20, 40), 0))
    expected = np.concatenate([samples.targets["fer"][20:28], samples.teacher["fer"][20:28]], axis=1)
    np.testing.assert_array_equal(batch.targets["fer"], expected)
