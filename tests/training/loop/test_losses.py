"""Losses against sums written out by hand."""

import keras
import numpy as np
import pytest

from emoscope.model.errors import ConfigError
from emoscope.training.config.schema import TrainConfig, load_config
from emoscope.training.loop.losses import head_loss, sample_losses

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(0, 3, (6, 3)).astype(np.float32)
TARGETS = RANDOM.dirichlet(np.ones(3), 6).astype(np.float32)  # soft, as votes or mixing give them
TARGETS[:2] = [[1, 0, 0], [0, 0, 1]]


def by_hand(gamma=0.0, alpha=(1.0, 1.0, 1.0), smoothing=0.0):
    losses = []
    for targets, logits in zip(TARGETS.astype(float), LOGITS.astype(float), strict=True):
        total = 0.0
        for target, logit, factor in zip(targets, logits, alpha, strict=True):
            probability = np.exp(logit) / sum(np.exp(other) for other in logits)
            smoothed = target * (1 - smoothing) + smoothing / 3
            total -= factor * smoothed * (1 - probability) ** gamma * np.log(probability)
        losses.append(total)
    return np.array(losses)


def trained_loss(config):
    loss = head_loss(config, "fer", 3)
    return np.array([float(loss(TARGETS[i : i + 1], LOGITS[i : i + 1])) for i in range(len(LOGITS))])


CASES = [
    ({}, {}),
    ({"label_smoothing": 0.1}, {"smoothing": 0.1}),
    ({"loss": "focal", "focal_alpha": 1}, {"gamma": 2.0}),
    ({"loss": "focal", "focal_gamma": 0, "focal_alpha": 0.25}, {"alpha": (0.25,) * 3}),
    ({"loss": "focal", "focal_gamma": 0.5, "focal_alpha": [1, 2, 0.5]}, {"gamma": 0.5, "alpha": (1, 2, 0.5)}),
    ({"loss": "focal", "label_smoothing": 0.2}, {"gamma": 2.0, "alpha": (0.25,) * 3, "smoothing": 0.2}),
]


@pytest.mark.parametrize(("values", "expected"), CASES)
def test_the_training_loss_is_the_formula(values, expected):
    np.testing.assert_allclose(trained_loss(load_config(None, values)), by_hand(**expected), rtol=1e-4)


@pytest.mark.parametrize(("values", "expected"), CASES)
def test_the_validation_loss_is_the_same_without_smoothing(values, expected):
    unsmoothed = by_hand(**{**expected, "smoothing": 0.0})
    np.testing.assert_allclose(sample_losses(load_config(None, values), TARGETS, LOGITS), unsmoothed, rtol=1e-4)


def test_the_focal_loss_is_the_one_of_keras():
    keras_loss = keras.losses.CategoricalFocalCrossentropy(alpha=0.25, gamma=2.0, from_logits=True, reduction="none")
    expected = keras.ops.convert_to_numpy(keras_loss(TARGETS, LOGITS))
    np.testing.assert_allclose(trained_loss(TrainConfig(loss="focal")), expected, rtol=1e-3)


def test_a_certain_answer_has_no_infinite_slope():
    loss = head_loss(TrainConfig(loss="focal", focal_gamma=0.5), "fer", 2)
    value = float(loss(np.array([[0.5, 0.5]], np.float32), np.array([[90.0, 0.0]], np.float32)))
    assert np.isfinite(value)


def test_votes_are_not_smoothed():
    config = TrainConfig(label_smoothing=0.3)
    assert float(head_loss(config, "ferplus", 3)(TARGETS, LOGITS)) == pytest.approx(by_hand().mean(), rel=1e-5)


@pytest.mark.parametrize(("weight", "temperature"), [(0.3, 1.0), (0.7, 4.0)])
def test_distillation_is_both_losses_in_their_shares(weight, temperature):
    teacher = RANDOM.dirichlet(np.ones(3), 6).astype(np.float32)
    teacher[0] = [1, 0, 0]
    config = TrainConfig(teacher_weight=weight, teacher_temperature=temperature, label_smoothing=0.1)
    loss = head_loss(config, "fer", 3, taught=True)
    found = keras.ops.convert_to_numpy(loss.call(np.concatenate([TARGETS, teacher], axis=1), LOGITS))
    for i, labels_loss in enumerate(by_hand(smoothing=0.1)):
        powers = np.exp(LOGITS[i].astype(float) / temperature)
        divergence = sum(t * np.log(t / p) for t, p in zip(teacher[i], powers / powers.sum(), strict=True) if t)
        expected = (1 - weight) * labels_loss + weight * temperature**2 * divergence
        assert found[i] == pytest.approx(expected, rel=1e-4)


def test_an_online_teacher_has_its_share_in_what_teachers_say():
    before, online = RANDOM.dirichlet(np.ones(3), (2, 6)).astype(np.float32)
    mixed = head_loss(TrainConfig(), "fer", 3, taught=True)
    found = head_loss(TrainConfig(teacher=("one",), teacher_views=0.25), "fer", 3, taught=True, online=True)
    expected = mixed.call(np.concatenate([TARGETS, 0.75 * before + 0.25 * online], axis=1), LOGITS)
    answers = np.concatenate([LOGITS, online], axis=1)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(found.call(np.concatenate([TARGETS, before], axis=1), answers)),
        keras.ops.convert_to_numpy(expected),
        rtol=1e-5,
    )


def test_factors_for_other_classes_are_refused():
    with pytest.raises(ConfigError, match="focal_alpha holds 2 numbers, and fer has 7 classes"):
        head_loss(TrainConfig(loss="focal", focal_alpha=(1.0, 2.0)), "fer", 7)
