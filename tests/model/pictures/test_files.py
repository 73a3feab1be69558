from pathlib import Path, PurePath

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emoscope.model.errors import DataError
from emoscope.model.pictures.files import PictureFile, annotated_paths, find_pictures, left_out


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    for name in (
        "b/2.JPG",
        "b/10.png",
        "a.webp",
        "b/note.txt",
        ".hidden/x.png",
        "b/._2.JPG",
        "odd[1].png",
        "out/a.png",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(*names: str, **options) -> list[str]:
    return [file.path.as_posix() for file in find_pictures(names, **options)]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["b"], ["b/10.png", "b/2.JPG"]),
        (["."], ["a.webp", "odd[1].png", "b/10.png", "b/2.JPG", "out/a.png"]),
        (["b/2.JPG", "b"], ["b/2.JPG", "b/10.png"]),
        (["b/note.txt"], ["b/note.txt"]),
        (["odd[1].png"], ["odd[1].png"]),
        (["**/*.png"], ["b/10.png", "odd[1].png", "out/a.png"]),
        (["absent.png"], ["absent.png"]),
        (["*.gif"], ["*.gif"]),
    ],
)
def test_paths_folders_and_patterns(folder, names, expected):
    assert found(*names) == expected


def test_each_file_comes_once_however_it_is_written(folder):
    (folder / "link.png").symlink_to(folder / "b" / "10.png")
    assert found("b/10.png", "./b/../b/10.png", str(folder / "b" / "10.png"), "link.png") == ["b/10.png"]


def test_folder_of_results_is_left_out(folder):
    assert "out/a.png" not in found(".", leave_out=folder / "out")


def test_files_of_a_folder_that_are_no_pictures_are_told(folder):
    (folder / "b" / "IMG_1.HEIC").touch()
    (folder / "film.mov").touch()
    others: list[Path] = []
    files = list(find_pictures([".", "b/note.txt"], others=others))
    assert [path.as_posix() for path in others] == ["film.mov", "b/note.txt"]
    assert "b/IMG_1.HEIC" in [file.path.as_posix() for file in files]


def test_the_sentence_on_files_left_out_names_the_first_few():
    names = [Path("somewhere", f"{letter}.txt") for letter in "abcdefg"]
    assert left_out([]) == ""
    assert left_out(names[:1]) == "1 file was left out, which is no picture: a.txt"
    assert left_out(names[:5]) == "5 files were left out, which are no pictures: a.txt, b.txt, c.txt, d.txt, e.txt"
    assert left_out(names).startswith("7 files were left out") and left_out(names).endswith("d.txt, e.txt, …")


def test_link_in_a_circle_ends(folder):
    (folder / "b" / "up").symlink_to(folder)
    assert found("b") == ["b/10.png", "b/2.JPG"]


@pytest.mark.parametrize("column", ["file", "path", "image", "filename"])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_lists_name_files_seen_from_their_own_folder(folder, kind, column):
    names = ["2.JPG", str(folder / "a.webp"), "../absent, but named.png", "2.JPG"]
    path = folder / "b" / f"list.{kind}"
    if kind == "csv":
        path.write_text(f"label,{column}\n" + "".join(f'1,"{name}"\n' for name in names), encoding="utf-8-sig")
    else:
        pq.write_table(pa.table({"label": [1] * 4, column: names}), path)
    files = list(find_pictures([f"b/list.{kind}"]))
    assert [file.path for file in files] == [Path("b/2.JPG"), folder / "a.webp", Path("b/../absent, but named.png")]
    assert not any(file.relative.is_absolute() or ".." in file.relative.parts for file in files)


@pytest.mark.parametrize("content", [b"", b"label,pixels\n1,0 0\n", b"file\n\xff\xfe\n", None])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_list_that_is_none_is_refused(folder, content, suffix):
    path = folder / f"list{suffix}"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match="list"):
        found(str(path))


def test_annotated_copies_never_meet(folder):
    files = [PictureFile(Path(p), PurePath(p).relative_to("b")) for p in ("b/2.JPG", "b/10.png", "b/2.png")]
    assert annotated_paths(files, Path("new")) == [Path("new/2.png"), Path("new/10.png"), Path("new/2 (2).png")]
    (folder / "linked").mkdir()
    (folder / "linked" / "10.png").symlink_to(folder / "b" / "10.png")
    assert annotated_paths(files[1:2], Path("linked")) == [Path("linked/10 (2).png")]
    assert annotated_paths(files[:2], Path("b")) == [Path("b/2.png"), Path("b/10 (2).png")]
