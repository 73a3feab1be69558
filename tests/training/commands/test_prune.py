"""The smallest weights become zero and stay zero, while the others are trained further into a run of their own."""

import zlib
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from emoscope.model.errors import ConfigError, RunError
from emoscope.model.networks.load import load_classifier
from emoscope.model.runs.exports import read_exports
from emoscope.model.runs.run import load_run
from emoscope.training.__main__ import main
from emoscope.training.config.schema import load_config
from tests.training.loop.test_train import Killed
from tests.training.made_up import make_dataset, make_run

CONFIG = {
    "name": "Toy",
    "architecture": "gap_cnn",
    "options": {"widths": [8, 8, 8], "dropout": 0},
    "optimizer": "adam",
    "epochs": 6,
    "learning_rate": 0.02,
    "batch_size": 8,
    "patience": 3,
    "schedule": "plateau",
}


@pytest.fixture(scope="module")
def data():
    made_up = make_dataset()
    splits = {name: replace(split, labels=split.labels - 3) for name, split in made_up.splits.items()}
    return replace(made_up, class_names=("happy", "sad"), splits=splits)


@pytest.fixture(scope="module")
def origin(tmp_path_factory, data):
    from emoscope.training.commands.train import keep
    from emoscope.training.loop.train import train

    folder = tmp_path_factory.mktemp("runs")
    config = load_config(None, CONFIG)
    (run,) = keep(train(config, data, folder / "state.npz"), config, data, folder / "toy")
    return run


@pytest.fixture(scope="module")
def pruned(origin, data):
    from emoscope.training.commands.prune import prune

    return prune(origin, data, 0.75, origin.path.with_name("toy-pruned-75"), epochs=2)


def kernels_of(run):
    import keras

    from emoscope.model.networks.architectures import kernels

    network = keras.saving.load_model(run.path / "model.keras", compile=False)
    return [keras.ops.convert_to_numpy(kernel) for _, kernel in kernels(network)]


@pytest.mark.slow
def test_the_smallest_weights_are_zero_and_the_others_moved(origin, pruned):
    before, after = kernels_of(origin), kernels_of(pruned)
    assert all((kernel != 0).all() for kernel in (after[0], after[-1])), "the first and the last kernel are kept whole"
    old, new = (np.concatenate([kernel.ravel() for kernel in found[1:-1]]) for found in (before, after))
    expected = np.sort(np.argsort(np.abs(old), kind="stable")[: round(0.75 * old.size)])
    np.testing.assert_array_equal(np.flatnonzero(new == 0), expected)
    assert (new[new != 0] != old[new != 0]).mean() > 0.9


@pytest.mark.slow
def test_the_pruned_network_is_a_run_beside_its_origin(origin, pruned, data):
    assert (pruned.key, pruned.info.origin, pruned.info.name) == ("toy-pruned-75", "toy", "Toy, 75 % pruned")
    assert pruned.info.config["sparsity"] == 0.75
    assert "kernel weights are 0; 2 epochs of fine-tuning" in pruned.info.note
    (form,) = read_exports(pruned)
    assert form.zipped_bytes < len(zlib.compress(origin.litert_file.read_bytes(), 9))
    assert form.original_milliseconds > 0, "timed beside the run that it came from"
    with closing(load_classifier(pruned)) as classifier:
        found = classifier.classify(data.splits["PrivateTest"].images).probabilities.argmax(1)
    assert (found == data.splits["PrivateTest"].labels).mean() == pruned.metrics["PrivateTest"]["accuracy"] > 0.9


@pytest.mark.slow
def test_a_pruning_that_was_stopped_goes_on_to_the_same_weights(origin, pruned, data, monkeypatch):
    from emoscope.training.commands.prune import prune
    from emoscope.training.loop import train as module

    fit_epoch, folder = module.Session.fit_epoch, origin.path.with_name("stopped")

    def interrupted(self, samples, epoch, *rest):
        if epoch:
            raise Killed
        return fit_epoch(self, samples, epoch, *rest)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(module.Session, "fit_epoch", interrupted)
        prune(origin, data, 0.75, folder, epochs=2)
    resumed = prune(origin, data, 0.75, folder, epochs=2)
    for weights, wanted in zip(kernels_of(resumed), kernels_of(pruned), strict=True):
        np.testing.assert_allclose(weights, wanted, rtol=1e-3, atol=1e-4)
        np.testing.assert_array_equal(weights == 0, wanted == 0)


@pytest.mark.slow
def test_fine_tuning_is_the_runs_own_training_but_short_and_gentle(origin):
    from emoscope.training.commands.prune import fine_tuning

    config = fine_tuning(origin, "Pruned", 2)
    assert (config.epochs, config.schedule, config.patience) == (2, "cosine", 0)
    assert config.learning_rate == pytest.approx(0.002)
    assert (config.optimizer, config.options, config.labels) == ("adam", CONFIG["options"], "fer")
    of_votes = replace(origin, info=replace(origin.info, label_source="ferplus-majority"))
    assert fine_tuning(of_votes, "Pruned", 2).labels == "ferplus"


@pytest.mark.parametrize("sparsity", ["0", "1", "1.5", "nan"])
def test_an_impossible_sparsity_is_one_sentence(origin, data, sparsity):
    from emoscope.training.commands.prune import prune

    with pytest.raises(ConfigError, match="must lie between 0 and 1"):
        prune(origin, data, float(sparsity), origin.path.with_name("never"))


def test_a_run_from_elsewhere_cannot_be_pruned(tmp_path, data):
    from emoscope.training.commands.prune import prune

    with pytest.raises(RunError, match="was not trained here"):
        prune(make_run(tmp_path), data, 0.5, tmp_path / "never")


def test_a_run_without_its_keras_network_cannot_be_pruned(tmp_path, capsys, folder_of_faces):
    run = make_run(tmp_path, config=CONFIG)
    assert main(["prune", str(run.path), "--data", str(folder_of_faces)]) == 2
    assert "holds no model.keras" in capsys.readouterr().err


@pytest.fixture
def folder_of_faces(tmp_path, data):
    import cv2

    for name in ("train", "test"):
        for class_name in data.class_names:
            file = tmp_path / "faces" / name / class_name / "a.png"
            file.parent.mkdir(parents=True)
            cv2.imwrite(str(file), data.splits["Training"].images[0])
    return tmp_path / "faces"


@pytest.mark.slow
def test_the_command_says_what_came_of_it(origin, folder_of_faces, capsys, monkeypatch):
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(origin.path.parent))
    assert main(["prune", "toy", "--sparsity", "0.5", "--epochs", "1", "--data", str(folder_of_faces)]) == 0
    assert load_run("toy-pruned-50").info.origin == "toy"
    assert "kernel weights are 0" in capsys.readouterr().out


@pytest.mark.parametrize("key", ["emoscope", "gap_cnn"])
def test_a_run_that_teachers_taught_is_fine_tuned_on_labels(key):
    from emoscope.training.commands.prune import fine_tuning

    config = fine_tuning(load_run(key), "pruned", 2)
    assert not config.teacher and not config.teacher_views and not config.cached_views and config.epochs == 2
