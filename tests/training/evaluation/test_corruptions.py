"""Each corruption damages what it says, more with severity, and the same way each time."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from emoscope.model.evaluation.robustness import CORRUPTION_NAMES, SEVERITIES
from emoscope.training.evaluation.corruptions import STRENGTHS, corrupt


def face(channels: int = 1, side: int = 48) -> np.ndarray:
    rng = np.random.default_rng(0)
    small = rng.integers(60, 200, (8, 8, channels)).astype(np.uint8)
    return cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC).reshape(side, side, channels)


@pytest.mark.parametrize("corruption", CORRUPTION_NAMES)
@pytest.mark.parametrize(("channels", "side"), [(1, 48), (3, 64), (3, 9)])
def test_shape_and_type_stay_and_the_draw_is_seeded(corruption: str, channels: int, side: int) -> None:
    image = face(channels, side)
    before = image.copy()
    for severity in SEVERITIES:
        damaged = corrupt(image, corruption, severity, sample=3)
        assert damaged.shape == image.shape and damaged.dtype == np.uint8
        np.testing.assert_array_equal(damaged, corrupt(image, corruption, severity, sample=3))
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("corruption", CORRUPTION_NAMES)
def test_damage_grows_with_severity(corruption: str) -> None:
    image = face()
    damage = [
        np.mean([np.abs(corrupt(image, corruption, s, sample).astype(float) - image).mean() for sample in range(12)])
        for s in SEVERITIES
    ]
    assert damage[0] > 0.3
    assert (np.diff(damage) > 0).all()


@pytest.mark.parametrize("corruption", ["brightness", "noise", "rotation", "crop_margin", "occlusion"])
def test_samples_are_damaged_differently(corruption: str) -> None:
    image = face()
    assert len({corrupt(image, corruption, 3, sample).tobytes() for sample in range(8)}) > 1


def test_every_corruption_has_five_strengths() -> None:
    assert set(STRENGTHS) == set(CORRUPTION_NAMES)
    assert {len(strengths) for strengths in STRENGTHS.values()} == {len(SEVERITIES)}


def test_occlusion_covers_the_share_of_the_area() -> None:
    white = np.full((48, 48, 1), 255, np.uint8)
    for severity, share in zip(SEVERITIES, STRENGTHS["occlusion"], strict=True):
        assert (corrupt(white, "occlusion", severity) != 255).mean() == pytest.approx(share, abs=0.02)


def test_brightness_shifts_by_its_gray_levels_and_contrast_scales_the_spread() -> None:
    image = face() // 2 + 64  # far from 0 and 255
    shift = corrupt(image, "brightness", 1).astype(int) - image
    assert np.abs(shift).min() == np.abs(shift).max() == 25
    assert corrupt(image, "contrast", 2).std() == pytest.approx(0.5 * image.std(), rel=0.05)


def test_colours_survive_jpeg() -> None:
    red = np.zeros((48, 48, 3), np.uint8)
    red[..., 0] = 220
    np.testing.assert_allclose(corrupt(red, "jpeg", 1).mean((0, 1)), [220, 0, 0], atol=6)
