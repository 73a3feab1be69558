"""Mixed batches against pixels and losses put together one by one."""

import numpy as np
import pytest

from emoscope.training.inputs.mixing import Batch, blend, cut, mix

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.uniform(0, 255, (16, 12, 10, 1)).astype(np.float32)
TARGETS = np.eye(4, dtype=np.float32)[RANDOM.integers(0, 4, 16)]
ONES = np.ones(16, np.float32)


def batch(weights=ONES):
    return Batch(IMAGES, {"fer": TARGETS}, {"fer": weights})


def test_blending_is_the_weighted_sum():
    share = RANDOM.random(16)
    found = blend(IMAGES, IMAGES[::-1], share)
    for i in range(16):
        np.testing.assert_allclose(found[i], share[i] * IMAGES[i] + (1 - share[i]) * IMAGES[15 - i], rtol=1e-5)


def test_cutting_takes_one_rectangle_and_counts_its_pixels():
    share, centre = RANDOM.random(16), RANDOM.random((16, 2))
    found, stayed = cut(IMAGES, IMAGES[::-1], share, centre)
    for i in range(16):
        expected = IMAGES[i].copy()
        half = np.sqrt(1 - share[i]) / 2
        top, bottom = (round(min(max(centre[i, 0] + sign * half, 0), 1) * 12) for sign in (-1, 1))
        left, right = (round(min(max(centre[i, 1] + sign * half, 0), 1) * 10) for sign in (-1, 1))
        expected[top:bottom, left:right] = IMAGES[15 - i, top:bottom, left:right]
        np.testing.assert_array_equal(found[i], expected)
        assert stayed[i] == pytest.approx(1 - (bottom - top) * (right - left) / 120)


def test_a_rectangle_in_the_middle_has_the_area_that_was_drawn():
    _, stayed = cut(IMAGES, IMAGES[::-1], np.full(16, 0.75), np.full((16, 2), 0.5))
    np.testing.assert_allclose(stayed, 0.75, atol=0.06)  # half of each side, to a pixel


@pytest.mark.parametrize(("mixup", "cutmix"), [(0.4, 0), (0, 1)])
def test_a_pairs_loss_is_both_losses_in_the_shares_of_their_images(mixup, cutmix):
    # Each image is flat in its own gray, so that the mean says how much of which is in a mixture.
    flat = np.broadcast_to(np.arange(16, dtype=np.float32)[:, None, None, None], IMAGES.shape)
    weights = np.where(np.arange(16) % 3, 1.5, 0).astype(np.float32)  # every third has no label
    found = mix(Batch(flat, {"fer": TARGETS}, {"fer": weights}), mixup, cutmix, np.random.default_rng(1))
    rng = np.random.default_rng(1)
    partner = rng.permutation(16)
    log_probabilities = np.log(RANDOM.dirichlet(np.ones(4), 16))
    for i, j in enumerate(partner):
        share = (found.images[i].mean() - j) / (i - j) if i != j else 1.0
        assert -1e-5 <= share <= 1 + 1e-5
        own, other = (weights[k] * -(TARGETS[k] @ log_probabilities[i]) for k in (i, j))
        loss = found.weights["fer"][i] * -(found.targets["fer"][i] @ log_probabilities[i])
        assert loss == pytest.approx(share * own + (1 - share) * other, abs=1e-4)


def test_nothing_is_mixed_unless_asked():
    plain = batch()
    assert mix(plain, 0, 0, np.random.default_rng(0)) is plain


def test_mixing_depends_on_nothing_but_the_generator():
    first, again, other = (mix(batch(), 0.4, 1, np.random.default_rng(seed)).images for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_with_both_a_batch_takes_either():
    def whole_pixels(seed):  # cut pixels come unchanged from one of the images, blended ones do not
        found = mix(batch(), 5, 1, np.random.default_rng(seed)).images
        return np.isin(found, IMAGES).all()

    assert {bool(whole_pixels(seed)) for seed in range(12)} == {True, False}
