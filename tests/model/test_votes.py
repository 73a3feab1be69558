import numpy as np
import pytest

from emoscope.model.errors import DataError
from emoscope.model.votes import VOTE_NAMES, clear_majority, vote_counts, vote_distribution
from tests.factories import FER7


def votes(**counts):
    return [[counts.get(name, 0) for name in VOTE_NAMES]]


def test_shares_are_of_those_who_named_a_class_single_votes_included():
    shares, usable = vote_distribution(np.array(votes(neutral=5, sadness=2, anger=1, contempt=2), np.uint8), FER7)
    assert usable.all()
    assert dict(zip(FER7, shares[0].round(3).tolist(), strict=True)) == {
        "angry": 0.125, "disgust": 0, "fear": 0, "happy": 0, "sad": 0.25, "surprise": 0, "neutral": 0.625,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"neutral": 5, "unknown": 5}, True),
        ({"neutral": 4, "unknown": 6}, False),
        ({"contempt": 10}, False),
        ({"NF": 6, "happiness": 4}, False),
        ({}, False),
    ],
)
def test_an_image_is_usable_where_half_of_all_votes_name_a_class(counts, expected):
    shares, usable = vote_distribution(np.array(votes(**counts), np.uint8), FER7)
    assert usable.tolist() == [expected]
    assert shares.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"neutral": 6, "sadness": 4}, "neutral"),
        ({"neutral": 5, "sadness": 5}, None),
        ({"neutral": 5, "sadness": 3, "unknown": 2}, None),
        ({"contempt": 10}, None),
        ({"anger": 5, "fear": 4}, "angry"),  # of nine
    ],
)
def test_a_majority_is_clear_where_more_than_half_of_all_votes_agree(counts, expected):
    label = clear_majority(np.array(votes(**counts), np.uint8), FER7)
    assert label.tolist() == [FER7.index(expected) if expected else -1]


def test_classes_may_come_in_any_order_and_in_other_words():
    counts = np.array(votes(happiness=7, surprise=3))
    assert vote_counts(counts, ["surprise", "happy"]).tolist() == [[3, 7]]
    with pytest.raises(DataError, match="class laughing"):
        vote_counts(counts, ["happy", "laughing"])
