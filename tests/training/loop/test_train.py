"""Training on a toy: bright left halves are one class, bright right halves the other."""

from dataclasses import replace

import numpy as np
import pytest

from emoscope.model.dataset import Dataset, Split
from emoscope.model.dataset.samples import fingerprint, hash_images
from emoscope.model.errors import ConfigError, DataError, EmoscopeError
from emoscope.model.runs.run import load_run
from emoscope.training.config.schema import load_config
from emoscope.training.loop.checkpoint import Checkpoint

pytestmark = pytest.mark.slow

SMALL = {
    "architecture": "residual",
    "options": {"stem": [4, 4], "widths": [4, 8], "blocks": [1, 1], "dropout": 0.1},
    "input_size": 16,
    "epochs": 4,
    "batch_size": 16,
    "learning_rate": 0.05,
    "ema_decay": 0.9,
    "augmentation.flip": False,
    "augmentation.rotation": 5,
    "seed": 3,
}


def toy_split(count, seed, votes=False):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    images = rng.integers(0, 80, (count, 16, 16, 1))
    for image, label in zip(images, labels, strict=True):
        image[:, 8 * label : 8 * label + 8] += 120
    images = images.astype(np.uint8)
    given = np.eye(10, dtype=np.float32)[labels] * 10 if votes else None
    names = np.array([str(i) for i in range(count)])
    return Split(images=images, labels=labels, pixel_hash=hash_images(images), names=names, votes=given)


def toy(votes=False, **sizes):
    sizes = sizes or {"train": 400, "validation": 60}
    splits = {name: toy_split(count, i, votes) for i, (name, count) in enumerate(sizes.items())}
    return Dataset("toy", ("left", "right"), splits, fingerprint(splits))


def train(*args, **kwargs):
    from emoscope.training.loop.train import train as run

    return run(*args, **kwargs)


class Killed(BaseException):
    pass


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    state = tmp_path_factory.mktemp("whole") / "state.npz"
    return train(load_config(None, SMALL), toy(), state), state


