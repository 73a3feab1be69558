import os
import time
from pathlib import Path
from zipfile import ZipFile

import cv2
import numpy as np
import pytest

from emoscope.model.dataset import FER2013_CLASSES, load_dataset
from emoscope.model.dataset.folder_form import broken_note
from emoscope.model.errors import DataError
from tests.model.dataset.made_up import make_images, three_splits, write_folders, write_image

IMAGES = make_images(14)
FER_FOLDERS = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")


def seven_classes(splits: tuple[str, ...], classes=FER_FOLDERS, pattern="{split}/{name}/{k}.png") -> dict:
    cells = [(split, name) for split in splits for name in classes]
    return {pattern.format(split=s, name=n, k=k): IMAGES[k % 14] for k, (s, n) in enumerate(cells)}


def test_kaggle_folders_give_back_the_original_splits(tmp_path):
    images = {f"train/{name}/Training_{k * 17}.jpg": IMAGES[k] for k, name in enumerate(FER_FOLDERS)}
    images |= {f"test/{name}/PublicTest_{k * 31}.jpg": IMAGES[k] for k, name in enumerate(FER_FOLDERS)}
    images |= {f"test/{name}/PrivateTest_{k * 13}.jpg": IMAGES[k] for k, name in enumerate(FER_FOLDERS[:5])}
    dataset = load_dataset(write_folders(tmp_path / "archive", images))
    assert dataset.name == "FER-2013"
    assert dataset.class_names == FER2013_CLASSES
    assert dataset.split_sizes == {"Training": 7, "PublicTest": 7, "PrivateTest": 5}
    assert list(dataset.splits) == ["Training", "PublicTest", "PrivateTest"]
    assert dataset.notes == ("PrivateTest has no image of sad, surprise.",)
    split = dataset.splits["Training"]
    for path, label, image in zip(split.names, split.labels, split.images, strict=True):
        assert FER2013_CLASSES[label] == path.split("/")[1]
        np.testing.assert_array_equal(image[..., 0], cv2.imread(tmp_path / "archive" / path, cv2.IMREAD_GRAYSCALE))


def test_images_train_and_images_validation_are_found(tmp_path):
    dataset = load_dataset(write_folders(tmp_path / "faces", seven_classes(("images/train", "images/validation"))))
    assert dataset.split_sizes == {"train": 7, "validation": 7}
    assert dataset.class_names == FER2013_CLASSES
    assert dataset.train is dataset.splits["train"]
    assert dataset.validation is dataset.splits["validation"]
    assert dataset.test is None


def test_a_copy_of_the_folders_inside_themselves_is_read_once(tmp_path):
    images = seven_classes(("images/train", "images/validation"))
    images |= {f"images/{path}": image for path, image in images.items()}
    dataset = load_dataset(write_folders(tmp_path, images))
    assert dataset.split_sizes == {"train": 7, "validation": 7}
    assert dataset.notes == ("14 images outside of the folders of classes were left out.",)


@pytest.mark.parametrize(
    "classes",
    [
        ("Anger", "Disgust", "Fear", "Happiness", "Neutral", "Sadness", "Surprise"),
        ("ANGRY", "disgusted", "Fearful", "happy", "neutral", "SAD", "surprised"),
    ],
)
def test_synonyms_of_the_seven_come_in_the_order_of_fer2013(tmp_path, classes):
    dataset = load_dataset(write_folders(tmp_path, seven_classes(("train", "test"), classes)))
    assert dataset.class_names == FER2013_CLASSES
    folders = [str(name).split("/")[1] for name in dataset.train.names]
    by_folder = dict(zip(folders, dataset.train.labels.tolist(), strict=True))
    assert [by_folder[name] for name in classes] == [0, 1, 2, 3, 6, 4, 5]


def test_ones_own_classes_are_sorted_and_may_differ_in_case_between_splits(tmp_path):
    images = {"Train/tired/a.png": IMAGES[0], "Train/Awake/b.png": IMAGES[1], "VAL/Tired/c.png": IMAGES[2]}
    dataset = load_dataset(write_folders(tmp_path / "office", images))
    assert dataset.name == "office"
    assert dataset.class_names == ("Awake", "tired")
    assert dataset.split_sizes == {"train": 2, "validation": 1}
    assert dataset.train.labels.tolist() == [0, 1]
    assert dataset.validation.labels.tolist() == [1]
    assert dataset.notes == ("validation has no image of Awake.",)


def test_splits_may_have_any_name_and_order_is_training_first(tmp_path):
    images = {f"{split}/{name}/x.png": IMAGES[0] for split in ("fold_a", "testing", "valid", "train") for name in "ab"}
    assert list(load_dataset(write_folders(tmp_path, images)).splits) == ["train", "validation", "test", "fold_a"]


