"""What ``make`` sets up: the console command, and no general names for everything else."""

import re
import shutil
import subprocess
import sys

import pytest

from emoscope.version import __version__
from tests.paths import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.fixture
def environment(tmp_path):
    """A virtual environment as make leaves it, whose Python is the one that runs here."""
    if shutil.which("make") is None:
        pytest.skip("no make here")
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    python = venv / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    for stamp in (".python", ".app-ready", ".dev-ready"):
        (venv / stamp).touch()
    return venv


def run(*command, cwd):
    return subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("goal", ["setup", "setup-dev"])
def test_set_up_brings_the_command_that_works_in_any_folder(environment, tmp_path, goal):
    made = run("make", goal, f"VENV={environment}", cwd=ROOT)
    assert made.returncode == 0, made.stderr
    done = run(environment / "bin" / "emoscope", "--version", cwd=tmp_path)
    assert (done.stdout, done.stderr) == (f"emoscope {__version__}\n", "")


def test_general_names_are_not_importable_from_elsewhere(environment, tmp_path):
    run("make", "setup", f"VENV={environment}", cwd=ROOT)
    for name in ("model", "training", "dashboard", "pages"):
        done = run(environment / "bin" / "python", "-P", "-c", f"import {name}", cwd=tmp_path)
        assert f"No module named '{name}'" in done.stderr


def test_every_goal_of_the_guides_is_there():
    goals = set(re.findall(r"^([\w-]+):(?!=)", MAKEFILE, re.MULTILINE))
    assert goals >= {"run", "test", "test-fast", "coverage", "setup", "setup-dev", "lint"}
    for document in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / document).read_text(encoding="utf-8")
        assert set(re.findall(r"(?<=[`\n])make ([\w-]+)", text)) <= goals