def test_it_learns(uninterrupted):
    history = uninterrupted[0].history
    assert history[-1]["val_accuracy"] > 0.9
    assert set(history[0]) >= {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"}


def test_it_can_be_followed_as_a_run(uninterrupted):
    trained, state = uninterrupted
    followed = load_run(state.with_suffix(""))
    assert followed.info.is_training and followed.info.class_names == ("left", "right")
    assert followed.info.config["epochs"] == 4
    np.testing.assert_allclose(followed.history["loss"], [row["loss"] for row in trained.history], rtol=1e-5)


@pytest.mark.parametrize("moment", ["inside an epoch", "while saving"])
def test_a_killed_training_goes_on_to_the_same_result(uninterrupted, tmp_path, monkeypatch, moment):
    from emoscope.training.loop import train as module

    state = tmp_path / "state.npz"
    with monkeypatch.context() as patch:
        if moment == "inside an epoch":
            whole = module.Session.fit_epoch

            def interrupted(self, samples, epoch, *rest):
                if epoch == 2:
                    whole(self, samples, epoch, *rest)
                    raise Killed
                return whole(self, samples, epoch, *rest)

            patch.setattr(module.Session, "fit_epoch", interrupted)
        else:
            patch.setattr("pathlib.Path.replace", _fails_on_call(4))
        with pytest.raises(Killed):
            train(load_config(None, SMALL), toy(), state)
    assert 0 < len(Checkpoint.load(state).history) < 4
    assert not load_run(state.with_suffix("")).info.is_training

    resumed, uninterrupted = train(load_config(None, SMALL), toy(), state), uninterrupted[0]
    assert resumed.best_epoch == uninterrupted.best_epoch
    for row, wanted in zip(resumed.history, uninterrupted.history, strict=True):
        assert row["val_loss"] == pytest.approx(wanted["val_loss"], rel=1e-3)
    for weights, wanted in zip(resumed.network.get_weights(), uninterrupted.network.get_weights(), strict=True):
        np.testing.assert_allclose(weights, wanted, rtol=1e-3, atol=1e-4)


def test_options_that_draw_at_random_resume_exactly(tmp_path, monkeypatch):
    from emoscope.training.loop import train as module

    config = load_config(
        None,
        SMALL
        | {"architecture": "flatten_cnn", "options": {"widths": [4, 8]}, "epochs": 2, "optimizer": "adam"}
        | {"learning_rate": 0.01, "loss": "focal", "label_smoothing": 0.1, "class_weights": 0.5}
        | {"weighted_sampling": 0.5, "mixup": 0.2, "cutmix": 1, "augmentation.noise": 0.02, "mild_epochs": 1},
    )
    data = toy(train=64, validation=20)
    whole = train(config, data, tmp_path / "whole.npz")
    fit_epoch = module.Session.fit_epoch

    def interrupted(self, samples, epoch, *rest):
        if epoch:
            raise KeyboardInterrupt
        return fit_epoch(self, samples, epoch, *rest)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(module.Session, "fit_epoch", interrupted)
        train(config, data, tmp_path / "parts.npz")
    resumed = train(config, data, tmp_path / "parts.npz")
    assert len(resumed.history) == 2
    for key in ("loss", "val_loss"):
        assert resumed.history[1][key] == pytest.approx(whole.history[1][key], rel=1e-4)
    for weights, wanted in zip(resumed.network.get_weights(), whole.network.get_weights(), strict=True):
        np.testing.assert_allclose(weights, wanted, rtol=1e-3, atol=1e-4)


def test_the_last_epochs_augment_half_as_strongly():
    from emoscope.training.loop.session import Session

    changes = {"mild_epochs": 1, "augmentation.gamma": 0.4, "augmentation.blur": 0.02}
    session = Session(load_config(None, SMALL | changes), {"fer": ("left", "right")})

    def strengths():
        affine, light, blur = (
            next(x for x in session.random_layers if x.name == n) for n in ("affine", "light", "blur")
        )
        return affine.rotation, light.gamma, blur.blur

    assert strengths() == (5, 0.4, 0.02)
    optimizer = session.optimizer
    session.enter_phase(2)
    assert strengths() == (5, 0.4, 0.02)
    session.enter_phase(3)
    assert strengths() == (2.5, 0.2, 0.01)
    assert session.optimizer is optimizer, "momentum is kept"


def test_a_teacher_that_knows_the_votes_is_nearer_to_the_labels(tmp_path):
    from emoscope.training.loop.train import taught_samples

    data = toy(votes=True, train=200, validation=20)
    run = untrained_teacher(data, tmp_path)
    config = load_config(None, SMALL | {"labels": "both", "teacher": [str(run)], "teacher_temperature": 1})
    plain, _ = taught_samples(config, data, tmp_path / "a.npz")
    told, _ = taught_samples(replace(config, privileged_votes=True), data, tmp_path / "b.npz")
    labels = plain.labels("fer")
    sure = [samples.teacher["fer"][np.arange(200), labels].mean() for samples in (plain, told)]
    assert sure[0] < 0.6 and sure[1] > 0.9


def untrained_teacher(data, folder):
    return small_teacher(data, folder, epochs=1, learning_rate=1e-9)


def small_teacher(data, folder, **changes):
    from emoscope.training.loop.save import save_runs

    config = load_config(None, SMALL | changes)
    return save_runs(train(config, data, folder / "teacher.npz"), config, data, folder / "teacher")[0].path


def test_a_teacher_is_learned_from(tmp_path):
    from tests.training.made_up import make_dataset, make_run

    teacher = make_run(tmp_path)
    config = load_config(
        None,
        {"architecture": "gap_cnn", "options": {"widths": [4, 4], "dropout": 0}, "optimizer": "adam", "epochs": 12}
        | {"learning_rate": 0.02, "batch_size": 8, "teacher": str(teacher.path), "teacher_weight": 1},
    )
    data = make_dataset()
    mislabelled = {name: replace(split, labels=np.arange(len(split)) % 7) for name, split in data.splits.items()}
    trained = train(config, replace(data, splits=mislabelled), tmp_path / "state.npz")
    assert (tmp_path / "state.teacher.npz").is_file()
    split = data.splits["PublicTest"]
    answers = np.asarray(trained.network(split.images / np.float32(255))["fer"]).argmax(1)
    assert (answers == split.labels).mean() > 0.9, "the teacher is right, the labels are not"


def _fails_on_call(number):
    from pathlib import Path

    replace_file, calls = Path.replace, []

    def fail(self, target):
        calls.append(target)
        if len(calls) == number:
            raise Killed
        return replace_file(self, target)

    return fail


def test_a_finished_training_is_not_repeated(uninterrupted, monkeypatch):
    from emoscope.training.loop import train as module

    monkeypatch.setattr(module.Session, "fit_epoch", None)
    first, state = uninterrupted
    assert train(load_config(None, SMALL), toy(), state).history == first.history


def test_resolution_grows_in_one_network(tmp_path):
    config = load_config(None, SMALL | {"epochs": 2, "resolutions": [[0.5, 8]]})
    trained = train(config, toy(train=64, validation=20), tmp_path / "state.npz")
    assert trained.best_epoch == 2, "an epoch at low resolution is never the one that is kept"
    assert trained.network.input_shape == (None, 16, 16, 1)


def test_another_configuration_does_not_resume(tmp_path):
    state = tmp_path / "state.npz"
    config = load_config(None, SMALL | {"epochs": 1})
    train(config, toy(), state)
    with pytest.raises(ConfigError, match="another training: batch_size differ"):
        train(replace(config, batch_size=8), toy(), state)
    with pytest.raises(ConfigError, match="another training: the data differ"):
        train(config, toy(train=50, validation=20), state)


def test_a_checkpoint_from_before_an_option_existed_or_was_renamed_resumes(uninterrupted, tmp_path, monkeypatch):
    from emoscope.training.loop import train as module

    monkeypatch.setattr(module.Session, "fit_epoch", None)
    first, state = uninterrupted
    older = Checkpoint.load(state)
    del older.identity["config"]["focal_gamma"]
    older.identity["config"]["average"] = older.identity["config"].pop("ema_decay")
    older.save(tmp_path / "older.npz")
    assert train(load_config(None, SMALL), toy(), tmp_path / "older.npz").history == first.history


def test_two_label_sources_give_two_heads(tmp_path):
    config = load_config(None, SMALL | {"labels": "both", "epochs": 1})
    trained = train(config, toy(votes=True), tmp_path / "state.npz")
    assert {head: len(names) for head, names in trained.classes.items()} == {"fer": 2, "ferplus": 8}
    assert "val_ferplus_accuracy" in trained.history[0]


def test_votes_that_are_wanted_and_absent_are_named(tmp_path):
    with pytest.raises(DataError, match="needs the FER\\+ votes"):
        train(load_config(None, SMALL | {"labels": "both"}), toy(), tmp_path / "state.npz")


def test_fewer_images_than_a_batch_still_train(tmp_path):
    config = load_config(None, SMALL | {"epochs": 1, "batch_size": 64})
    assert len(train(config, toy(train=10, validation=4), tmp_path / "state.npz").history) == 1


def test_without_a_validation_split_a_tenth_is_held_out():
    from emoscope.training.inputs.samples import training_samples

    fit, held_out = training_samples(load_config(None, SMALL), toy(train=200))
    assert len(fit) + len(held_out) == 200
    assert 18 <= len(held_out) <= 22


def test_an_empty_class_is_named(tmp_path):
    data = toy()
    poor = Dataset("toy", ("left", "right", "up"), data.splits, data.fingerprint)
    with pytest.raises(DataError, match="holds no image of up"):
        train(load_config(None, SMALL), poor, tmp_path / "state.npz")


def test_a_full_disk_keeps_the_epochs_before(uninterrupted, tmp_path, monkeypatch):
    from emoscope.training.loop import checkpoint as module

    state, write, written = tmp_path / "state.npz", module.write_atomically, []

    def full(file, content):
        if written:
            raise OSError(28, "No space left on device")
        written.append(file)
        write(file, content)

    with monkeypatch.context() as patch, pytest.raises(EmoscopeError, match="could not be written \\(No space left"):
        patch.setattr(module, "write_atomically", full)
        train(load_config(None, SMALL | {"epochs": 2}), toy(train=32, validation=8), state)
    assert len(Checkpoint.load(state).history) == 1


def test_a_broken_checkpoint_is_named(tmp_path):
    state = tmp_path / "state.npz"
    state.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(ConfigError, match="is not a readable checkpoint"):
        train(load_config(None, SMALL), toy(), state)


def test_16_bits_compute_and_32_are_kept(tmp_path):
    config = load_config(None, SMALL | {"precision": "bfloat16", "epochs": 6})
    trained = train(config, toy(), tmp_path / "state.npz")
    assert trained.history[-1]["val_accuracy"] > 0.9
    assert {layer.compute_dtype for layer in trained.network.layers} == {"float32"}, "as it is saved"
    assert {str(w.dtype) for w in trained.network.get_weights()} == {"float32"}
    import keras

    assert keras.config.dtype_policy().name == "float32", "what else is built is as before"
