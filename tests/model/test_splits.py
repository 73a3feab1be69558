import pytest

from emoscope.model.splits import by_importance, find_split, is_training


@pytest.mark.parametrize(
    ("splits", "order"),
    [
        (("Training", "PublicTest", "PrivateTest"), ("PrivateTest", "PublicTest", "Training")),
        (("validation", "train", "test"), ("test", "validation", "train")),
        (("other", "PublicTest", "another"), ("PublicTest", "another", "other")),
        ((), ()),
    ],
)
def test_the_test_split_comes_first_and_what_was_learned_from_last(splits, order):
    assert by_importance(splits) == order


def test_each_part_is_found_by_either_name():
    assert find_split("test", ["train", "test"]) == "test"
    assert find_split("validation", ["PublicTest", "validation"]) == "PublicTest"
    assert find_split("test", ["Training"]) is None
    assert is_training("train") and is_training("Training") and not is_training("PublicTest")
