"""Files as Hugging Face's ``datasets`` writes them, made with PyArrow alone."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from emoscope.model.dataset import FER2013_CLASSES, load_dataset
from emoscope.model.errors import DataError
from tests.model.dataset.made_up import make_images

pa = pytest.importorskip("pyarrow")
import pyarrow.parquet as pq  # noqa: E402

IMAGES = make_images(40)
NAMES = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]


def png(image: np.ndarray) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


def table(labels, first: int = 0, names: list[str] | None = None, images=None, paths=None):
    """Return a table as ``datasets`` makes it, with the class names in the schema's metadata where some are given."""
    images = images or [png(IMAGES[first + k]) for k in range(len(labels))]
    cells = [{"bytes": data, "path": path} for data, path in zip(images, paths or [None] * len(labels), strict=True)]
    made = pa.table({"image": cells, "label": labels})
    if names is None:
        return made
    features = {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
    return made.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def labels_of(split, class_names) -> list[str]:
    return [class_names[label] for label in split.labels]


def test_parquet_files_of_splits_with_class_names_in_their_metadata(tmp_path):
    folder = tmp_path / "fer" / "data"
    folder.mkdir(parents=True)
    pq.write_table(table([k % 7 for k in range(14)], 0, NAMES), folder / "train-00000-of-00002.parquet")
    pq.write_table(table([k % 7 for k in range(7)], 14, NAMES), folder / "train-00001-of-00002.parquet")
    pq.write_table(table([6, 5, -1], 21, NAMES), folder / "test-00000-of-00001.parquet")
    dataset = load_dataset(tmp_path / "fer")
    assert dataset.name == "fer"
    assert dataset.class_names == FER2013_CLASSES
    assert dataset.split_sizes == {"train": 21, "test": 2}
    assert labels_of(dataset.train, FER2013_CLASSES) == NAMES * 3
    assert labels_of(dataset.test, FER2013_CLASSES) == ["surprise", "sad"]
    np.testing.assert_array_equal(dataset.train.images[..., 0], IMAGES[:21])
    assert dataset.train.names[14] == "train-00001-of-00002.parquet row 1"
    assert dataset.notes == (
        "Columns: image from image, label from label.",
        "1 image without a label, kept apart.",
        "test has no image of angry, disgust, fear, happy, neutral.",
    )
    assert dataset.form.startswith("Parquet or Arrow (test-00000-of-00001.parquet, train-00000")


def test_one_file_with_words_is_split_and_brought_to_size(tmp_path):
    pq.write_table(table(["calm", "tense"] * 20), tmp_path / "faces.parquet", row_group_size=7)
    dataset = load_dataset(tmp_path / "faces.parquet", size=(32, 24), channels=3)
    assert dataset.class_names == ("calm", "tense")
    assert dataset.split_sizes == {"train": 32, "validation": 4, "test": 4}
    assert dataset.train.images.shape == (32, 32, 24, 3)
    assert dataset.fingerprint == load_dataset(tmp_path / "faces.parquet").fingerprint
    assert "No splits came with it: 80/10/10 were made by class (seed 0)." in dataset.notes


def test_codes_without_names_and_plain_bytes(tmp_path):
    made = pa.table({"emotion": [k % 7 for k in range(14)], "img": [png(image) for image in IMAGES[:14]]})
    pq.write_table(made, tmp_path / "train.parquet")
    dataset = load_dataset(tmp_path / "train.parquet")
    assert dataset.class_names == FER2013_CLASSES
    assert dataset.train.labels.tolist() == [k % 7 for k in range(14)]
    assert dataset.notes[0] == "Columns: image from img, label from emotion."
    assert dataset.notes[1].startswith("Label codes are taken as FER-2013's: 0 angry")


def test_paths_in_the_file_tell_who_is_shown(tmp_path):
    paths = [f"S{k % 10:03}_001_000000{k:02}.png" for k in range(40)]
    pq.write_table(
        table([k // 10 % 2 for k in range(40)], paths=paths, names=["calm", "tense"]), tmp_path / "x.parquet"
    )
    dataset = load_dataset(tmp_path / "x.parquet")
    people = [{str(name)[:4] for name in split.names} for split in dataset.splits.values()]
    assert [len(group) for group in people] == [8, 1, 1]
    assert not people[0] & people[1]


def write_arrow(folder: Path, made) -> None:
    folder.mkdir(parents=True)
    with pa.ipc.new_stream(str(folder / "data-00000-of-00001.arrow"), made.schema) as writer:
        writer.write_table(made, max_chunksize=5)
    (folder / "state.json").write_text("{}")
    (folder / "dataset_info.json").write_text("{}")


def test_a_saved_data_set_of_splits(tmp_path):
    write_arrow(tmp_path / "saved" / "train", table([0, 1] * 6, 0, ["calm", "tense"]))
    write_arrow(tmp_path / "saved" / "validation", table([1, 0], 12, ["calm", "tense"]))
    (tmp_path / "saved" / "train" / "cache-1a2b.arrow").write_bytes(b"what datasets keeps for itself")
    (tmp_path / "saved" / "dataset_dict.json").write_text('{"splits": ["train", "validation"]}')
    dataset = load_dataset(tmp_path / "saved")
    assert dataset.class_names == ("calm", "tense")
    assert dataset.split_sizes == {"train": 12, "validation": 2}
    np.testing.assert_array_equal(dataset.validation.images[..., 0], IMAGES[12:14])
    assert dataset.validation.labels.tolist() == [1, 0]


def test_a_broken_image_among_many_is_left_out(tmp_path):
    images = [png(image) for image in IMAGES]
    images[3] = images[3][:300]
    pq.write_table(table([0, 1] * 20, names=["calm", "tense"], images=images), tmp_path / "train.parquet")
    dataset = load_dataset(tmp_path / "train.parquet")
    assert len(dataset.train) == 39
    assert dataset.notes[-1] == "1 image that cannot be read was left out: train.parquet row 4."
    images[5:8] = [b"", b"no", b"picture"]
    pq.write_table(table([0, 1] * 20, names=["calm", "tense"], images=images), tmp_path / "train.parquet")
    with pytest.raises(DataError, match=r"train\.parquet row 4: .*ends too early.* 4 or more of 40 images"):
        load_dataset(tmp_path / "train.parquet")


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (lambda: pa.table({"label": [1], "age": [2]}), "has no column of image bytes; it has label, age"),
        (lambda: pa.table({"image": [b"x"], "age": [2]}), "has no column of labels; it has image, age"),
        (lambda: table([-1, -1], names=["a", "b"]), "holds no image with a label"),
        (lambda: table(["a", "a"]), "only one class, a"),
    ],
)
def test_what_is_missing_is_named(tmp_path, made, reason):
    pq.write_table(made(), tmp_path / "f.parquet")
    with pytest.raises(DataError, match=reason) as caught:
        load_dataset(tmp_path / "f.parquet")
    assert caught.value.action


@pytest.mark.parametrize("name", ["cut.parquet", "cut.arrow"])
def test_a_file_that_is_cut_short_is_refused(tmp_path, name):
    pq.write_table(table([0, 1], names=["a", "b"]), tmp_path / "whole.parquet")
    content = (tmp_path / "whole.parquet").read_bytes()
    (tmp_path / name).write_bytes(content[:-300] if name.endswith("parquet") else b"\xff\xff\xff\xff" + content)
    with pytest.raises(DataError, match=f"{name} is damaged"):
        load_dataset(tmp_path / name)


def test_without_pyarrow_it_is_said_what_to_install(tmp_path, monkeypatch):
    pq.write_table(table([0, 1], names=["a", "b"]), tmp_path / "f.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError, match=r"need PyArrow, which is not installed\. Run `pip install pyarrow`"):
        load_dataset(tmp_path / "f.parquet")


@pytest.mark.parametrize("place", ["train.tfrecord-00000-of-00001", "faces"])
def test_tfrecords_are_refused_with_what_to_do(tmp_path, place):
    (tmp_path / "faces" / "train").mkdir(parents=True)
    for file in ("faces/train/train.tfrecord", "train.tfrecord-00000-of-00001"):
        (tmp_path / file).write_bytes(b"\x10\0\0\0")
    with pytest.raises(DataError, match=r"train\.tfrecord.* is a TFRecord file.*Write the images to <split>/<class>/"):
        load_dataset(tmp_path / place)
