"""The recipes of ``CONTRIBUTING.md`` work: their code is put into a copy of the project, and the result is used."""

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import cv2
import numpy as np
import pytest

from emoscope.dashboard.ui.samples import sample_picture
from tests.paths import ROOT

GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES = re.findall(r"^## (Add an? \w+)\n(.*?)(?=^## |\Z)", GUIDE, re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^   ```(?:python|yaml)\n   # (in )?([\w/.]+)(?:, (\w+))?\n(.*?)^   ```", re.MULTILINE | re.DOTALL)


def register(file: Path, registry: str, code: str) -> None:
    """Put imports after the first of ours, and the entry at the end of the registry, as the step says."""
    imports, entry = code.rsplit("\n\n", 1) if "\n\n" in code else ("", code)
    text = file.read_text(encoding="utf-8")
    opened = re.search(rf"^{registry}\b.*[{{(]\n", text, re.MULTILINE)
    assert opened, f"{file} has no registry {registry}"
    end = re.compile(r"^[})]", re.MULTILINE).search(text, opened.end()).start()
    text = text[:end] + textwrap.indent(entry, "    ") + text[end:]
    file.write_text(text.replace("\nfrom emoscope", f"\n{imports}\nfrom emoscope", 1), encoding="utf-8")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the project in which every recipe was followed."""
    copy = tmp_path_factory.mktemp("checkout")
    for folder in ("dashboard", "emoscope", "model", "pages", "training"):
        shutil.copytree(ROOT / folder, copy / folder, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "artifacts").symlink_to(ROOT / "artifacts")
    for _, recipe in RECIPES:
        for is_entry, path, registry, code in BLOCK.findall(recipe):
            code = textwrap.dedent(code)
            if is_entry:
                register(copy / path, registry, code)
            else:
                assert not (copy / path).exists(), f"{path} is there already"
                (copy / path).write_text(code, encoding="utf-8")
    return copy


def run(checkout, *arguments):
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "EMOSCOPE_ARTIFACTS")}
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_recipes_have_few_steps():
    assert [title for title, _ in RECIPES] == ["Add a detector", "Add an architecture", "Add a page", "Add a chart"]
    assert all(len(re.findall(r"^\d\. ", recipe, re.MULTILINE)) <= 5 for _, recipe in RECIPES)


def test_code_of_the_recipes_is_in_style(checkout):
    files = [path for _, recipe in RECIPES for is_entry, path, *_ in BLOCK.findall(recipe) if not is_entry]
    python = [str(checkout / path) for path in files if path.endswith(".py")]
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--config", str(ROOT / "pyproject.toml"), *python],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_a_detector_is_offered_by_commands_and_pages(checkout, tmp_path):
    (tmp_path / "photo.png").write_bytes(sample_picture("One face")[1])
    printed = run(checkout, "-m", "model", "predict", tmp_path / "photo.png", "--detector", "middle", "--json", "-")
    [picture] = json.loads(printed)["pictures"]
    [face] = picture["faces"]
    assert face["xyxy"] == pytest.approx([picture["width"] / 4, picture["height"] / 4, *face["xyxy"][2:]])
    code = "from emoscope.dashboard.ui.state import DETECTOR_TITLES; print(DETECTOR_TITLES['middle'])"
    assert run(checkout, "-c", code) == "Middle of the frame\n"


@pytest.mark.slow
def test_an_architecture_becomes_a_scored_run(checkout, tmp_path):
    rng = np.random.default_rng(0)
    for split, count in (("train", 12), ("test", 4)):
        for name in ("down", "up"):
            folder = tmp_path / "faces" / split / name
            folder.mkdir(parents=True)
            for i in range(count):
                cv2.imwrite(str(folder / f"{i}.png"), rng.integers(0, 256, (48, 48), np.uint8))
    output = tmp_path / "tiny"
    run(checkout, "-m", "training", "train", "tiny_cnn", "--data", tmp_path / "faces", "--output", output)
    info = json.loads((output / "run.json").read_text())
    assert (info["name"], info["architecture"]) == ("Tiny CNN", "tiny_cnn")
    assert (output / "model.tflite").is_file()
    assert json.loads((output / "metrics.json").read_text())["test"]["n"] == 8


OPEN = """
from streamlit.testing.v1 import AppTest
page = AppTest.from_file("pages/{page}.py", default_timeout=60)
page.query_params.update({query})
page.run()
assert not page.exception, page.exception
"""


def test_a_page_is_in_the_menu_and_opens(checkout):
    code = OPEN.format(page="about", query={}) + "print(page.title[0].value, page.caption[0].value)"
    assert re.fullmatch(r"About There are \d+ saved runs\.\n", run(checkout, "-c", code))
    code = "from emoscope.dashboard.ui.navigation import PAGES; print([p.title for p in PAGES if p.path.is_file()][-1])"
    assert run(checkout, "-c", code) == "About\n"


def test_a_chart_is_a_section_of_its_page(checkout):
    code = OPEN.format(page="evaluation", query={"section": "Class sizes", "run": "emoscope"})
    printed = run(checkout, "-c", code + "print(page.get('plotly_chart')[0].proto.spec)")
    [chart] = json.loads(printed)["data"]
    assert (chart["type"], len(chart["x"])) == ("bar", 7)


def test_paths_of_the_edit_loop_are_there():
    table = GUIDE.split("## The edit loop")[1].split("## Commits")[0]
    paths = set(re.findall(r"`(tests/[\w/.]+)", table))
    assert len(paths) > 10
    assert not [path for path in paths if not (ROOT / path).exists()]


@pytest.mark.parametrize(("key", "is_ignored"), [("candidate", True), ("emoscope", False)])
def test_new_runs_are_kept_out_of_git(key, is_ignored):
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    done = subprocess.run(["git", "check-ignore", "--quiet", "--no-index", f"artifacts/{key}/run.json"], cwd=ROOT)
    assert (done.returncode == 0) == is_ignored
