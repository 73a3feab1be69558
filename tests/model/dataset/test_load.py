import bz2
import gzip
import io
import lzma
import os
import subprocess
import sys
import tarfile
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest

from emoscope.model.dataset import FER2013_CLASSES, find_dataset, load_dataset
from emoscope.model.errors import DataError
from tests.model.dataset.made_up import HEADER, make_table, three_splits, write_folders

IMAGES, EMOTIONS, USAGES = three_splits(9)
TEXT = make_table(IMAGES, EMOTIONS, USAGES).encode()


def zipped(names: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        for name, content in names.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


FORMS = {
    "fer2013.csv": TEXT,
    "fer2013.csv.xz": lzma.compress(TEXT),
    "fer2013.csv.gz": gzip.compress(TEXT),
    "fer2013.csv.bz2": bz2.compress(TEXT),
    "fer2013.csv.zip": zipped({"fer2013.csv": TEXT}),
    "archive.zip": zipped({"challenge/train.csv": b"emotion,pixels\n", "challenge/icml_face_data.csv": TEXT}),
    "fer2013.tar.gz": tarred("fer2013/fer2013.csv", TEXT),
    "FER2013.CSV": TEXT,
    "icml_face_data.csv": TEXT.replace(HEADER.encode(), b"emotion, pixels, Usage"),
    "my_faces.csv": TEXT,
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("by_folder", [False, True], ids=["file", "folder"])
def test_every_form_gives_the_same_data(tmp_path, name, by_folder):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / name).write_bytes(FORMS[name])
    dataset = load_dataset(folder if by_folder else folder / name)
    assert dataset.name == "FER-2013"
    assert dataset.class_names == FER2013_CLASSES
    assert dataset.split_sizes == {"Training": 3, "PublicTest": 3, "PrivateTest": 3}
    assert name in dataset.form
    together = np.concatenate([split.images[..., 0] for split in dataset.splits.values()])
    np.testing.assert_array_equal(together, IMAGES)
    assert [int(label) for split in dataset.splits.values() for label in split.labels] == EMOTIONS


def test_what_a_file_is_counts_and_not_what_it_is_called(tmp_path):
    """Kaggle's command hands out a zip under the name of the CSV."""
    for k, content in enumerate([FORMS["fer2013.csv.zip"], FORMS["fer2013.csv.xz"], FORMS["fer2013.csv.gz"]]):
        file = tmp_path / f"{k}.csv"
        file.write_bytes(content)
        assert len(load_dataset(file).train) == 3


def test_a_table_in_a_subfolder_is_found_and_the_plain_one_first(tmp_path):
    (tmp_path / "fer2013").mkdir()
    (tmp_path / "fer2013" / "fer2013.csv.xz").write_bytes(FORMS["fer2013.csv.xz"])
    assert "fer2013.csv.xz" in load_dataset(tmp_path).form
    (tmp_path / "fer2013" / "fer2013.csv").write_bytes(TEXT)
    assert load_dataset(tmp_path).form == "table (fer2013.csv)"


def test_size_and_channels(tmp_path):
    (tmp_path / "fer2013.csv").write_bytes(TEXT)
    plain, large = load_dataset(tmp_path), load_dataset(tmp_path, size=(96, 64), channels=3)
    assert large.train.images.shape == (3, 96, 64, 3)
    assert large.fingerprint == plain.fingerprint
    np.testing.assert_array_equal(large.train.pixel_hash, plain.train.pixel_hash)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("fer2013.csv", b"", "is empty"),
        ("fer2013.csv.xz", FORMS["fer2013.csv.xz"][:-200], "cut short"),
        ("fer2013.csv.gz", FORMS["fer2013.csv.gz"][:-200], "cut short"),
        ("fer2013.csv.bz2", FORMS["fer2013.csv.bz2"][:-200], "cut short"),
        ("fer2013.csv.zip", FORMS["fer2013.csv.zip"][:-200], "damaged"),
        ("fer2013.tar.gz", FORMS["fer2013.tar.gz"][:-200], "cut short|damaged"),
        ("fer2013.csv.xz", FORMS["fer2013.csv.xz"][:500] + bytes(300) + FORMS["fer2013.csv.xz"][800:], "damaged"),
        ("fer2013.csv.gz", FORMS["fer2013.csv.gz"][:500] + bytes(300) + FORMS["fer2013.csv.gz"][800:], "damaged|read"),
        ("faces.zip", zipped({"readme.txt": b"hello"}), "neither a CSV file nor"),
        ("faces.zip", zipped({"a.csv": TEXT, "b.csv": TEXT}), "several CSV files: a.csv, b.csv"),
        ("fer2013.tar.gz", tarred("other.txt", TEXT), "holds no fer2013.csv"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, name, content, reason):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=reason) as caught:
        load_dataset(tmp_path / name)
    assert name in caught.value.message
    assert caught.value.action


def test_nothing_there_says_where_to_get_it(tmp_path):
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(DataError, match=r"kaggle\.com.*EMOSCOPE_DATA"):
            load_dataset(path)


