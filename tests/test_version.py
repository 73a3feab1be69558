"""One version: the package's, in the app, in both commands, in the changelog and in the citation."""

import re
import subprocess
import sys

import pytest
import yaml
from streamlit.testing.v1 import AppTest

from emoscope.version import __version__
from tests.paths import ROOT

CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("module", ["emoscope", "dashboard"])
def test_commands_print_it(module):
    command = [sys.executable, "-m", module, "--version"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == f"emoscope {__version__}\n"


def test_the_home_page_shows_it(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(tmp_path))
    home = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=60).run()
    assert f"Emoscope {__version__}" in [caption.value for caption in home.caption]


def test_the_newest_heading_of_the_changelog_is_it():
    newest, date = re.findall(r"^## \[?([\d.]+)\]? - (\S+)$", CHANGELOG, re.MULTILINE)[0]
    assert newest == __version__
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", date)


def test_the_citation_names_version_and_day():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == __version__
    assert f"## [{__version__}] - {citation['date-released']}" in CHANGELOG
