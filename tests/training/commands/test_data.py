from argparse import ArgumentParser

import pytest

from emoscope.model.errors import DataError
from emoscope.training.commands.data import add_arguments, run
from tests.model.dataset.made_up import make_images, make_table, three_splits, write_folders
from tests.model.dataset.test_votes import write_votes


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOSCOPE_CACHE", str(tmp_path / "cache"))


def report_of(capsys, *arguments: str) -> str:
    parser = ArgumentParser()
    add_arguments(parser)
    assert run(parser.parse_args(list(map(str, arguments)))) == 0
    return capsys.readouterr().out


def test_report_of_a_table(tmp_path, capsys):
    images, emotions, usages = three_splits(9)
    images[8] = images[0]
    (tmp_path / "fer2013.csv").write_text(make_table(images, emotions, usages))
    write_votes(tmp_path, usages, emotions)
    text = report_of(capsys, tmp_path, "--near")
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "FER-2013, read as table (fer2013.csv); 48×48 pixels, gray" in text
    assert "of PrivateTest, also in Training 1" in lines
    assert "groups whose labels differ 1" in lines
    assert "Near duplicates" in text
    assert "FER+ labels by majority" in text and "FER+ labels by arg-max" in text
    assert any(line.startswith("fingerprint ") and len(line.split()[1]) == 32 for line in lines)
    assert any(line.startswith("Training 3 1 (33.3%)") for line in lines)


def test_report_of_folders_shows_notes_and_no_votes(tmp_path, capsys):
    images = make_images(4)
    files = {"train/yes/1.png": images[0], "train/no/2.png": images[1], "test/yes/3.png": images[2]}
    text = report_of(capsys, write_folders(tmp_path / "mine", files), "--no-cache")
    assert "mine, read as folders (train/test)" in text
    assert "note: test has no image of no." in text
    assert "Exact duplicates (all pixels equal): none" in text
    assert "FER+" not in text
    assert not (tmp_path / "cache").exists()


def test_without_a_path_the_variable_is_used(tmp_path, capsys, monkeypatch):
    write_folders(tmp_path / "d", {"train/a/1.png": make_images(1)[0], "train/b/1.png": make_images(1)[0]})
    monkeypatch.setenv("EMOSCOPE_DATA", str(tmp_path / "d"))
    assert " within train 1 " in " ".join(report_of(capsys).split())


def test_no_data_set_says_where_to_get_one(capsys, monkeypatch):
    monkeypatch.setattr("emoscope.training.commands.data.find_dataset", lambda: None)
    with pytest.raises(DataError, match=r"kaggle\.com"):
        report_of(capsys)


def test_a_path_and_the_flag_mean_the_same(tmp_path, capsys):
    files = {
        f"CK+48/{c}/S{k:03}_001_00000001.png": image
        for c in ("fear", "happy")
        for k, image in enumerate(make_images(20))
    }
    write_folders(tmp_path, files)
    text = report_of(capsys, tmp_path / "CK+48")
    assert report_of(capsys, "--data", tmp_path / "CK+48") == text
    assert "CK+48, read as folders (train/validation/test); 48×48 pixels, gray" in text
    assert "note: No splits came with it: 80/10/10 were made by class and person (seed 0); none of 20 people" in text
