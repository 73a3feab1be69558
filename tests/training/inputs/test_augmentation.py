"""Every change of an image, held to an independent computation with OpenCV or NumPy."""

import math

import cv2
import keras
import numpy as np
import pytest

from emoscope.training.inputs.augmentation import (
    Augmentation,
    RandomAffine,
    RandomBlur,
    RandomErasing,
    RandomLight,
    RandomNoise,
    augmentation_layers,
    resample,
)


@pytest.fixture(scope="module")
def faces():
    rng = np.random.default_rng(0)
    rough = rng.uniform(0, 255, (6, 6, 6)).astype(np.float32)
    return np.stack([cv2.resize(image, (32, 24), interpolation=cv2.INTER_CUBIC) for image in rough])[..., None].clip(
        0, 255
    )


def run(layer, images):
    return keras.ops.convert_to_numpy(layer(keras.ops.convert_to_tensor(images), training=True))


def test_resampling_equals_opencv(faces):
    angle, scale = math.radians(20), 0.9
    cos, sin = math.cos(angle) * scale, math.sin(angle) * scale
    shift_x, shift_y = 0.1, -0.05
    found = resample(
        keras.ops.convert_to_tensor(faces), xx=cos, xy=-sin, yx=sin, yy=cos, shift_x=shift_x, shift_y=shift_y
    )
    height, width = faces.shape[1:3]
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    linear = np.array([[cos, -sin], [sin, cos]])
    offset = centre - linear @ centre + [shift_x * width, shift_y * height]
    matrix = np.column_stack([linear, offset])
    for image, result in zip(faces, keras.ops.convert_to_numpy(found), strict=True):
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        wanted = cv2.warpAffine(image[:, :, 0], matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        # OpenCV rounds the place to 1/32 pixel.
        np.testing.assert_allclose(result[:, :, 0], wanted, atol=6)
        assert np.abs(result[:, :, 0] - wanted).mean() < 1


def test_flip_alone_mirrors_about_half_exactly():
    images = np.random.default_rng(1).uniform(0, 255, (200, 8, 8, 1)).astype(np.float32)
    found = run(RandomAffine(seed=3), images)
    same = np.isclose(found, images, atol=1e-3).all((1, 2, 3))
    mirrored = np.isclose(found, images[:, :, ::-1], atol=1e-3).all((1, 2, 3))
    assert (same ^ mirrored).all()
    assert 60 < mirrored.sum() < 140


def test_rotation_stays_within_its_angle():
    line = np.zeros((64, 41, 41, 1), np.float32)
    line[:, 20, :] = 255
    found = run(RandomAffine(flip=False, rotation=15, seed=0), line)[..., 0]
    ys = found.argmax(1)  # the row of the line in each column
    angles = np.degrees(np.arctan2(ys[:, 35] - ys[:, 5], 30))
    assert np.abs(angles).max() < 17
    assert np.abs(angles).max() > 9
    assert angles.min() < 0 < angles.max()


def test_gamma_bends_within_its_range(faces):
    found = run(RandomLight(gamma=0.5, seed=0), faces) / 255
    inner = (faces > 20) & (faces < 235)
    exponents = np.log(found[inner]) / np.log(faces[inner] / 255)
    assert 1 / 1.5 - 0.01 <= exponents.min() < exponents.max() <= 1.5 + 0.01


def test_side_light_is_a_plane():
    gray = np.full((4, 16, 16, 1), 128, np.float32)
    found = run(RandomLight(side_light=0.2, seed=0), gray)[..., 0]
    assert np.abs(np.diff(found, 2, axis=1)).max() < 1e-3
    assert np.abs(np.diff(found, 2, axis=2)).max() < 1e-3
    assert 5 < np.abs(found - 128).max() <= 2 * 0.2 * 255


def test_brightness_and_contrast_equal_numpy(faces):
    found = run(RandomLight(contrast=0.3, seed=0), faces)
    for image, result in zip(faces, found, strict=True):
        inner = (result > 0.5) & (result < 254.5)
        slope, offset = np.polyfit(image[inner], result[inner], 1)
        assert 0.7 <= slope <= 1.3
        assert slope * image.mean() + offset == pytest.approx(image.mean(), abs=0.1)
    shifted = run(RandomLight(brightness=0.1, seed=0), np.full((50, 4, 4, 1), 128, np.float32))
    assert np.abs(shifted - 128).max() <= 25.6
    assert shifted.std() > 5


def test_erasing_puts_the_mean_into_one_rectangle():
    images = np.random.default_rng(0).uniform(0, 255, (100, 20, 20, 1)).astype(np.float32)
    found = run(RandomErasing(0.5, seed=0), images)
    changed = (found != images)[..., 0]
    count = changed.any((1, 2)).sum()
    assert 30 < count < 70
    for image, result, mask in zip(images, found, changed, strict=True):
        if mask.any():
            rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            assert mask.sum() == len(rows) * len(columns)
            np.testing.assert_allclose(result[..., 0][mask], image.mean(), rtol=1e-5)
            assert max(len(rows), len(columns)) <= 0.4 * 20 + 1


def test_noise_stays_below_its_strength():
    found = run(RandomNoise(0.05, seed=0), np.full((30, 32, 32, 1), 128, np.float32)) - 128
    spread = found.std((1, 2, 3))
    assert spread.max() <= 0.05 * 255 * 1.1
    assert spread.max() > 2 * spread.min()


def test_blur_is_opencvs_for_half_of_the_images():
    noise = np.random.default_rng(2).uniform(0, 255, (300, 24, 24, 1)).astype(np.float32)
    found = run(RandomBlur(0.05, seed=1), noise)
    sharp = np.isclose(found, noise, atol=0.01).all((1, 2, 3))
    assert 0.4 < sharp.mean() < 0.7  # widths below a fifth of a pixel change nothing, either
    sigmas = np.linspace(0, 1.2, 241)[1:]
    gaps = []
    for image, result in zip(noise[~sharp][:40], found[~sharp], strict=False):
        tries = [cv2.GaussianBlur(image, (7, 7), sigma, borderType=cv2.BORDER_REPLICATE) for sigma in sigmas]
        errors = [np.abs(one - result[..., 0]).max() for one in tries]
        gaps.append(min(errors))
    assert max(gaps) < 1.5


def test_outside_training_nothing_changes(faces):
    for layer in augmentation_layers(Augmentation(brightness=0.2, contrast=0.2, noise=0.1), seed=0):
        np.testing.assert_array_equal(layer(keras.ops.convert_to_tensor(faces)), faces)


def test_everything_switched_off_leaves_no_layer():
    off = Augmentation(flip=False, rotation=0, zoom=0, shift=0, gamma=0, side_light=0, erasing=0)
    assert augmentation_layers(off, seed=0) == []


def test_the_same_seed_draws_the_same(faces):
    def once():
        layers = augmentation_layers(Augmentation(noise=0.1), seed=5)
        for layer in layers:
            layer.seed_generator.state.assign(np.array([5, 1], "uint32"))
        images = faces
        for layer in layers:
            images = run(layer, images)
        return images

    np.testing.assert_array_equal(once(), once())
