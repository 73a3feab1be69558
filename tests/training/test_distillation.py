"""What teachers say of the training images, and that it is asked once."""

import numpy as np
import pytest

from model.classifier import load_classifier
from model.errors import ConfigError, EmoscopeError, RunError
from tests.factories import FER7
from tests.training.made_up import make_run, make_split
from training import distillation
from training.distillation import soften, teacher_probabilities

IMAGES = make_split(per_class=4).images
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
    found = teacher_probabilities((str(run.path),), CLASSES, IMAGES, cache)
    expected = (answers(run, IMAGES) + answers(run, IMAGES[:, :, ::-1])) / 2
    np.testing.assert_allclose(found["fer"], expected, atol=1e-6)


def test_answers_follow_the_order_of_the_students_classes(tmp_path, cache):
    run = make_run(tmp_path)
    turned = {"fer": FER7[::-1]}
    found = teacher_probabilities((str(run.path),), turned, IMAGES, cache)
    plain = teacher_probabilities((str(run.path),), CLASSES, IMAGES, tmp_path / "other.npz")
    np.testing.assert_array_equal(found["fer"], plain["fer"][:, ::-1])


def test_several_teachers_are_averaged(tmp_path, cache):
    runs = [make_run(tmp_path, "one"), make_run(tmp_path, "two", network="logits.tflite")]
    single = [
        teacher_probabilities((str(run.path),), CLASSES, IMAGES, tmp_path / f"{run.key}.npz")["fer"] for run in runs
    ]
    both = teacher_probabilities(tuple(str(run.path) for run in runs), CLASSES, IMAGES, cache)
    np.testing.assert_allclose(both["fer"], (single[0] + single[1]) / 2, atol=1e-6)


def test_a_teacher_is_asked_once(tmp_path, cache, monkeypatch):
    run = make_run(tmp_path)
    first = teacher_probabilities((str(run.path),), CLASSES, IMAGES, cache)
    asked = []
    ask = distillation._flip_average
    monkeypatch.setattr(distillation, "_flip_average", lambda *args: asked.append(1) or ask(*args))
    again = teacher_probabilities((str(run.path),), CLASSES, IMAGES, cache)
    np.testing.assert_array_equal(again["fer"], first["fer"])
    assert not asked
    teacher_probabilities((str(run.path),), CLASSES, IMAGES[:4], cache)
    assert asked, "other images"
    cache.write_bytes(b"half a file")
    teacher_probabilities((str(run.path),), CLASSES, IMAGES[:4], cache)
    assert len(asked) == 2, "a damaged cache"


def test_a_teacher_of_other_classes_is_refused(tmp_path, cache):
    run = make_run(tmp_path, class_names=("a", "b", "c", "d", "e", "f", "g"))
    with pytest.raises(ConfigError, match="The run tiny knows the classes a, b, c, d, e, f, g, not angry"):
        teacher_probabilities((str(run.path),), CLASSES, IMAGES, cache)


def test_a_teacher_that_is_not_there_is_named(cache):
    with pytest.raises(RunError, match="nobody is not a saved run"):
        teacher_probabilities(("nobody",), CLASSES, IMAGES, cache)


def test_a_full_disk_is_one_sentence(tmp_path, cache, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    run = make_run(tmp_path)
    monkeypatch.setattr(distillation, "write_atomically", full)
    with pytest.raises(EmoscopeError, match="could not be written \\(No space left on device\\)"):
        teacher_probabilities((str(run.path),), CLASSES, IMAGES, cache)
