import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from emoscope.model.dataset import (
    FER2013_CLASSES,
    FER2013_TO_FERPLUS,
    FERPLUS_CLASSES,
    VOTE_NAMES,
    ferplus_argmax,
    ferplus_distribution,
    ferplus_majority,
    load_dataset,
    read_votes,
)
from emoscope.model.errors import DataError
from tests.model.dataset.made_up import make_images, make_table, three_splits, write_folders

HEADER = ["Usage", "Image name", *VOTE_NAMES]
NAME = {name: k for k, name in enumerate(VOTE_NAMES)}
vote_rows = arrays(np.float32, st.tuples(st.integers(1, 8), st.just(10)), elements=st.integers(0, 10))


def row(**counts: int) -> list[int]:
    return [counts.get(name, 0) for name in VOTE_NAMES]


def write_votes(folder, usages, emotions, names=None):
    """Write votes that all agree with FER-2013's emotion codes."""
    with (folder / "fer2013new.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        for k, (usage, emotion) in enumerate(zip(usages, emotions, strict=True)):
            votes = [0] * 10
            votes[FER2013_TO_FERPLUS[emotion]] = 10
            writer.writerow([usage, names[k] if names else f"fer{k:07}.png", *votes])
    return folder / "fer2013new.csv"


def majority_by_hand(votes) -> int:
    left = [int(v) if v > 1 else 0 for v in votes]
    top = max(range(10), key=lambda k: (left[k], -k))
    return top if 2 * left[top] > sum(left) and VOTE_NAMES[top] not in ("unknown", "NF") else -1


@given(vote_rows)
def test_majority_is_the_protocol_word_for_word(votes):
    assert ferplus_majority(votes).tolist() == [majority_by_hand(row) for row in votes]


@pytest.mark.parametrize(
    ("votes", "label"),
    [
        (row(happiness=10), "happiness"),
        (row(happiness=6, neutral=4), "happiness"),
        (row(happiness=5, neutral=5), None),
        (row(happiness=5, neutral=2, sadness=2), "happiness"),
        (row(happiness=4, neutral=3, anger=1, fear=1, disgust=1), "happiness"),
        (row(happiness=4, neutral=4, sadness=2), None),
        (row(unknown=6, happiness=4), None),
        (row(NF=10), None),
        (row(**dict.fromkeys(VOTE_NAMES, 1)), None),
        (row(), None),
        (row(contempt=3, NF=2), "contempt"),
    ],
)
def test_majority_of_rows_worked_out_on_paper(votes, label):
    expected = -1 if label is None else FERPLUS_CLASSES.index(label)
    assert ferplus_majority(np.array([votes])).tolist() == [expected]


def test_argmax_keeps_rows_without_majority_and_drops_unknown():
    votes = np.array([row(happiness=4, neutral=3, sadness=3), row(unknown=5, fear=4), row(NF=9), row()])
    assert ferplus_argmax(votes).tolist() == [NAME["happiness"], -1, -1, -1]


@given(vote_rows)
def test_distribution_sums_to_one_and_leans_on_nothing_but_emotions(votes):
    targets, weights = ferplus_distribution(votes)
    assert targets.dtype == weights.dtype == np.float32
    assert targets.shape == (len(votes), 8)
    np.testing.assert_allclose(targets.sum(1), 1, rtol=1e-5)
    assert ((weights >= 0) & (weights <= 1)).all()
    other = votes.copy()
    other[:, 8:] = 0
    kept = weights > 0
    np.testing.assert_array_equal(targets[kept], ferplus_distribution(other)[0][kept])


@pytest.mark.parametrize(
    ("votes", "target", "weight"),
    [
        (row(happiness=8, neutral=2), {"happiness": 0.8, "neutral": 0.2}, 1.0),
        (row(happiness=9, neutral=1), {"happiness": 1.0}, 1.0),
        (row(happiness=6, unknown=2), {"happiness": 1.0}, 0.75),
        (row(sadness=3, fear=3, NF=2), {"sadness": 0.5, "fear": 0.5}, 0.75),
        (row(sadness=3, NF=7), None, 0.0),
        (row(NF=10), None, 0.0),
        (row(unknown=10), None, 0.0),
        (row(), None, 0.0),
    ],
)
def test_distribution_of_rows_worked_out_on_paper(votes, target, weight):
    targets, weights = ferplus_distribution(np.array([votes]))
    uniform = dict.fromkeys(FERPLUS_CLASSES, 1 / 8)
    expected = [(uniform if target is None else target).get(name, 0.0) for name in FERPLUS_CLASSES]
    np.testing.assert_allclose(targets[0], expected, rtol=1e-6)
    assert weights[0] == pytest.approx(weight)


def test_classes_of_both_data_sets_are_paired():
    pairs = {name: FERPLUS_CLASSES[k] for name, k in zip(FER2013_CLASSES, FER2013_TO_FERPLUS, strict=True)}
    assert pairs["happy"] == "happiness" and pairs["sad"] == "sadness" and pairs["angry"] == "anger"
    assert all(pairs[name] == name for name in ("disgust", "fear", "surprise", "neutral"))


def test_votes_beside_a_table_are_joined_by_row(tmp_path):
    images = make_images(6)
    usages = ["PrivateTest", "Training", "Training", "PublicTest", "Training", "PrivateTest"]
    emotions = [0, 3, 4, 5, 6, 1]
    (tmp_path / "fer2013.csv").write_text(make_table(images, emotions, usages))
    write_votes(tmp_path, usages, emotions)
    dataset = load_dataset(tmp_path)
    for split in dataset.splits.values():
        assert ferplus_majority(split.votes).tolist() == [FER2013_TO_FERPLUS[label] for label in split.labels]
    assert not any("votes" in note for note in dataset.notes)


def table_and_votes(folder, change_usages=lambda usages: usages, emotions=None):
    images, labels, usages = three_splits(120)
    (folder / "fer2013.csv").write_text(make_table(images, labels, usages))
    (folder / "votes").mkdir()
    return write_votes(folder / "votes", change_usages(usages), emotions or labels)


@pytest.mark.parametrize(
    ("usages", "emotions", "reason"),
    [
        (lambda usages: usages[::-1], None, "row 1 into PrivateTest where the data says Training"),
        (lambda usages: usages, [(k + 3) % 7 for k in range(120)], "agrees with only 0% of the labels"),
    ],
)
def test_votes_of_other_data_are_refused_when_named_and_noted_when_merely_there(tmp_path, usages, emotions, reason):
    votes = table_and_votes(tmp_path, usages, emotions)
    with pytest.raises(DataError, match=reason):
        load_dataset(tmp_path, votes=votes)
    votes.rename(tmp_path / "fer2013new.csv")
    dataset = load_dataset(tmp_path)
    assert dataset.train.votes is None
    assert reason in dataset.notes[-1]


def test_too_few_votes_are_refused(tmp_path):
    images, labels, usages = three_splits(9)
    (tmp_path / "fer2013.csv").write_text(make_table(images, labels, usages))
    (tmp_path / "votes").mkdir()
    with pytest.raises(DataError, match="has 7 rows, and the data asks for row 9"):
        load_dataset(tmp_path, votes=write_votes(tmp_path / "votes", usages[:7], labels[:7]))


CELLS = [("Training", 3), ("Training", 0), ("PublicTest", 6), ("Training", 4), ("PublicTest", 5), ("PrivateTest", 1),
         ("PrivateTest", 2)]  # fmt: skip


@pytest.mark.parametrize("naming", ["fer{row:07}.png", "{usage}_{row}.jpg", "{usage}_{within}.jpg"])
def test_image_files_that_tell_their_row_get_its_votes(tmp_path, naming):
    images, seen = {}, {}
    for k, (usage, emotion) in enumerate(CELLS):
        within = seen[usage] = seen.get(usage, -1) + 1
        file = naming.format(row=k, usage=usage, within=within)
        images[f"{usage}/{FER2013_CLASSES[emotion]}/{file}"] = make_images(1, seed=k)[0]
    write_folders(tmp_path, images)
    write_votes(tmp_path, *zip(*CELLS, strict=True))
    for split in load_dataset(tmp_path).splits.values():
        assert ferplus_majority(split.votes).tolist() == [FER2013_TO_FERPLUS[label] for label in split.labels]


def test_kaggles_numbers_lead_to_no_row(tmp_path):
    images = {
        f"{usage}/{FER2013_CLASSES[emotion]}/{usage}_{k * 10_007 + 5}.jpg": make_images(1)[0]
        for k, (usage, emotion) in enumerate(CELLS)
    }
    write_folders(tmp_path, images)
    votes = write_votes(tmp_path, *zip(*CELLS, strict=True))
    assert "votes not joined: The file names" in load_dataset(tmp_path).notes[-1]
    with pytest.raises(DataError, match=r"file names .* Use fer2013\.csv"):
        load_dataset(tmp_path, votes=votes)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", r"no FER\+ vote file"),
        ("a,b\n1,2\n", r"no FER\+ vote file"),
        (",".join(HEADER) + "\n", "has a header and no rows"),
        (",".join(HEADER) + "\nTraining,x.png,1,2\n", r"row 1 \(line 2\) has 4 of 12 columns"),
        (",".join(HEADER) + "\nTraining,x.png,1,2,3,4,x,6,7,8,9,0\n", r"row 1 \(line 2\) holds “x”"),
        (",".join(HEADER) + "\nTraining,x.png,1,2,3,4,-5,6,7,8,9,0\n", "holds “-5” where a count"),
    ],
)
def test_a_broken_vote_file_is_refused(tmp_path, text, reason):
    (tmp_path / "votes.csv").write_text(text)
    with pytest.raises(DataError, match=reason):
        read_votes(tmp_path / "votes.csv")
    with pytest.raises(DataError, match="cannot be read"):
        read_votes(tmp_path / "absent.csv")


@pytest.mark.slow
def test_real_votes_give_the_known_number_of_majority_rows(fer2013):
    """The counts that papers on FER+ state for the majority protocol, e.g. arXiv 2103.16854."""
    kept = {name: int((ferplus_majority(split.votes) >= 0).sum()) for name, split in fer2013.splits.items()}
    assert kept == {"Training": 25060, "PublicTest": 3199, "PrivateTest": 3153}
