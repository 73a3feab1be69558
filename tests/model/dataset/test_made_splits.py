from collections import Counter

import numpy as np
import pytest

from emoscope.model.dataset import load_dataset
from emoscope.model.dataset.made_splits import make_splits, split_parts, subject_of, without_made_splits
from emoscope.model.dataset.samples import fingerprint
from tests.model.dataset.made_up import make_images, write_folders

EMOTIONS = ("AN", "DI", "FE", "HA", "NE", "SA", "SU")


def test_ten_images_of_each_class_give_eight_one_and_one():
    labels = np.repeat([0, 1, 2], [10, 20, 54])
    chosen, note = make_splits(labels, [f"{k}.png" for k in range(84)])
    counts = {name: np.bincount(labels[part]).tolist() for name, part in split_parts(chosen).items()}
    assert counts == {"train": [8, 16, 44], "validation": [1, 2, 5], "test": [1, 2, 5]}
    assert note == "No splits came with it: 80/10/10 were made by class (seed 0)."


def test_the_same_samples_are_dealt_the_same_way():
    labels = np.arange(100) % 5
    names = [f"{k}.png" for k in range(100)]
    np.testing.assert_array_equal(make_splits(labels, names)[0], make_splits(labels, names)[0])


def test_too_few_images_stay_together():
    assert make_splits(np.repeat([0, 1], [9, 30]), ["x"] * 39) == (
        None,
        "There are no splits, and too few images of a class (9) to make some.",
    )


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("CK+48/happy/S010_004_00000017.png", "S010"),
        ("happy/s999_003_00000055.PNG", "S999"),
        ("HA/KA.AN1.39.tiff", "KA"),
        ("happy/Training_17.jpg", ""),
        ("happy/1.png", ""),
    ],
)
def test_subjects_by_file_name(name, subject):
    assert subject_of(name) == subject


def test_two_people_are_too_few():
    names = [f"{who}.HA{k}.{k}.tiff" for who in ("KA", "KL") for k in range(10)]
    assert make_splits(np.arange(20) % 2, names) == (
        None,
        "There are no splits, and too few people (2) to make some.",
    )


def test_ck_folders_without_splits_keep_each_person_in_one_split(tmp_path):
    pictures = make_images(14)
    files = {
        f"CK+48/{name}/S{subject:03}_00{k}_000000{frame:02}.png": pictures[k * 2]
        for k, name in enumerate(("anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise"))
        for subject in range(30)
        for frame in (17, 18)
        if (subject + k) % 3
    }
    write_folders(tmp_path, files)
    dataset, by_parent = load_dataset(tmp_path / "CK+48"), load_dataset(tmp_path)
    assert by_parent.fingerprint == dataset.fingerprint
    assert dataset.class_names == ("anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")
    assert dataset.name == "CK+48"
    assert dataset.split_sizes == {"train": 224, "validation": 28, "test": 28}
    people = [{subject_of(str(name)) for name in split.names} for split in dataset.splits.values()]
    assert [len(group) for group in people] == [24, 3, 3]
    assert not (people[0] & people[1] or people[0] & people[2] or people[1] & people[2])
    for split in dataset.splits.values():
        assert split.class_counts(7).min() >= 0.1 * len(split)
    assert dataset.notes == (
        "No splits came with it: 80/10/10 were made by class and person (seed 0); none of 30 people is in two splits.",
    )


def test_made_splits_are_put_together_again(tmp_path):
    files = {f"{c}/{k}.png": image for c in ("calm", "tense") for k, image in enumerate(make_images(12))}
    dataset = load_dataset(write_folders(tmp_path / "d", files))
    whole = without_made_splits(dataset)
    assert dataset.made_splits and not whole.made_splits
    assert whole.split_sizes == {"all": 24}
    assert whole.splits["all"].names.tolist() == sorted(files)
    assert whole.splits["all"].labels.tolist() == [0] * 12 + [1] * 12
    assert whole.fingerprint == fingerprint(whole.splits) != dataset.fingerprint
    assert without_made_splits(whole) is whole


def test_jaffe_has_ten_people_of_whom_one_is_for_each_held_out_split(tmp_path):
    people = ("KA", "KL", "KM", "KR", "MK", "NA", "NM", "TM", "UY", "YM")
    files = {
        f"{emotion}/{who}.{emotion}{k}.{k}.tiff": make_images(1, seed=k)[0]
        for emotion in EMOTIONS
        for who in people
        for k in (1, 2)
    }
    dataset = load_dataset(write_folders(tmp_path / "jaffe", files))
    assert dataset.split_sizes == {"train": 112, "validation": 14, "test": 14}
    shown = Counter(subject_of(str(name)) for split in dataset.splits.values() for name in set(split.names))
    assert shown == dict.fromkeys(people, 14)


def test_fer2013s_own_file_names_say_the_split_in_folders_of_classes_alone(tmp_path):
    images = make_images(6)
    names = ("Training", "PublicTest", "PrivateTest")
    files = {f"{c}/{split}_{k}.png": images[k] for c in ("happy", "sad") for k, split in enumerate(names)}
    dataset = load_dataset(write_folders(tmp_path, files))
    assert dataset.split_sizes == {"Training": 2, "PublicTest": 2, "PrivateTest": 2}
    assert dataset.notes == ()
