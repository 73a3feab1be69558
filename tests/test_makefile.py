"""What ``make`` sets up: the console command, and no general names for everything else."""

import re
import shutil
import subprocess
import sys

import pytest

from emoscope.model.supported import obstacle
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


@pytest.mark.parametrize(
    ("version", "system", "machine", "flags", "words"),
    [
        ((3, 11), "Linux", "x86_64", {"sse2", "avx"}, ""),
        ((3, 13), "Linux", "aarch64", None, ""),
        ((3, 12), "Darwin", "arm64", None, ""),
        ((3, 13), "Windows", "AMD64", None, ""),
        ((3, 8), "Linux", "x86_64", {"avx"}, "needs Python 3.11 to 3.13; this is 3.8"),
        ((3, 14), "Linux", "x86_64", {"avx"}, "not made for Python 3.14 yet. Use Python 3.11 to 3.13, or `pip"),
        ((3, 12), "Darwin", "x86_64", None, "Macs with Intel processors. Run Emoscope in Docker"),
        ((3, 12), "Windows", "ARM64", None, "Windows on ARM. Use a Python for x64"),
        ((3, 12), "Linux", "x86_64", {"sse2"}, "lacks AVX"),
    ],
)
def test_a_machine_for_which_something_is_not_made_is_told_what_works(version, system, machine, flags, words):
    found = obstacle(version, system, machine, flags)
    assert words in found and bool(found) == bool(words)
    assert not found or found.endswith(".")


def test_this_machine_is_asked_before_anything_is_installed(tmp_path):
    if shutil.which("make") is None:
        pytest.skip("no make here")
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'TensorFlow is not made for it.' >&2\nexit 1\n")
    python.chmod(0o755)
    made = run("make", "setup", f"VENV={tmp_path / 'venv'}", f"PYTHON={python}", cwd=ROOT)
    assert made.returncode != 0 and "TensorFlow is not made for it." in made.stderr
    assert run(sys.executable, "model/supported.py", cwd=ROOT).returncode == 0


def test_every_goal_of_the_guides_is_there():
    goals = set(re.findall(r"^([\w-]+):(?!=)", MAKEFILE, re.MULTILINE))
    assert goals >= {"run", "test", "test-fast", "coverage", "setup", "setup-dev", "lint"}
    for document in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / document).read_text(encoding="utf-8")
        assert set(re.findall(r"(?<=[`\n])make ([\w-]+)", text)) <= goals
