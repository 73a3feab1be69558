import pytest

from emoscope.training.__main__ import main
from tests.factories import write_run


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(tmp_path / "artifacts"))
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path / "artifacts", "mine", n=50, epochs=3)
    return tmp_path


def test_it_writes_a_folder_here_and_names_its_files(work, capsys):
    assert main(["share", "mine", "--as", "csv"]) == 0
    names = ["mine-csv/metrics.csv", "mine-csv/metrics_long.csv", "mine-csv/config.json"]
    assert capsys.readouterr().out.split() == names
    assert len((work / "mine-csv" / "metrics.csv").read_text().splitlines()) == 4
    assert main(["share", "mine", "--as", "sklearn", "--output", "there"]) == 0
    assert (work / "there" / "classification_report-PrivateTest.txt").is_file()


def test_what_is_not_possible_is_one_sentence(work, capsys):
    main(["share", "mine", "--as", "csv"])
    assert main(["share", "mine", "--as", "csv"]) == 2
    assert "error: mine-csv is there already. Name another --output." in capsys.readouterr().err
    assert main(["share", "mine", "--as", "huggingface"]) == 2
    assert "error: mine holds no network. Share its curves or its report instead." in capsys.readouterr().err
    assert main(["share", "none", "--as", "csv"]) == 2
    assert "none is not a saved run" in capsys.readouterr().err
