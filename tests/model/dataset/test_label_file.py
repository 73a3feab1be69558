from pathlib import Path
from zipfile import ZipFile

import pytest

from emoscope.model.dataset import FER2013_CLASSES, load_dataset
from emoscope.model.dataset.label_file import parse_class_file
from emoscope.model.errors import DataError
from tests.model.dataset.made_up import make_images, write_folders

IMAGES = make_images(24)
RAF = ("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral")
RAF_NOTE = "Label codes are taken as RAF-DB's: 1 surprise, 2 fear, 3 disgust, 4 happy, 5 sad, 6 angry, 7 neutral."


def labels(dataset) -> dict[str, str]:
    """Return the class of each image by its path."""
    return {
        str(name): dataset.class_names[label]
        for split in dataset.splits.values()
        for name, label in zip(split.names, split.labels, strict=True)
    }


def test_raf_db_as_it_comes(tmp_path):
    names = [f"{'train' if k < 14 else 'test'}_{k:05}" for k in range(21)]
    files = {f"Image/aligned/{name}_aligned.jpg": IMAGES[k] for k, name in enumerate(names)}
    files |= {f"Image/original/{name}.jpg": IMAGES[k] for k, name in enumerate(names)}
    root = write_folders(tmp_path / "basic", files)
    (root / "EmoLabel").mkdir()
    rows = [f"{name}.jpg {k % 7 + 1}" for k, name in enumerate(names)]
    (root / "EmoLabel" / "list_patition_label.txt").write_text("\n".join(rows) + "\n")
    dataset = load_dataset(root)
    assert dataset.class_names == FER2013_CLASSES
    assert dataset.split_sizes == {"train": 14, "test": 7}
    assert labels(dataset) == {f"Image/aligned/{name}_aligned.jpg": RAF[k % 7] for k, name in enumerate(names)}
    assert dataset.form == "folders with labels of list_patition_label.txt (train/test)"
    assert dataset.notes == (
        "Labels of 21 images come from list_patition_label.txt.",
        RAF_NOTE,
        "21 images without a label were left out.",
    )
    by_list = load_dataset(root / "EmoLabel" / "list_patition_label.txt")
    assert by_list.fingerprint == dataset.fingerprint


def test_folders_one_to_seven_are_raf_dbs_with_or_without_lists(tmp_path):
    files = {f"DATASET/{s}/{c}/{s}_{c}.jpg": IMAGES[c] for s in ("train", "test") for c in range(1, 8)}
    root = write_folders(tmp_path / "archive", files)
    dataset = load_dataset(root)
    assert dataset.class_names == FER2013_CLASSES
    assert dataset.split_sizes == {"train": 7, "test": 7}
    assert labels(dataset) == {path: RAF[int(path.split("/")[2]) - 1] for path in files}
    assert dataset.notes == (RAF_NOTE,)
    for split in ("train", "test"):
        rows = [f"{split}_{c}.jpg,{c}" for c in range(1, 8)]
        (root / f"{split}_labels.csv").write_text("\n".join(["image,label", *rows]))
    listed = load_dataset(root)
    assert labels(listed) == labels(dataset)
    assert listed.split_sizes == dataset.split_sizes
    assert listed.notes == ("Labels of 14 images come from test_labels.csv, train_labels.csv.", RAF_NOTE)


