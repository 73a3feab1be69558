from dataclasses import replace
from itertools import combinations

import cv2
import numpy as np
import pytest

from emoscope.model.dataset import Dataset, Split, exact_duplicates, near_duplicates
from emoscope.model.dataset.duplicates import BLOCK_IMAGES, _correlated_pairs, _thumbnails
from emoscope.model.dataset.samples import hash_images
from tests.model.dataset.made_up import make_images


def make_dataset(**splits: tuple[np.ndarray, list[int]]) -> Dataset:
    made = {}
    for name, (images, labels) in splits.items():
        images = images if images.ndim == 4 else images[..., None]
        names = np.array([f"row {k}" for k in range(len(images))])
        made[name] = Split(images, np.array(labels), hash_images(images), names)
    return Dataset("made up", ("a", "b", "c"), made, "0")


FACES = make_images(12, seed=1)


def test_exact_copies_are_counted_within_and_across_splits():
    dataset = make_dataset(
        train=(FACES[[0, 1, 1, 2, 1]], [0, 1, 1, 2, 1]),
        validation=(FACES[[3, 4]], [0, 0]),
        test=(FACES[[2, 2, 5, 1]], [1, 2, 0, 1]),
    )
    found = exact_duplicates(dataset)
    assert [[(c.split, c.position) for c in group.copies] for group in found.groups] == [
        [("train", 1), ("train", 2), ("train", 4), ("test", 3)],
        [("train", 3), ("test", 0), ("test", 1)],
    ]
    assert [found.within(split) for split in dataset.splits] == [2, 0, 1]
    assert found.shared() == {("train", "validation"): 0, ("train", "test"): 3, ("validation", "test"): 0}
    assert [len(group.copies) for group in found.conflicting] == [3]
    assert found.removable("train").tolist() == [2, 4]
    assert found.removable("test").tolist() == [0, 1, 3]
    assert found.removable("validation").tolist() == []


def test_removing_the_removable_leaves_no_duplicates():
    rng = np.random.default_rng(0)
    parts = {name: FACES[rng.integers(0, 12, 20)] for name in ("train", "test")}
    dataset = make_dataset(**{name: (images, [0] * 20) for name, images in parts.items()})
    found = exact_duplicates(dataset)
    kept = {name: np.delete(images, found.removable(name), 0) for name, images in parts.items()}
    left = make_dataset(**{name: (images, [0] * len(images)) for name, images in kept.items()})
    assert exact_duplicates(left).groups == ()
    assert sum(map(len, kept.values())) == len(np.unique(np.concatenate(list(parts.values())), axis=0))


def test_without_duplicates_there_are_no_groups():
    dataset = make_dataset(train=(FACES, [0] * 12))
    for found in (exact_duplicates(dataset), near_duplicates(dataset)):
        assert found.groups == ()
        assert found.within("train") == 0
        assert found.removable("train").size == 0


def shifted(face):
    return cv2.warpAffine(face, np.float32([[1, 0, 1], [0, 1, 0]]), (48, 48), borderMode=cv2.BORDER_REPLICATE)


def compressed(face):
    return cv2.imdecode(cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], cv2.IMREAD_GRAYSCALE)


@pytest.mark.parametrize(
    "change",
    [
        shifted,
        compressed,
        lambda face: (face * 0.5 + 40).astype(np.uint8),
        lambda face: cv2.GaussianBlur(face, (5, 5), 0),
    ],
    ids=["shifted", "compressed", "brightness", "blurred"],
)
def test_a_picture_is_known_again(change):
    dataset = make_dataset(train=(FACES, [0] * 12), test=(np.stack([change(FACES[7])]), [1]))
    (group,) = near_duplicates(dataset).groups
    assert [(c.split, c.position, c.label) for c in group.copies] == [("train", 7, 0), ("test", 0, 1)]
    assert 0.95 <= group.similarity < 1
    assert group.labels_conflict
    assert group.splits == ("train", "test")
    assert exact_duplicates(dataset).groups == ()


def test_near_groups_take_exact_copies_along_and_leave_those_alone_out():
    images = np.stack([FACES[0], compressed(FACES[0]), FACES[0], FACES[3], FACES[3]])
    (group,) = near_duplicates(make_dataset(train=(images, [0, 1, 0, 2, 2]))).groups
    assert [copy.position for copy in group.copies] == [0, 1, 2]


def test_images_without_contrast_are_not_alike():
    flat = np.stack([np.full((48, 48), 10), np.full((48, 48), 200), np.full((48, 48), 200)]).astype(np.uint8)
    flat[1, 0, 0] = 201
    assert near_duplicates(make_dataset(train=(flat, [0, 1, 2]))).groups == ()


def test_colour_is_compared_by_its_brightness():
    color = np.stack([cv2.cvtColor(face, cv2.COLOR_GRAY2RGB) for face in FACES[:3]])
    tinted = color[:1] // 2 + np.array([0, 20, 10], np.uint8)
    (group,) = near_duplicates(make_dataset(train=(color, [0] * 3), test=(tinted, [0]))).groups
    assert [copy.split for copy in group.copies] == ["train", "test"]


def test_the_first_pass_loses_no_pair():
    rng = np.random.default_rng(3)
    faces = make_images(BLOCK_IMAGES + 100, seed=3)
    for k in range(0, 400, 2):  # copies of growing unlikeness, some in another block
        noise = rng.normal(0, k / 6, (48, 48))
        faces[-1 - k // 2] = np.clip(faces[k] + noise, 0, 255)
    vectors = _thumbnails(faces[..., None])
    product = vectors.astype(np.float64) @ vectors.T
    expected = {(i, j) for i, j in np.argwhere(product >= 0.9) if i < j}
    left, right, found = _correlated_pairs(vectors, 0.9)
    assert set(zip(left.tolist(), right.tolist(), strict=True)) == expected
    assert len(expected) > 100
    np.testing.assert_allclose(found, product[left, right], atol=1e-5)


@pytest.mark.slow
def test_real_fer2013_holds_its_known_copies(fer2013):
    """Counted a second time, by comparing the bytes of each image."""
    keys = {name: [image.tobytes() for image in split.images] for name, split in fer2013.splits.items()}
    found = exact_duplicates(fer2013)
    for seen, split in combinations(fer2013.splits, 2):
        assert found.across(seen, split) == sum(map(set(keys[seen]).__contains__, keys[split]))
    for name, images in keys.items():
        assert found.within(name) == len(images) - len(set(images))
    assert found.across("Training", "PrivateTest") > 200
    held_out = replace(fer2013, splits={name: fer2013.splits[name] for name in ("PublicTest", "PrivateTest")})
    near = near_duplicates(held_out)
    assert near.across("PublicTest", "PrivateTest") > 30
    assert all(len({copy[:2] for copy in group.copies}) == len(group.copies) > 1 for group in near.groups)