def test_two_tables_with_names_of_their_own_are_not_guessed_at(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_bytes(TEXT)
    with pytest.raises(DataError, match=r"several files: a\.csv, b\.csv"):
        load_dataset(tmp_path)


def test_the_variable_names_the_data(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOSCOPE_DATA", str(tmp_path))
    assert find_dataset() == tmp_path
    monkeypatch.setenv("EMOSCOPE_DATA", "~/faces")
    assert find_dataset() is not None and "~" not in str(find_dataset())


def test_progress_ends_at_the_size_of_the_file(tmp_path):
    file = tmp_path / "fer2013.csv.gz"
    file.write_bytes(FORMS[file.name])
    seen = []
    load_dataset(file, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (file.stat().st_size,) * 2


def test_a_second_load_comes_from_the_cache_and_is_equal(tmp_path, cache_folder, monkeypatch):
    (tmp_path / "fer2013.csv").write_bytes(TEXT)
    first = load_dataset(tmp_path)
    assert len(list(cache_folder.glob("*.npz"))) == 1
    monkeypatch.setattr("emoscope.model.dataset.load.read_csv", lambda *_: pytest.fail("the table was parsed again"))
    second = load_dataset(tmp_path)
    assert second.fingerprint == first.fingerprint
    assert list(second.splits) == list(first.splits)
    for name, split in first.splits.items():
        for field in ("images", "labels", "pixel_hash", "names"):
            np.testing.assert_array_equal(getattr(second.splits[name], field), getattr(split, field))


def test_the_cache_is_keyed_by_content(tmp_path, cache_folder):
    file = tmp_path / "fer2013.csv"
    file.write_bytes(TEXT)
    before = load_dataset(file)
    status = file.stat()
    file.write_bytes(TEXT.replace(b"\n0,", b"\n6,", 1))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert load_dataset(file).train.labels[0] != before.train.labels[0]
    (tmp_path / "copy.csv").write_bytes(TEXT)
    load_dataset(tmp_path / "copy.csv")
    assert len(list(cache_folder.glob("*.npz"))) == 2, "a copy under another name is the same content"


@pytest.mark.parametrize("damage", [lambda data: data[:1000], lambda data: data[:-500], lambda data: b"", bytes.upper])
def test_a_damaged_cache_entry_is_made_anew(tmp_path, cache_folder, damage):
    (tmp_path / "fer2013.csv").write_bytes(TEXT)
    load_dataset(tmp_path)
    (entry,) = cache_folder.glob("*.npz")
    whole = entry.read_bytes()
    entry.write_bytes(damage(whole))
    np.testing.assert_array_equal(load_dataset(tmp_path).train.images[..., 0], IMAGES[:3])
    assert len(entry.read_bytes()) == len(whole)


@pytest.mark.parametrize("root", ["file", "/proc/nothing"])
def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, monkeypatch, root):
    (tmp_path / "fer2013.csv").write_bytes(TEXT)
    monkeypatch.setenv("EMOSCOPE_CACHE", str(tmp_path / "fer2013.csv") if root == "file" else root)
    assert len(load_dataset(tmp_path).train) == 3


def test_a_write_that_fails_leaves_nothing_behind(tmp_path, cache_folder, monkeypatch):
    (tmp_path / "fer2013.csv").write_bytes(TEXT)

    def disk_full(stream, **arrays):
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", disk_full)
    assert len(load_dataset(tmp_path).train) == 3
    assert list(cache_folder.iterdir()) == []


def test_without_cache_nothing_is_written(tmp_path, cache_folder):
    (tmp_path / "fer2013.csv").write_bytes(TEXT)
    load_dataset(tmp_path, cache=False)
    assert not cache_folder.exists()


def test_the_cache_keeps_the_newest_entries(tmp_path, cache_folder):
    folders = []
    for k in range(8):
        folders.append(write_folders(tmp_path / str(k), {"train/a/1.png": IMAGES[0], "train/b/2.png": IMAGES[k]}))
        load_dataset(folders[-1])
    assert len(list(cache_folder.glob("*.npz"))) == 6


@pytest.mark.slow
def test_real_fer2013_has_the_published_counts(fer2013):
    expected = {
        "Training": [3995, 436, 4097, 7215, 4830, 3171, 4965],
        "PublicTest": [467, 56, 496, 895, 653, 415, 607],
        "PrivateTest": [491, 55, 528, 879, 594, 416, 626],
    }
    assert {name: split.class_counts(7).tolist() for name, split in fer2013.splits.items()} == expected
    assert fer2013.class_names == FER2013_CLASSES
    assert fer2013.train.images.shape == (28709, 48, 48, 1)
    # The first pixels of the original's first row.
    assert fer2013.train.images[0].ravel()[:8].tolist() == [70, 80, 82, 72, 58, 58, 60, 63]
    assert all(split.votes is not None for split in fer2013.splits.values())


def test_a_class_that_a_split_lacks_is_noted(tmp_path):
    (tmp_path / "fer2013.csv").write_text(make_table(IMAGES[:8], [*range(7), 2], ["Training"] * 7 + ["PublicTest"]))
    absent = "PublicTest has no image of angry, disgust, happy, sad, surprise, neutral."
    assert load_dataset(tmp_path).notes == (absent,)


def test_reading_data_imports_neither_tensorflow_nor_scipy():
    heavy = {"scipy", "tensorflow", "keras", "streamlit", "pandas"}
    code = f"import sys, emoscope.model.dataset; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