def test_affectnets_lists_over_numbered_folders(tmp_path):
    files = {f"Manually_Annotated_Images/{k % 3 + 689}/{k:02}ab.jpg": IMAGES[k] for k in range(20)}
    root = write_folders(tmp_path / "set", files)
    header = "subDirectory_filePath,face_x,facial_landmarks,expression,valence"
    landmarks = ";".join(f"{k}.5" for k in range(136))
    rows = [f"{k % 3 + 689}/{k:02}ab.jpg,12,{landmarks},{k % 10},-2" for k in range(20)]
    (root / "training.csv").write_text("\n".join([header, *rows[:14]]))
    (root / "validation.csv").write_text("\n".join([header, *rows[14:], "999/gone.jpg,1,2;3,4,0"]))
    dataset = load_dataset(root)
    order = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt")
    assert dataset.class_names == (*FER2013_CLASSES, "contempt")
    assert dataset.split_sizes == {"train": 12, "validation": 4}
    assert labels(dataset) == {path: order[k % 10] for k, path in enumerate(files) if k % 10 < 8}
    assert dataset.notes[0] == "Labels of 16 images come from training.csv, validation.csv."
    assert "AffectNet's: 0 neutral, 1 happy" in dataset.notes[1]
    assert dataset.notes[1].endswith("Images with 8, 9, which name no class, were left out.")
    assert "1 image that training.csv, validation.csv lists is not there." in dataset.notes


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl"])
def test_hugging_faces_metadata_in_each_split(tmp_path, name):
    files = {f"{split}/{k}.png": IMAGES[k] for k in range(5) for split in ("train", "test")}
    root = write_folders(tmp_path / "faces", files)
    for split in ("train", "test"):
        if name.endswith("csv"):
            rows = ["file_name,label", *(f"{k}.png,{'calm' if k % 2 else 'tense'}" for k in range(5))]
        else:
            rows = [f'{{"file_name": "{k}.png", "label": "{"calm" if k % 2 else "tense"}"}}' for k in range(5)]
        (root / split / name).write_text("\n".join(rows))
    dataset = load_dataset(root)
    assert dataset.class_names == ("calm", "tense")
    assert dataset.split_sizes == {"train": 5, "test": 5}
    assert labels(dataset)["test/1.png"] == "calm" and labels(dataset)["train/2.png"] == "tense"


def test_a_list_with_splits_by_windows_paths(tmp_path):
    root = write_folders(tmp_path / "mine", {f"pictures/{k}.png": IMAGES[k] for k in range(6)})
    rows = [f"pictures\\{k}.png;{'happy' if k % 2 else 'sad'};{['train', 'val', 'test'][k // 2]}" for k in range(6)]
    (root / "list.csv").write_text("\n".join(["path;emotion;split", *rows]))
    dataset = load_dataset(root / "list.csv")
    assert dataset.split_sizes == {"train": 2, "validation": 2, "test": 2}
    assert labels(dataset)["pictures/3.png"] == "happy"


def test_a_list_without_splits_is_split(tmp_path):
    files = {f"{k}.png": IMAGES[k] for k in range(20)}
    root = write_folders(tmp_path / "flat", files)
    (root / "labels.csv").write_text("\n".join(["file,label", *(f"{k}.png,{'ab'[k % 2]}" for k in range(20))]))
    dataset = load_dataset(root)
    assert dataset.split_sizes == {"train": 16, "validation": 2, "test": 2}
    assert "No splits came with it: 80/10/10 were made by class (seed 0)." in dataset.notes


def test_a_zip_with_a_list(tmp_path):
    write_folders(tmp_path / "plain", {f"x/{k}.png": IMAGES[k] for k in range(4)})
    with ZipFile(tmp_path / "faces.zip", "w") as archive:
        for file in sorted((tmp_path / "plain").rglob("*.png")):
            archive.write(file, Path("faces") / file.relative_to(tmp_path / "plain"))
        archive.writestr("faces/labels.csv", "image,class\n" + "\n".join(f"{k}.png,{'ab'[k % 2]}" for k in range(4)))
    dataset = load_dataset(tmp_path / "faces.zip")
    assert labels(dataset) == {f"faces/x/{k}.png": "ab"[k % 2] for k in range(4)}
    assert dataset.form == "zipped folders with labels of labels.csv (all)"


