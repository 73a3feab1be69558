from collections.abc import Sequence
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

from emoscope.model.dataset import FER2013_CLASSES, load_dataset
from emoscope.model.dataset.columns import sniff
from emoscope.model.errors import DataError
from tests.model.dataset.made_up import HEADER, make_images, make_table, table_row

SMALL = make_images(20, side=28)
USAGES = ["Training"] * 10 + ["PublicTest"] * 5 + ["PrivateTest"] * 5
NAMES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral", "contempt")


def pixels_of(image: np.ndarray, separator: str = " ") -> str:
    return separator.join(map(str, image.ravel()))


def table(header: str, rows: Sequence[str]) -> str:
    return "\n".join([header, *rows]) + "\n"


def write(folder: Path, text: str, name: str = "faces.csv") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def all_labels(dataset) -> list[str]:
    return [dataset.class_names[label] for split in dataset.splits.values() for label in split.labels]


def test_codes_to_seven_are_those_of_ck_extended(tmp_path):
    images = make_images(20)
    dataset = load_dataset(write(tmp_path, make_table(images, [k % 8 for k in range(20)], USAGES), "ckextended.csv"))
    assert dataset.name == "ckextended"
    assert dataset.class_names == NAMES
    assert dataset.split_sizes == {"Training": 10, "PublicTest": 5, "PrivateTest": 5}
    assert dataset.train.labels.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 0, 1]
    np.testing.assert_array_equal(dataset.train.images[..., 0], images[:10])
    assert dataset.notes[0] == (
        "Columns separated by commas: label from emotion, pixels from pixels, split from Usage; 48×48 pixels."
    )
    assert dataset.notes[1] == (
        "Label codes are taken as CK+ extended's: 0 angry, 1 disgust, 2 fear, 3 happy, 4 sad, 5 surprise, 6 neutral, "
        "7 contempt."
    )


@pytest.mark.parametrize(
    ("header", "row", "described"),
    [
        (
            "label;image;split",
            lambda k: f"{NAMES[k % 7]};{pixels_of(SMALL[k])};{USAGES[k]}",
            "semicolons: label from label, pixels from image, split from split",
        ),
        (
            "\texpression\tpixel\tset",
            lambda k: f"{k}\t{float(k % 7)}\t[{pixels_of(SMALL[k])}]\t{USAGES[k]}",
            "tabs: label from expression, pixels from pixel, split from set",
        ),
        (
            ",class,data,Usage",
            lambda k: f'{k},{k % 7},"[{pixels_of(SMALL[k], ", ")}]",{USAGES[k]}',
            "commas: label from class, pixels from data, split from Usage",
        ),
        (
            "Unnamed: 0,what,x,subset",
            lambda k: f'{k}, "{NAMES[k % 7].upper()}","{SMALL[k].tolist()!s}",{USAGES[k]}',
            "commas: label from what, pixels from x, split from subset",
        ),
        (
            "label," + ",".join(f"pixel{i}" for i in range(784)) + ",usage",
            lambda k: f"{k % 7},{pixels_of(SMALL[k], ',')},{USAGES[k]}",
            "commas: label from label, pixels from pixel0 to pixel783, split from usage",
        ),
        (
            "pixels,Emotion,Usage",
            lambda k: f"{pixels_of(SMALL[k]).replace(' ', '.0 ')},{k % 7}.0,{USAGES[k]}",
            "commas: label from Emotion, pixels from pixels, split from Usage",
        ),
    ],
    ids=["semicolons and words", "tabs and floats", "brackets and commas", "nested", "a column per pixel", "float"],
)
def test_columns_codes_and_separators_are_recognised(tmp_path, header, row, described):
    dataset = load_dataset(write(tmp_path, table(header, [row(k) for k in range(20)])), size=(28, 28))
    assert dataset.class_names == FER2013_CLASSES
    assert list(dataset.splits) == ["Training", "PublicTest", "PrivateTest"]
    assert all_labels(dataset) == [NAMES[k % 7] for k in range(20)]
    together = np.concatenate([split.images[..., 0] for split in dataset.splits.values()])
    np.testing.assert_array_equal(together, SMALL)
    assert dataset.splits["PublicTest"].names[0] == "row 11"
    assert f"Columns separated by {described}; 28×28 pixels." in dataset.notes


def test_other_sizes_are_brought_to_the_size_wanted(tmp_path):
    file = write(tmp_path, table("label,pixels", [f"{k % 2},{pixels_of(SMALL[k])}" for k in range(20)]))
    gray, rgb = load_dataset(file), load_dataset(file, size=(64, 32), channels=3)
    assert gray.train.images.shape == (16, 48, 48, 1)
    assert rgb.train.images.shape == (16, 64, 32, 3)
    assert gray.fingerprint == rgb.fingerprint


def test_a_table_without_splits_is_split(tmp_path):
    rows = [f"{'happy' if k % 2 else 'sad'},{pixels_of(SMALL[k])}" for k in range(20)]
    dataset = load_dataset(write(tmp_path, table("label,pixels", rows)))
    assert dataset.class_names == ("happy", "sad")
    assert dataset.split_sizes == {"train": 16, "validation": 2, "test": 2}
    assert "No splits came with it: 80/10/10 were made by class (seed 0)." in dataset.notes