@pytest.mark.parametrize("folders", [("Training", "PublicTest", "PrivateTest"), ("FER2013Train", "FER2013Valid")])
def test_folders_named_like_the_usages_are_fer2013(tmp_path, folders):
    dataset = load_dataset(write_folders(tmp_path, seven_classes(folders)))
    assert dataset.name == "FER-2013"
    assert list(dataset.splits) == ["Training", "PublicTest", "PrivateTest"][: len(folders)]


def test_size_and_colour_are_brought_to_what_is_asked(tmp_path):
    color = cv2.merge([make_images(1, seed, side=200)[0] for seed in range(3)])
    write_folders(tmp_path, {"train/a/big.png": color, "train/b/small.png": make_images(1, side=20)[0]})
    gray = load_dataset(tmp_path)
    assert gray.train.images.shape == (2, 48, 48, 1)
    expected = cv2.resize(cv2.cvtColor(color, cv2.COLOR_BGR2GRAY), (48, 48), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(gray.train.images[0, ..., 0], expected)
    rgb = load_dataset(tmp_path, size=(64, 32), channels=3)
    assert rgb.train.images.shape == (2, 64, 32, 3)
    expected = cv2.resize(cv2.cvtColor(color, cv2.COLOR_BGR2RGB), (32, 64), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(rgb.train.images[0], expected)
    assert rgb.fingerprint == gray.fingerprint, "what is in the files does not depend on the size wanted"


def test_formats_and_suffixes_in_any_case_are_read(tmp_path):
    for k, suffix in enumerate((".JPG", ".Jpeg", ".PNG", ".bmp", ".WEBP", ".tiff", ".pgm")):
        write_image(tmp_path / "train" / "ab"[k % 2] / f"{k}{suffix}", IMAGES[k])
    assert len(load_dataset(tmp_path).train) == 7


def test_a_lossless_copy_hashes_like_the_table(tmp_path):
    images, emotions, usages = three_splits()
    samples = zip(images, emotions, usages, strict=True)
    files = {f"{u}/{FER2013_CLASSES[e]}/{k}.png": i for k, (i, e, u) in enumerate(samples)}
    files["Training/neutral/x.bmp"] = cv2.cvtColor(images[0], cv2.COLOR_GRAY2BGR)
    dataset = load_dataset(write_folders(tmp_path, files))
    hash_of = dict(zip(dataset.train.names.tolist(), dataset.train.pixel_hash.tolist(), strict=True))
    assert hash_of["Training/neutral/x.bmp"] == hash_of["Training/angry/0.png"]


def test_hidden_files_are_ignored(tmp_path):
    write_folders(tmp_path, seven_classes(("train",)))
    for name in (".DS_Store", "train/.DS_Store", "train/happy/.DS_Store", "train/happy/Thumbs.db", "train/sad/._1.png"):
        (tmp_path / name).write_bytes(b"\0\1\2")
    (tmp_path / "train" / ".ipynb_checkpoints").mkdir()
    (tmp_path / "README.txt").write_text("faces")
    dataset = load_dataset(tmp_path)
    assert len(dataset.train) == 7
    assert dataset.notes == ()


def test_linked_folders_are_followed_and_circles_end(tmp_path):
    store = write_folders(tmp_path / "store", {"x/a/1.png": IMAGES[0], "x/b/2.png": IMAGES[1]})
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train").symlink_to(store / "x")
    assert len(load_dataset(tmp_path / "data").train) == 2
    (store / "x" / "a" / "again").symlink_to(store / "x" / "a")
    with pytest.raises(DataError, match="several folders"):
        load_dataset(tmp_path / "data")


def test_a_zip_of_folders_is_read_in_place(tmp_path):
    write_folders(tmp_path / "plain", seven_classes(("train", "test"), pattern="{split}/{name}/{k}.png"))
    with ZipFile(tmp_path / "plain.zip", "w") as archive:
        archive.mkdir("faces")
        for file in sorted((tmp_path / "plain").rglob("*.png")):
            archive.write(file, Path("faces") / file.relative_to(tmp_path / "plain"))
        archive.writestr("__MACOSX/faces/train/happy/._1.png", b"x")
    zipped, plain = load_dataset(tmp_path / "plain.zip"), load_dataset(tmp_path / "plain")
    assert zipped.fingerprint == plain.fingerprint
    assert zipped.name == plain.name
    np.testing.assert_array_equal(zipped.splits["test"].images, plain.splits["test"].images)


def bad_file(content: bytes):
    return lambda root: (root / "train" / "happy" / "broken.png").write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (bad_file(b"this is no picture"), r"train/happy/broken\.png: The file is no picture"),
        (bad_file(b""), r"train/happy/broken\.png: The file is empty"),
        (bad_file(cv2.imencode(".png", IMAGES[0])[1].tobytes()[:500]), r"train/happy/broken\.png: .*ends too early"),
        (lambda root: (root / "train" / "happy" / "list.txt").write_text("a"), r"train/happy/list\.txt: "),
        (lambda root: (root / "train" / "bored").mkdir(), "folder train/bored .* is empty"),
        (lambda root: (root / "validation").mkdir(), "folder validation .* is empty"),
        (lambda root: write_folders(root / "more", seven_classes(("test",))), r"several folders .*: \., more"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, damage, reason):
    damage(write_folders(tmp_path, seven_classes(("train",))))
    with pytest.raises(DataError, match=reason) as caught:
        load_dataset(tmp_path)
    assert caught.value.action


def test_a_folder_with_only_hidden_files_counts_as_empty(tmp_path):
    write_folders(tmp_path, seven_classes(("train",)))
    (tmp_path / "train" / "bored").mkdir()
    (tmp_path / "train" / "bored" / ".DS_Store").write_bytes(b"x")
    with pytest.raises(DataError, match=r"folder train/bored .* is empty"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    ("paths", "reason"),
    [
        (["train/1.png", "Val/2.png"], "neither a FER-2013 table nor images in <split>/<class>/"),
        (["1.png"], "neither a FER-2013 table"),
        (["train/happy/1.png"], "only one class, happy"),
    ],
)
def test_folders_of_another_shape_are_refused(tmp_path, paths, reason):
    write_folders(tmp_path, dict.fromkeys(paths, IMAGES[0]))
    with pytest.raises(DataError, match=reason):
        load_dataset(tmp_path)


def test_a_folder_without_images_says_where_to_get_some(tmp_path):
    (tmp_path / "train" / "happy").mkdir(parents=True)
    (tmp_path / "notes.txt").write_text("soon")
    with pytest.raises(DataError, match=r"neither a FER-2013 table nor images.*kaggle\.com"):
        load_dataset(tmp_path)


def test_progress_reaches_the_whole(tmp_path):
    seen = []
    write_folders(tmp_path, seven_classes(("train", "test")))
    load_dataset(tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(7, 14), (14, 14)]


def test_a_changed_image_is_predict_again_even_with_its_size_and_time_kept(tmp_path):
    write_folders(tmp_path, {"train/a/1.bmp": IMAGES[0], "train/b/2.bmp": IMAGES[1]})
    before = load_dataset(tmp_path)
    file = tmp_path / "train" / "a" / "1.bmp"
    status = file.stat()
    time.sleep(0.02)
    write_image(file, IMAGES[5])
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    after = load_dataset(tmp_path)
    assert after.fingerprint != before.fingerprint
    np.testing.assert_array_equal(after.train.images[0, ..., 0], IMAGES[5])


def test_a_home_folder_is_not_walked_through(tmp_path, monkeypatch):
    monkeypatch.setattr("emoscope.model.dataset.file_tree.MAX_FOLDERS", 20)
    for k in range(30):
        (tmp_path / str(k)).mkdir()
    with pytest.raises(DataError, match="over 20 folders"):
        load_dataset(tmp_path)


def forty_images(root: Path) -> Path:
    return write_folders(root, {f"train/{c}/{k:02}.png": IMAGES[k % 14] for c in ("happy", "sad") for k in range(20)})


@pytest.mark.parametrize("broken", [["happy/03"], ["happy/03", "sad/19"]])
def test_a_few_broken_images_are_left_out_counted_and_listed(tmp_path, broken):
    whole = load_dataset(forty_images(tmp_path / "d"))
    for name in broken:
        (tmp_path / "d" / "train" / f"{name}.png").write_bytes(b"no picture")
    count = "1 image that cannot be read was" if len(broken) == 1 else "2 images that cannot be read were"
    named = ", ".join(f"train/{name}.png" for name in broken)
    for _ in ("read", "from the cache"):
        dataset = load_dataset(tmp_path / "d")
        assert dataset.split_sizes == {"train": 40 - len(broken)}
        assert dataset.notes == (f"{count} left out: {named}.",)
        kept = ~np.isin(whole.train.names, [f"train/{name}.png" for name in broken])
        np.testing.assert_array_equal(dataset.train.names, whole.train.names[kept])
        np.testing.assert_array_equal(dataset.train.images, whole.train.images[kept])
        np.testing.assert_array_equal(dataset.train.labels, whole.train.labels[kept])


def test_more_than_one_broken_image_in_twenty_is_refused(tmp_path):
    forty_images(tmp_path)
    for k in range(3):
        (tmp_path / "train" / "sad" / f"{k:02}.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"train/sad/00\.png: The file is no picture.* 3 or more of 40 images"):
        load_dataset(tmp_path)


def test_many_broken_images_are_named_in_part():
    (note,) = broken_note([f"{k}.png" for k in range(25)])
    assert note.startswith("25 images that cannot be read were left out: 0.png, 1.png, ")
    assert note.endswith(", 19.png and 5 more.")
