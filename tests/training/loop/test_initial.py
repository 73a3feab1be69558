"""A training starts from the weights of saved runs, a run for each head."""

from dataclasses import replace

import numpy as np
import pytest

from emoscope.model.dataset import FERPLUS_CLASSES
from emoscope.model.errors import ConfigError, RunError
from emoscope.model.networks.architectures import build_network, deploy
from emoscope.model.runs.run import KERAS_FILE, RunInfo, load_run, write_run_info
from emoscope.training.loop.initial import start_from
from tests.factories import FER7

pytestmark = pytest.mark.slow

CLASSES = {"fer": FER7, "ferplus": FERPLUS_CLASSES}
HEADS = {head: len(names) for head, names in CLASSES.items()}
SMALL = {"stem": (4, 4), "widths": (4, 4), "blocks": (1, 1)}


def make(seed, size=(48, 48), **options):
    import keras

    keras.utils.set_random_seed(seed)
    return build_network("residual", (*size, 1), HEADS, **SMALL | options)


def save(network, root, head, key, class_names=None, config=None):
    folder = root / key
    folder.mkdir()
    deploy(network, head).save(folder / KERAS_FILE)
    info = RunInfo(
        key, "residual", class_names=class_names or CLASSES[head], input_size=(48, 48), channels=1, config=config or {}
    )
    write_run_info(folder, info)
    return str(folder)


def differs(one, other):
    return [np.abs(a - b).max() > 1e-6 for a, b in zip(one.get_weights(), other.get_weights(), strict=True)]


def test_each_run_gives_its_trunk_and_its_head(tmp_path):
    old, new = make(1), make(2, size=(None, None))
    runs = [save(old, tmp_path, head, head) for head in HEADS]
    assert any(differs(old, new))
    start_from(tuple(runs), new, CLASSES)
    assert not any(differs(old, new))


def test_a_head_without_a_run_starts_at_random(tmp_path):
    old, new = make(1), make(2)
    start_from((save(old, tmp_path, "fer", "one"),), new, CLASSES)
    kept = {weight.path for weight, changed in zip(new.weights, differs(old, new), strict=True) if changed}
    assert kept == {weight.path for weight in new.get_layer("ferplus_map").weights if "kernel" in weight.path}


def test_a_deeper_network_begins_with_the_runs_answers(tmp_path):
    old, new = make(1), make(2, size=(None, None), blocks=(2, 3))
    config = {"options": {name: list(values) for name, values in SMALL.items()}}
    runs = [save(old, tmp_path, head, head, config=config) for head in HEADS]
    assert len(new.weights) > len(old.weights)
    faces = np.random.default_rng(0).normal(0, 1, (3, 48, 48, 1)).astype(np.float32)
    assert np.abs(new(faces)["fer"] - old(faces)["fer"]).max() > 0.01
    start_from(tuple(runs), new, CLASSES)
    for head in HEADS:
        np.testing.assert_allclose(new(faces)[head], old(faces)[head], atol=1e-5)


@pytest.mark.parametrize("options", [{"widths": (4, 8)}, {"blocks": (1,), "widths": (4,)}, {"squeeze": 0}])
def test_another_design_is_refused(tmp_path, options):
    run = save(make(1), tmp_path, "fer", "one")
    with pytest.raises(ConfigError, match="one is of another design"):
        start_from((run,), make(2, **options), CLASSES)


def test_classes_of_another_order_are_refused(tmp_path):
    run = save(make(1), tmp_path, "fer", "one", class_names=FER7[::-1])
    with pytest.raises(ConfigError, match="one has the classes of fer in another order"):
        start_from((run,), make(2), CLASSES)


def test_a_run_without_its_network_is_named(tmp_path):
    run = save(make(1), tmp_path, "fer", "one")
    (load_run(run).path / KERAS_FILE).unlink()
    with pytest.raises(RunError, match="one"):
        start_from((run,), make(2), CLASSES)


def test_a_training_begins_with_the_runs_weights(tmp_path):
    """One epoch at a rate of nearly nothing leaves the weights where the run had them."""
    from emoscope.training.config.schema import load_config
    from emoscope.training.loop.train import train
    from tests.training.made_up import make_dataset

    old = make(1)
    run = save(old, tmp_path, "fer", "one")
    values = {"architecture": "residual", "options": {**SMALL, "dropout": 0}, "initial": [run], "epochs": 1}
    config = load_config(None, values | {"learning_rate": 1e-9, "momentum": 0})
    made_up = make_dataset()
    every = {name: replace(split, labels=np.arange(len(split)) % 7) for name, split in made_up.splits.items()}
    trained = train(config, replace(made_up, splits=every), tmp_path / "state.npz")
    both = [deploy(network, "fer").layers for network in (trained.network, old)]
    both = [[layer for layer in layers if layer.weights and "norm" not in layer.name] for layers in both]
    kept = list(zip(*both, strict=True))
    assert len(kept) > 5
    for after, before in kept:
        for found, wanted in zip(after.get_weights(), before.get_weights(), strict=True):
            np.testing.assert_allclose(found, wanted, atol=1e-5)
