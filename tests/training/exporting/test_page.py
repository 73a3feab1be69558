import json

import pytest

from emoscope.model.browser import bundle
from emoscope.model.errors import EngineError
from emoscope.model.runs.run import load_run
from emoscope.training.__main__ import main
from emoscope.training.exporting import page
from tests.factories import write_run


@pytest.fixture
def runtime(monkeypatch):
    """A runtime without its content, so that nothing is fetched."""
    monkeypatch.setattr(page, "fetch_runtime", lambda: None)
    monkeypatch.setattr(bundle, "runtime_file", lambda name: name.encode())


def test_the_folder_holds_all_that_the_page_asks_for(runtime, tmp_path, capsys):
    assert main(["export", "emoscope-ferplus", "--form", "page", "--output", str(tmp_path / "page")]) == 0
    assert "python -m http.server" in capsys.readouterr().out
    folder = tmp_path / "page"
    written = {file.name for file in folder.iterdir()}
    assert set(json.loads((folder / "files.json").read_text())) | {"files.json"} == written
    setup = json.loads((folder / "setup.json").read_text())
    assert {setup["run"]["file"]["url"], *setup["detector"]["files"].values()} <= written
    assert setup["run"]["classes"] == list(load_run("emoscope-ferplus").info.class_names)
    assert "Model card" in (folder / "MODEL_CARD.md").read_text()
    licences = (folder / "LICENCES.md").read_text()
    assert "@litertjs/core" in licences and "Apache License" in (folder / "LICENSE-APACHE.txt").read_text()
    assert "://" not in (folder / "index.html").read_text(), "nothing is loaded from elsewhere"


def test_a_folder_that_holds_something_is_left_alone(runtime, tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("years of work")
    assert main(["export", "emoscope", "--form", "page", "--output", str(tmp_path)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_run_without_a_network_for_browsers_is_a_sentence(runtime, tmp_path):
    run = write_run(tmp_path, "bare")
    with pytest.raises(EngineError, match="has no LiteRT file"):
        page.write_page(run, tmp_path / "page", "")
    assert not (tmp_path / "page").exists()
