"""Views of the training images that are kept with what teachers say of them."""

from dataclasses import replace

import numpy as np
import pytest

from emoscope.model.errors import ConfigError
from emoscope.training.config.augmentation import UNCHANGED
from emoscope.training.config.schema import load_config
from tests.training.loop.test_train import SMALL, small_teacher, toy

pytestmark = pytest.mark.slow

CACHED = SMALL | {"teacher_weight": 1, "teacher_temperature": 1, "teacher_views": 1, "cached_views": 2}


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """A run that tells the toy's classes apart."""
    return small_teacher(toy(), tmp_path_factory.mktemp("teacher"))


def views(config, folder):
    from emoscope.training.distillation.cached_views import CachedViews
    from emoscope.training.inputs.samples import head_classes, training_samples

    samples, _ = training_samples(config, toy())
    return CachedViews(
        config, replace(samples, teacher={"fer": samples.targets["fer"]}), head_classes(config, toy()), folder
    )


def test_a_view_holds_the_changed_images_and_what_the_teacher_says_of_them(teacher, tmp_path):
    from emoscope.model.networks.preprocessing import normalize
    from emoscope.model.runs.run import load_run
    from emoscope.training.backend.open_network import open_network

    config = load_config(None, CACHED | {"teacher": [str(teacher)], "augmentation": {"rotation": 20}})
    shown, plain = views(config, tmp_path).at(0), toy().train.images
    assert shown.images.dtype == np.uint8 and (shown.images != plain).any(axis=(1, 2, 3)).mean() > 0.9
    run = load_run(teacher)
    pixels = normalize(shown.images.astype(np.float32), run.info.normalization)
    np.testing.assert_allclose(shown.teacher["fer"], open_network(run)(pixels)["probabilities"], atol=1e-4)


def test_a_mixture_is_answered_as_such_and_its_labels_are_mixed(teacher, tmp_path):
    """A bright half of the toy is 120 brighter than the other, so that images tell the shares of both classes."""
    from emoscope.model.networks.preprocessing import normalize
    from emoscope.model.runs.run import load_run
    from emoscope.training.backend.open_network import open_network

    config = load_config(None, CACHED | {"teacher": [str(teacher)], "mixup": 1})
    shown = views(replace(config, augmentation=UNCHANGED), tmp_path).at(0)
    pixels, targets = shown.images.astype(np.float32), shown.targets["fer"]
    difference = pixels[:, :, :8].mean((1, 2, 3)) - pixels[:, :, 8:].mean((1, 2, 3))
    np.testing.assert_allclose(difference, 120 * (targets[:, 0] - targets[:, 1]), atol=15)
    assert ((targets > 0.1).all(1)).mean() > 0.3
    np.testing.assert_allclose(shown.loss_weights["fer"], 1, atol=1e-6)
    run = load_run(teacher)
    said = open_network(run)(normalize(pixels, run.info.normalization))["probabilities"]
    np.testing.assert_allclose(shown.teacher["fer"], said, atol=1e-4)


def test_epochs_take_the_views_in_turn_and_mild_ones_at_last(teacher, tmp_path):
    config = load_config(None, CACHED | {"teacher": [str(teacher)], "epochs": 6, "mild_epochs": 2})
    kept = views(config, tmp_path)
    images = [kept.at(epoch).images for epoch in range(6)]
    same = [[np.array_equal(one, other) for other in images] for one in images]
    assert same == [[(i % 2, i < 4) == (j % 2, j < 4) for j in range(6)] for i in range(6)]
    plain = toy().train.images.astype(int)
    assert abs(images[4] - plain).mean() < abs(images[0] - plain).mean()
    assert len(list(tmp_path.iterdir())) == 4


def test_another_seed_takes_what_is_kept_and_another_augmentation_does_not(teacher, tmp_path):
    config = load_config(None, CACHED | {"teacher": [str(teacher)]})
    first = views(config, tmp_path).at(0)
    file = next(tmp_path.iterdir())
    written = file.stat().st_mtime_ns
    second = views(replace(config, seed=1, learning_rate=0.2), tmp_path).at(0)
    np.testing.assert_array_equal(first.images, second.images)
    assert file.stat().st_mtime_ns == written
    views(replace(config, augmentation=replace(config.augmentation, rotation=3)), tmp_path).at(0)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_damaged_view_is_made_anew(teacher, tmp_path):
    config = load_config(None, CACHED | {"teacher": [str(teacher)]})
    first = views(config, tmp_path).at(0)
    file = next(tmp_path.iterdir())
    file.write_bytes(file.read_bytes()[:1000])
    np.testing.assert_array_equal(views(config, tmp_path).at(0).images, first.images)


def test_the_rest_of_the_teachers_share_is_what_it_said_of_the_plain_image(teacher, tmp_path):
    config = load_config(None, CACHED | {"teacher": [str(teacher)]})
    view = views(config, tmp_path).at(0).teacher["fer"]
    blend = views(replace(config, teacher_views=0.25), tmp_path)
    expected = 0.75 * blend.samples.teacher["fer"] + 0.25 * view
    np.testing.assert_allclose(blend.at(0).teacher["fer"], expected, atol=1e-6)


def test_a_student_learns_from_cached_views_alone(teacher, tmp_path):
    from emoscope.training.loop.train import train

    data = toy()
    wrong = replace(data, splits={name: replace(split, labels=1 - split.labels) for name, split in data.splits.items()})
    config = load_config(None, CACHED | {"teacher": [str(teacher)]})
    whole = train(config, wrong, tmp_path / "whole.npz")
    assert whole.history[-1]["val_accuracy"] < 0.1, "the labels are wrong, the teacher is not"
    assert whole.history[-1]["accuracy"] < 0.1


def test_they_need_teachers_that_say_something_of_them():
    with pytest.raises(ConfigError, match="cached_views needs teacher_views"):
        load_config(None, {"cached_views": 4})