def test_codes_that_no_data_set_has_stay_numbers(tmp_path):
    rows = [f"{[3, 40][k % 2]},{pixels_of(SMALL[k])}" for k in range(20)]
    dataset = load_dataset(write(tmp_path, table("label,pixels", rows)))
    assert dataset.class_names == ("3", "40")
    assert any("Label codes 3, 40 stay numbers" in note for note in dataset.notes)


def challenge() -> dict[str, str]:
    images = make_images(24)
    labelled = [f"{k % 2 + 3},{pixels_of(images[k])}" for k in range(20)]
    return {
        "train.csv": table("emotion,pixels", labelled),
        "test.csv": table("pixels", [pixels_of(image) for image in images[20:]]),
        "example_submission.csv": table("emotion", ["0"] * 4),
    }


def test_a_table_with_file_names_beside_the_pixels_is_a_table(tmp_path):
    rows = [f"{k}.png,{'ab'[k % 2]},{pixels_of(SMALL[k])}" for k in range(20)]
    dataset = load_dataset(write(tmp_path, table("file,label,pixels", rows)))
    assert dataset.split_sizes == {"train": 16, "validation": 2, "test": 2}


def test_the_one_folder_in_a_folder_is_looked_into(tmp_path):
    for name, text in challenge().items():
        write(tmp_path / "challenge", text, name)
    assert load_dataset(tmp_path).form == "tables (train.csv, test.csv)"


@pytest.mark.parametrize("zipped", [False, True])
def test_kaggles_challenge_folder_is_one_set_and_its_unlabelled_test_stays_apart(tmp_path, zipped):
    place = tmp_path / ("challenge.zip" if zipped else "challenge")
    if zipped:
        with ZipFile(place, "w") as archive:
            for name, text in challenge().items():
                archive.writestr(f"challenges/{name}", text)
    else:
        for name, text in challenge().items():
            write(place, text, name)
    dataset = load_dataset(place)
    assert dataset.name == "challenge"
    assert dataset.form == "tables (train.csv, test.csv)"
    assert dataset.class_names == FER2013_CLASSES
    assert dataset.split_sizes == {"train": 16, "validation": 2, "test": 2}
    assert set(all_labels(dataset)) == {"happy", "sad"}
    assert "test.csv holds 4 images without a label, kept apart from the splits." in dataset.notes


def test_tables_called_after_splits_are_the_splits(tmp_path):
    for k, name in enumerate(("train.csv", "valid.csv", "test.csv")):
        rows = [f"{NAMES[j % 7]};{pixels_of(SMALL[j])}" for j in range(7 + k)]
        write(tmp_path / "d", table("emotion;pixels", rows), name)
    dataset = load_dataset(tmp_path / "d")
    assert dataset.split_sizes == {"train": 7, "validation": 8, "test": 9}
    assert dataset.test.names[8] == "test.csv row 9"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (table("label,pixels", ["1," + pixels_of(SMALL[0]), "2,1 2 3"]), "row 2 has 3 pixels, and the rows before it"),
        (table("label,pixels", ["1," + pixels_of(SMALL[0]) + " 4"]), "785 pixels, which make no square"),
        (table("label,pixels", ["1," + pixels_of(SMALL[0]).replace(" ", " 300 ", 1)]), "outside 0..255"),
        (table("label,pixels", ["1," + pixels_of(SMALL[0]).replace(" ", " 0.5 ", 1)]), "no whole number"),
        (
            table("label,pixels", ["1," + pixels_of(SMALL[0]), "sad," + pixels_of(SMALL[1])]),
            "some words, such as “sad”",
        ),
        (table("label,pixels", ["1," + pixels_of(SMALL[0]), "2"]), "row 2 has 1 of 2 columns"),
        (table("label,pixels", ["sad," + pixels_of(SMALL[0])]), "only one class, sad"),
        (table("pixels", [pixels_of(SMALL[0])]), "has no labels"),
        (table("label,age", ["1,20"]), "has no column of pixels; its columns are label, age"),
        (
            table(HEADER, [table_row(make_images(1)[0], usage=u) for u in ("Test", "PublicTest")]),
            "row 1 .* Usage “Test”",
        ),
        (table(HEADER, [table_row(make_images(1)[0]), table_row(make_images(1)[0])[:99]]), "row 2 .* is cut short"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, reason):
    with pytest.raises(DataError, match=reason) as caught:
        load_dataset(write(tmp_path, text))
    assert caught.value.action


def test_progress_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("emoscope.model.dataset.table_form.ROWS_PER_PROGRESS", 5)
    file = write(tmp_path, table("label,pixels", [f"{k % 2},{pixels_of(SMALL[k])}" for k in range(20)]))
    seen = []
    load_dataset(file, progress=lambda done, total: seen.append((done, total)))
    assert len(seen) >= 4 and {total for _, total in seen} == {file.stat().st_size}


def test_what_is_no_table_is_not_sniffed():
    assert sniff(b"") is None
    assert sniff(b"one line") is None
    assert sniff(b"\x89PNG\r\n\x1a\n\x00\x00\n1") is None


def test_classes_txt_beside_a_table_names_its_codes(tmp_path):
    file = write(tmp_path, table("label,pixels", [f"{k % 2},{pixels_of(SMALL[k])}" for k in range(20)]))
    write(tmp_path, "calm\ntense\n", "classes.txt")
    dataset = load_dataset(file)
    assert dataset.class_names == ("calm", "tense")
    assert "Label codes are named by classes.txt: 0 calm, 1 tense." in dataset.notes