@pytest.mark.parametrize("text", ["calm\ntense\nsleepy\n", "3 calm\n4 tense\n5: sleepy", "calm,3\ntense,4\nsleepy,5"])
def test_classes_txt_names_numbers(tmp_path, text):
    first = 1 if text.startswith("calm\n") else 3
    files = {f"train/{first + c}/{c}.png": IMAGES[c] for c in range(3)}
    root = write_folders(tmp_path / "d", files)
    (root / "classes.txt").write_text(text)
    dataset = load_dataset(root)
    assert dataset.class_names == ("calm", "sleepy", "tense")
    assert labels(dataset) == {path: ("calm", "tense", "sleepy")[c] for c, path in enumerate(files)}
    numbered = f"{first} calm, {first + 1} tense, {first + 2} sleepy"
    assert dataset.notes == (f"Label codes are named by classes.txt: {numbered}.",)
    (root / "classes.txt").write_text("calm\ntense\n")
    with pytest.raises(DataError, match=r"classes\.txt names no class \d, which some images have"):
        load_dataset(root)


def test_numbers_of_unknown_meaning_stay_and_it_is_said(tmp_path):
    files = {f"train/{c}/{c}.png": IMAGES[c] for c in range(8)}
    dataset = load_dataset(write_folders(tmp_path / "numbers", files))
    assert dataset.class_names == tuple("01234567")
    assert dataset.notes == (
        "Label codes 0, 1, 2, 3, 4, 5, 6, 7 stay numbers: nothing tells whose they are. "
        "A file classes.txt beside them names them.",
    )


def test_folders_named_after_emotions_count_more_than_a_list(tmp_path):
    files = {f"train/{name}/{k}.png": IMAGES[k] for k, name in enumerate(("happy", "sad"))}
    root = write_folders(tmp_path / "d", files)
    (root / "guesses.csv").write_text("file,label\n0.png,sad\n1.png,happy\n")
    assert labels(load_dataset(root)) == {"train/happy/0.png": "happy", "train/sad/1.png": "sad"}
    assert labels(load_dataset(root / "guesses.csv")) == {"train/happy/0.png": "sad", "train/sad/1.png": "happy"}


def test_a_list_of_other_images_is_refused(tmp_path):
    root = write_folders(tmp_path / "d", {f"{k}.png": IMAGES[k] for k in range(4)})
    (root / "list.csv").write_text("file,label\n8.png,a\n9.png,b\n")
    with pytest.raises(DataError, match=r"list\.csv lists images that are not below d\."):
        load_dataset(root / "list.csv")


def test_a_list_of_files_is_no_class_file():
    assert parse_class_file(b"train_1.jpg 3\n") == []
    assert parse_class_file(b"calm\n3 tense\n") == []


def test_a_list_without_a_header_has_two_columns(tmp_path):
    root = write_folders(tmp_path / "d", {f"{k}.png": IMAGES[k] for k in range(4)})
    (root / "list.csv").write_text("".join(f"{k}.png,{'ab'[k % 2]}\n" for k in range(4)))
    assert labels(load_dataset(root)) == {f"{k}.png": "ab"[k % 2] for k in range(4)}
    (root / "list.csv").write_text("".join(f"{k}.png,(0 0 48 48),4,0\n" for k in range(4)))
    with pytest.raises(DataError, match="neither a FER-2013 table nor images"):
        load_dataset(root)


def test_another_table_beside_folders_of_classes_does_not_matter(tmp_path):
    root = write_folders(tmp_path / "d", {f"{c}/{k}.png": IMAGES[k] for c in ("calm", "tense") for k in range(10)})
    (root / "figures.csv").write_text("epoch,loss\n1,0.5\n")
    assert load_dataset(root).split_sizes == {"train": 16, "validation": 2, "test": 2}
    with ZipFile(tmp_path / "d.zip", "w") as archive:
        for file in sorted(root.rglob("*.*")):
            archive.write(file, file.relative_to(tmp_path))
    assert load_dataset(tmp_path / "d.zip").split_sizes == {"train": 16, "validation": 2, "test": 2}
