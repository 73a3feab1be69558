import numpy as np

from emoscope.model.dataset import Split
from emoscope.model.dataset.appearance import brightness_and_contrast, mean_faces


def split_of(images, labels):
    n = len(images)
    return Split(np.array(images, np.uint8), np.array(labels), np.arange(n, dtype=np.uint64), np.array(["row"] * n))


def test_mean_faces_average_each_class_alone():
    images = [np.full((2, 2, 1), level) for level in (10, 20, 200)]
    found = mean_faces(split_of(images, [0, 0, 2]), 3)
    assert [face.mean() for face in found] == [15, 0, 200]  # class 1 has no samples


def test_mean_faces_do_not_depend_on_how_many_images_there_are(monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (50, 4, 4, 1), np.uint8)
    labels = np.arange(50) % 3
    whole = mean_faces(split_of(images, labels), 3)
    monkeypatch.setattr("emoscope.model.dataset.appearance._CHUNK", 7)
    np.testing.assert_array_equal(mean_faces(split_of(images, labels), 3), whole)


def test_brightness_and_contrast_of_known_images():
    half = np.zeros((4, 4, 1))
    half[:2] = 100
    mean, deviation = brightness_and_contrast(np.array([np.full((4, 4, 1), 80), half], np.uint8))
    np.testing.assert_allclose(mean, [80, 50])
    np.testing.assert_allclose(deviation, [0, 50])
