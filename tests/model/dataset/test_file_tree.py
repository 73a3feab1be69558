from pathlib import Path
from zipfile import ZipFile, ZipInfo

import cv2
import numpy as np
import pytest

from emoscope.model.dataset import load_dataset
from emoscope.model.dataset.file_tree import ZipTree
from tests.model.dataset.made_up import make_images

IMAGES = make_images(8)


def png(image: np.ndarray) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


def as_windows(file: Path, members: dict[str, bytes], encoding: str) -> Path:
    """Write an archive whose names are in a code page without a mark, as old programs on Windows do."""

    class Member(ZipInfo):
        def _encodeFilenameFlags(self):  # noqa: N802
            return self.filename.encode(encoding), self.flag_bits & ~0x800

    with ZipFile(file, "w") as archive:
        for name, content in members.items():
            info = Member("x")
            info.filename = name  # the constructor would turn its backslashes
            archive.writestr(info, content)
    return file


def test_a_zip_made_on_windows(tmp_path):
    members = {"Faces\\": b"", "Faces\\train\\": b""}
    members |= {
        f"Faces\\{s}\\{c}\\{c}.png": png(IMAGES[k])
        for k, (s, c) in enumerate((s, c) for s in ("train", "test") for c in ("awake", "tired"))
    }
    members |= {
        "Faces\\train\\Thumbs.db": b"x",
        "Faces\\train\\tired\\desktop.ini": b"x",
        "Faces\\test\\.DS_Store": b"x",
        "__MACOSX\\Faces\\train\\tired\\._tired.png": b"x",
    }
    dataset = load_dataset(as_windows(tmp_path / "faces.zip", members, "cp437"))
    assert dataset.class_names == ("awake", "tired")
    assert dataset.split_sizes == {"train": 2, "test": 2}
    assert dataset.notes == ()
    assert dataset.train.names.tolist() == ["Faces/train/awake/awake.png", "Faces/train/tired/tired.png"]
    np.testing.assert_array_equal(dataset.splits["test"].images[1, ..., 0], IMAGES[3])


def test_a_zip_of_classes_alone_in_a_folder_made_on_windows(tmp_path):
    members = {f"CK+48\\{c}\\{k}.png": png(IMAGES[k % 8]) for c in ("fear", "happy") for k in range(10)}
    dataset = load_dataset(as_windows(tmp_path / "ck.zip", members, "cp437"))
    assert dataset.class_names == ("fear", "happy")
    assert dataset.split_sizes == {"train": 16, "validation": 2, "test": 2}


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("überrascht", "cp437"),
        ("überrascht", "cp850"),
        ("naïveté", "cp437"),
        ("SÃO-Áéíóú", "cp850"),
        ("überrascht", "utf-8"),
        ("радость", "utf-8"),
    ],
)
def test_names_are_read_in_the_alphabet_they_were_written_in(tmp_path, name, encoding):
    file = as_windows(tmp_path / "a.zip", {f"train\\{name}\\1.png": png(IMAGES[0])}, encoding)
    with ZipFile(file) as archive:
        tree = ZipTree(archive, "a")
        assert tree.paths == (f"train/{name}/1.png",)
        assert tree.read(tree.paths[0]) == png(IMAGES[0])


def test_a_table_below_backslashes_is_found_beside_others(tmp_path):
    rows = "\n".join(f"{'ab'[k % 2]},{' '.join(map(str, IMAGES[k % 8].ravel()))}" for k in range(20))
    members = {"Kaggle\\faces.csv": f"label,pixels\n{rows}".encode(), "Kaggle\\sample.csv": b"emotion\n0\n"}
    assert len(load_dataset(as_windows(tmp_path / "k.zip", members, "cp437")).train) == 16
