import math

import pytest

from emoscope.training.config.schema import load_config
from emoscope.training.loop.schedule import best_epoch, learning_rate, should_stop


def rows(losses, accuracies=None):
    accuracies = accuracies or [1 - loss for loss in losses]
    return [{"val_loss": loss, "val_accuracy": a} for loss, a in zip(losses, accuracies, strict=True)]


def test_cosine_rises_then_falls_to_its_end():
    config = load_config(None, {"epochs": 11, "warmup_epochs": 1, "learning_rate": 0.2, "final_learning_rate": 0.1})
    assert learning_rate(config, 0.5, []) == pytest.approx(0.1)
    assert learning_rate(config, 1, []) == pytest.approx(0.2)
    middle = 0.2 * (0.1 + 0.9 * (1 + math.cos(math.pi / 2)) / 2)
    assert learning_rate(config, 6, []) == pytest.approx(middle)
    assert learning_rate(config, 11, []) == pytest.approx(0.02)


def test_cosine_restarts_lower_and_falls_again():
    config = load_config(None, {"epochs": 14, "warmup_epochs": 0, "restart_epoch": 10, "restart_scale": 0.5})
    once = load_config(None, {"epochs": 10, "warmup_epochs": 0})
    assert [learning_rate(config, e, []) for e in range(10)] == [learning_rate(once, e, []) for e in range(10)]
    assert learning_rate(config, 10, []) == pytest.approx(0.05)
    assert learning_rate(config, 12, []) == pytest.approx(0.025)
    assert learning_rate(config, 14, []) == pytest.approx(0)


def test_plateau_halves_after_patience_without_a_better_loss():
    config = load_config(None, {"schedule": "plateau", "plateau_patience": 2, "warmup_epochs": 0, "learning_rate": 1.0})
    assert learning_rate(config, 3, rows([0.9, 0.8, 0.7])) == 1.0
    assert learning_rate(config, 4, rows([0.9, 0.8, 0.8, 0.85])) == 0.5
    assert learning_rate(config, 6, rows([0.9, 0.8, 0.8, 0.85, 0.8, 0.8])) == 0.25


def test_best_epoch_follows_the_monitor_and_ignores_low_resolution():
    accuracy = load_config(None, {"epochs": 4, "resolutions": [[0.5, 24]]})
    assert best_epoch(accuracy, rows([0.1, 0.5, 0.4, 0.3], [0.9, 0.5, 0.6, 0.55])) == 2
    loss = load_config(None, {"epochs": 4, "monitor": "val_loss"})
    assert best_epoch(loss, rows([0.5, 0.2, 0.4, 0.3], [0.9, 0.5, 0.6, 0.55])) == 1


def test_early_stopping_waits_its_patience():
    config = load_config(None, {"patience": 2, "epochs": 10})
    assert not should_stop(config, rows([0.5, 0.4, 0.45]))
    assert should_stop(config, rows([0.5, 0.4, 0.45, 0.46]))
    assert not should_stop(load_config(None, {"epochs": 10}), rows([0.5, 0.4, 0.45, 0.46]))
