import pytest

from emoscope.model.dataset import FER2013_CLASSES, load_dataset
from emoscope.model.dataset.class_order import order_classes
from tests.model.dataset.made_up import make_images, write_folders

SEVEN = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


@pytest.mark.parametrize(
    ("words", "names", "notes"),
    [
        (["tired", "Awake", "Tired"], ("Awake", "tired"), ()),
        (["Anger", "contempt", "Joy"], ("Anger", "Joy", "contempt"), ()),
        (
            ["anger", "contempt", "angry"],
            ("angry", "contempt"),
            ("anger and angry are one class, angry.",),
        ),
        (["Disgust", "fear", "disgust"], ("Disgust", "fear"), ("Disgust and disgust are one class, Disgust.",)),
        ([*SEVEN, "suprise"], FER2013_CLASSES, ("suprise and surprise are one class, surprise.",)),
        (["Happiness", *SEVEN[:3], *SEVEN[4:]], FER2013_CLASSES, ()),
    ],
)
def test_words_for_one_class(words, names, notes):
    order = order_classes(words)
    assert (order.names, order.notes) == (names, notes)
    assert all(order.label(word.upper()) == order.label(word) for word in words)


def test_splits_whose_classes_are_called_differently_are_united(tmp_path):
    images = make_images(14)
    other = ("anger", "Disgust", "fearful", "happiness", "sadness", "suprise", "neutral")
    files = {f"train/{name}/{k}.png": images[k] for k, name in enumerate(SEVEN)}
    files |= {f"test/{name}/{k}.png": images[7 + k] for k, name in enumerate(other)}
    dataset = load_dataset(write_folders(tmp_path, files))
    assert dataset.class_names == FER2013_CLASSES
    for split in dataset.splits.values():
        assert split.class_counts(7).tolist() == [1] * 7
    by_name = dict(zip(dataset.test.names.tolist(), dataset.test.labels.tolist(), strict=True))
    assert [by_name[f"test/{name}/{k}.png"] for k, name in enumerate(other)] == [0, 1, 2, 3, 4, 5, 6]
    assert dataset.notes == (
        "anger and angry are one class, angry.",
        "Disgust and disgust are one class, disgust.",
        "fear and fearful are one class, fear.",
        "happiness and happy are one class, happy.",
        "sad and sadness are one class, sad.",
        "suprise and surprise are one class, surprise.",
    )


def test_emotions_are_united_where_they_are_others_than_the_seven(tmp_path):
    images = make_images(4)
    files = {"train/surprise/0.png": images[0], "train/contempt/1.png": images[1]}
    files |= {"test/suprise/2.png": images[2], "test/Contempt/3.png": images[3]}
    dataset = load_dataset(write_folders(tmp_path, files))
    assert dataset.class_names == ("Contempt", "surprise")
    assert dataset.test.class_counts(2).tolist() == [1, 1]
