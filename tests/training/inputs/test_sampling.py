import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from emoscope.model.errors import ConfigError
from emoscope.training.inputs.sampling import class_weights, stratified_folds, weighted_indices

LABELS = np.random.default_rng(0).choice(7, 3000, p=[0.14, 0.015, 0.145, 0.25, 0.17, 0.11, 0.17])


def test_full_strength_is_scikit_learns_balanced():
    expected = compute_class_weight("balanced", classes=np.arange(7), y=LABELS)
    np.testing.assert_allclose(class_weights(LABELS, 7), expected, rtol=1e-6)


@given(strength=st.floats(0, 2), labels=st.lists(st.integers(0, 4), min_size=1, max_size=50))
def test_the_mean_weight_of_a_sample_is_one(strength, labels):
    labels = np.array(labels)
    weights = class_weights(labels, 6, strength)
    assert weights[labels].mean() == pytest.approx(1, rel=1e-4)
    assert weights[5] == 0


def test_strength_goes_from_equal_samples_to_equal_classes():
    labels = np.array([0] * 16 + [1] * 4)
    np.testing.assert_allclose(class_weights(labels, 2, 0), [1, 1])
    ratio = [class_weights(labels, 2, s)[1] / class_weights(labels, 2, s)[0] for s in (0.5, 1)]
    np.testing.assert_allclose(ratio, [2, 4], rtol=1e-6)


def test_weighted_drawing_balances_the_classes():
    drawn = weighted_indices(LABELS, 7, np.random.default_rng(1), count=70_000)
    shares = np.bincount(LABELS[drawn], minlength=7) / 70_000
    np.testing.assert_allclose(shares, 1 / 7, atol=0.01)
    plain = weighted_indices(LABELS, 7, np.random.default_rng(1), strength=0, count=70_000)
    np.testing.assert_allclose(np.bincount(LABELS[plain]) / 70_000, np.bincount(LABELS) / 3000, atol=0.01)


def test_drawing_depends_on_nothing_but_the_generator():
    first, again, other = (weighted_indices(LABELS, 7, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert len(first) == len(LABELS)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("folds", [2, 5])
def test_folds_hold_each_sample_once_and_each_class_in_its_share(grouped, folds):
    groups = np.arange(3000) // 2 if grouped else None
    labels = LABELS if not grouped else np.repeat(LABELS[:1500], 2)
    found = stratified_folds(labels, folds, seed=3, groups=groups)
    assert len(found) == folds
    np.testing.assert_array_equal(np.sort(np.concatenate([held_out for _, held_out in found])), np.arange(3000))
    for fit, held_out in found:
        np.testing.assert_array_equal(np.sort(np.concatenate([fit, held_out])), np.arange(3000))
        share = np.bincount(labels[held_out], minlength=7) / len(held_out)
        np.testing.assert_allclose(share, np.bincount(labels) / 3000, atol=0.02)
        if groups is not None:
            assert not set(groups[fit]) & set(groups[held_out])


def test_folds_depend_on_the_seed_alone():
    first, again, other = (stratified_folds(LABELS, 3, seed)[0][1].tolist() for seed in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize(
    ("labels", "folds", "groups", "reason"),
    [
        ([0, 1, 0, 1], 1, None, "at least 2 folds, not 1"),
        ([0, 0, 0, 1, 1], 3, None, "sad has 2 different images, fewer than the 3 folds"),
        ([0, 0, 1, 1], 2, [1, 2, 3, 3], "sad has 1 different image, fewer"),
    ],
)
def test_folds_that_cannot_be_made_are_refused(labels, folds, groups, reason):
    with pytest.raises(ConfigError, match=reason):
        stratified_folds(np.array(labels), folds, 0, groups and np.array(groups), ("happy", "sad"))
