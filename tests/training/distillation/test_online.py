"""Teachers that answer what the student sees."""

from dataclasses import replace

import numpy as np
import pytest

from emoscope.model.errors import ConfigError, RunError
from emoscope.model.networks.preprocessing import normalize
from emoscope.model.runs.run import RunInfo, write_run_info
from emoscope.training.config.schema import load_config
from tests.factories import FER7
from tests.training.loop.test_train import SMALL, small_teacher, toy, untrained_teacher
from tests.training.made_up import make_run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """A run that tells the toy's classes apart."""
    return small_teacher(toy(), tmp_path_factory.mktemp("teacher"))


def taught_by(*runs):
    return load_config(None, SMALL | {"teacher": [str(run) for run in runs]})


def answers(run, pixels):
    from emoscope.model.runs.run import load_run
    from emoscope.training.backend.open_network import open_network

    opened = load_run(run)
    return np.asarray(open_network(opened)(normalize(pixels, opened.info.normalization))["probabilities"])


def test_it_answers_the_images_it_is_shown_in_the_students_order(teacher):
    from emoscope.training.distillation.online import online_probabilities, open_teachers

    pixels = toy().train.images[:8].astype(np.float32)
    found = online_probabilities(open_teachers(taught_by(teacher), {"fer": ("right", "left")}), pixels, 1)
    np.testing.assert_allclose(np.asarray(found["fer"]), answers(teacher, pixels)[:, ::-1], atol=1e-5)


def test_two_are_averaged_and_softened(teacher, tmp_path):
    from emoscope.training.distillation.online import online_probabilities, open_teachers

    other = untrained_teacher(toy(), tmp_path)
    pixels = toy().train.images[:8].astype(np.float32)
    powers = ((answers(teacher, pixels) + answers(other, pixels)) / 2) ** 0.5
    found = online_probabilities(open_teachers(taught_by(teacher, other), {"fer": ("left", "right")}), pixels, 2)
    np.testing.assert_allclose(np.asarray(found["fer"]), powers / powers.sum(1, keepdims=True), atol=1e-5)


def test_it_sees_images_at_its_own_size(teacher):
    from emoscope.training.distillation.online import online_probabilities, open_teachers

    plain = np.zeros((2, 16, 16, 1), np.float32)
    plain[0, :, :8], plain[1, :, 8:] = 150, 150
    found = online_probabilities(
        open_teachers(taught_by(teacher), {"fer": ("left", "right")}), plain.repeat(3, 1).repeat(3, 2), 1
    )
    np.testing.assert_allclose(np.asarray(found["fer"]), answers(teacher, plain), atol=0.05)


def test_a_student_learns_from_it_alone_and_leaves_it_as_it_is(teacher, tmp_path):
    from emoscope.model.runs.run import load_run
    from emoscope.training.backend.open_network import open_network
    from emoscope.training.loop.session import Session
    from emoscope.training.loop.train import train

    data = toy()
    wrong = {name: replace(split, labels=1 - split.labels) for name, split in data.splits.items()}
    config = load_config(
        None, SMALL | {"teacher": [str(teacher)], "teacher_weight": 1, "teacher_views": 1, "teacher_temperature": 1}
    )
    trained = train(config, replace(data, splits=wrong), tmp_path / "state.npz")
    assert trained.history[-1]["val_accuracy"] < 0.1, "the labels are wrong, the teacher is not"
    session = Session(config, trained.classes, ("fer",))
    before = open_network(load_run(teacher)).get_weights()
    pixels, targets = data.train.images[:16].astype(np.float32), np.tile(np.float32([1, 0, 0, 1]), (16, 1))
    session.model.train_on_batch(pixels, {"fer": targets})
    for mine, theirs in zip(session.teachers[0].network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_cross_validation_answers_once_beside_online_teachers(teacher, tmp_path):
    """Both heads are taught; only the first has an online teacher."""
    from emoscope.training.distillation.online import open_teachers
    from emoscope.training.loop.session import Session
    from emoscope.training.loop.train import train

    data = toy(votes=True)
    config = load_config(None, SMALL | {"labels": "both", "teacher": [str(teacher)], "teacher_views": 0.5, "epochs": 1})
    classes = train(config, data, tmp_path / "state.npz").classes
    held_out = tmp_path / "cv"
    write_run_info(held_out, RunInfo("cv", "residual", ("left", "right"), (16, 16), 1, config={"folds": 2}))
    alone, beside = taught_by(held_out), replace(config, teacher=(str(held_out), str(teacher)))
    assert len(open_teachers(beside, classes)) == 1
    with pytest.raises(ConfigError, match="teacher_views needs a teacher with a network"):
        open_teachers(alone, classes)
    session = Session(beside, classes, taught=("fer", "ferplus"))
    targets = {"fer": np.tile(np.float32([1, 0, 0, 1]), (4, 1)), "ferplus": np.full((4, 16), 1 / 8, np.float32)}
    assert np.isfinite(session.model.train_on_batch(data.train.images[:4].astype(np.float32), targets)).all()


def test_a_run_without_a_keras_network_cannot_be_an_online_teacher(tmp_path):
    from emoscope.training.distillation.online import open_teachers

    run = make_run(tmp_path)
    with pytest.raises(RunError, match=r"tiny holds no model\.keras"):
        open_teachers(taught_by(run.path), {"fer": FER7})
    with pytest.raises(ConfigError, match="takes images of 1 channels, not 3"):
        open_teachers(replace(taught_by(run.path), channels=3), {"fer": FER7})
