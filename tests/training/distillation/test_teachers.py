"""What teachers say of the training images, and that it is asked once."""

import numpy as np
import pytest

from emoscope.model.errors import ConfigError, EmoscopeError, RunError
from emoscope.model.networks.load import load_classifier
from emoscope.model.runs.predictions import Predictions, write_predictions
from emoscope.model.runs.run import RunInfo, write_run_info
from emoscope.training.distillation import cache as cached
from emoscope.training.distillation import teachers as distillation
from emoscope.training.distillation.teachers import soften, teacher_probabilities
from tests.factories import FER7
from tests.training.made_up import make_run, make_split

SPLIT = make_split(per_class=4)
IMAGES, HASHES = SPLIT.images, SPLIT.pixel_hash
CLASSES = {"fer": FER7}


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "state.teacher.npz"


def answers(run, images):
    classifier = load_classifier(run)
    return classifier.classify(images).probabilities


def test_softening_is_a_softmax_of_divided_logits():
    logits = np.random.default_rng(0).normal(0, 4, (5, 7))
    softmax = [np.exp(x) / np.exp(x).sum(1, keepdims=True) for x in (logits, logits / 3)]
    np.testing.assert_allclose(soften(softmax[0], 3), softmax[1], atol=1e-6)


def test_a_teacher_sees_each_image_and_its_mirror_image(tmp_path, cache):
    run = make_run(tmp_path)
    found = teacher_probabilities((str(run.path),), CLASSES, IMAGES, HASHES, cache)
    expected = (answers(run, IMAGES) + answers(run, IMAGES[:, :, ::-1])) / 2
    np.testing.assert_allclose(found["fer"], expected, atol=1e-6)


def test_answers_follow_the_order_of_the_students_classes(tmp_path, cache):
    run = make_run(tmp_path)
    turned = {"fer": FER7[::-1]}
    found = teacher_probabilities((str(run.path),), turned, IMAGES, HASHES, cache)
    plain = teacher_probabilities((str(run.path),), CLASSES, IMAGES, HASHES, tmp_path / "other.npz")
    np.testing.assert_array_equal(found["fer"], plain["fer"][:, ::-1])


def test_several_teachers_are_averaged(tmp_path, cache):
    runs = [make_run(tmp_path, "one"), make_run(tmp_path, "two", network="logits.tflite")]
    paths = [str(run.path) for run in runs]
    one, other = (teacher_probabilities((path,), CLASSES, IMAGES, HASHES, cache)["fer"] for path in paths)
    both = teacher_probabilities(tuple(paths), CLASSES, IMAGES, HASHES, cache)
    np.testing.assert_allclose(both["fer"], (one + other) / 2, atol=1e-6)


def cross_validation(root, hashes, probabilities, key="cv"):
    """Write a run that holds answers to training images and no network."""
    write_run_info(root / key, RunInfo(key, "residual", FER7[::-1], (48, 48), 1, config={"folds": 2}))
    count = len(hashes)
    found = Predictions(np.arange(count), hashes, np.zeros(count, np.int64), probabilities[:, ::-1])
    write_predictions(root / key, "Training", found)
    return root / key


def test_answers_of_a_cross_validation_are_taken_instead_of_those_learned_by_heart(tmp_path, cache):
    said = np.random.default_rng(0).dirichlet(np.ones(7), len(HASHES)).astype(np.float32)
    turn = np.random.default_rng(1).permutation(len(HASHES))
    held_out = cross_validation(tmp_path, HASHES[turn], said[turn])
    teachers = (str(make_run(tmp_path).path), str(held_out))
    found = teacher_probabilities(teachers, CLASSES, IMAGES[3:], HASHES[3:], cache)
    np.testing.assert_allclose(found["fer"], said[3:], atol=1e-6)
    cross_validation(tmp_path, HASHES, said[::-1])
    found = teacher_probabilities(teachers, CLASSES, IMAGES[3:], HASHES[3:], cache)
    np.testing.assert_allclose(found["fer"], said[::-1][3:], atol=1e-6)


def test_a_cross_validation_of_other_images_is_refused(tmp_path, cache):
    held_out = cross_validation(tmp_path, HASHES[:-2], np.full((len(HASHES) - 2, 7), 1 / 7, np.float32))
    with pytest.raises(ConfigError, match="cv has no prediction on 2 of the 8 training images"):
        teacher_probabilities((str(held_out),), CLASSES, IMAGES, HASHES, cache)


def test_a_cross_validation_without_its_answers_is_one_sentence(tmp_path, cache):
    held_out = cross_validation(tmp_path, HASHES, np.full((len(HASHES), 7), 1 / 7, np.float32))
    (held_out / "predictions" / "Training.npz").unlink()
    with pytest.raises(RunError, match="cv has no predictions for"):
        teacher_probabilities((str(held_out),), CLASSES, IMAGES, HASHES, cache)


def test_a_teacher_is_asked_once(tmp_path, cache, monkeypatch):
    run = make_run(tmp_path)
    first = teacher_probabilities((str(run.path),), CLASSES, IMAGES, HASHES, cache)
    asked = []
    ask = distillation._flip_average
    monkeypatch.setattr(distillation, "_flip_average", lambda *args: asked.append(1) or ask(*args))
    again = teacher_probabilities((str(run.path),), CLASSES, IMAGES, HASHES, cache)
    np.testing.assert_array_equal(again["fer"], first["fer"])
    assert not asked
    teacher_probabilities((str(run.path),), CLASSES, IMAGES[:4], HASHES[:4], cache)
    assert asked, "other images"
    cache.write_bytes(b"half a file")
    teacher_probabilities((str(run.path),), CLASSES, IMAGES[:4], HASHES[:4], cache)
    assert len(asked) == 2, "a damaged cache"


def test_a_teacher_of_other_classes_is_refused(tmp_path, cache):
    run = make_run(tmp_path, class_names=("a", "b", "c", "d", "e", "f", "g"))
    with pytest.raises(ConfigError, match="The run tiny knows the classes a, b, c, d, e, f, g, not angry"):
        teacher_probabilities((str(run.path),), CLASSES, IMAGES, HASHES, cache)


def test_a_teacher_that_is_not_there_is_named(cache):
    with pytest.raises(RunError, match="nobody is not a saved run"):
        teacher_probabilities(("nobody",), CLASSES, IMAGES, HASHES, cache)


def test_a_full_disk_is_one_sentence(tmp_path, cache, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    run = make_run(tmp_path)
    monkeypatch.setattr(cached, "write_atomically", full)
    with pytest.raises(EmoscopeError, match="could not be written \\(No space left on device\\)"):
        teacher_probabilities((str(run.path),), CLASSES, IMAGES, HASHES, cache)
