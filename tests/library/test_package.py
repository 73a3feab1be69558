"""The installed package: one name, the same versions as the requirement files, a command that works anywhere."""

import os
import subprocess
import sys
import tomllib
import zipfile

import pytest

from emoscope.dashboard.ui.samples import sample_picture
from emoscope.version import __version__
from tests.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def requirements(name):
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return {line for line in lines if line and not line.startswith(("#", "-r"))}


def test_requirement_files_and_the_package_name_the_same_versions():
    everything = {*PROJECT["dependencies"], *EXTRAS["app"], *EXTRAS["train"], *EXTRAS["mtcnn"]}
    assert requirements("requirements.txt") == everything
    for extra in ("onnx", "cluster", "torch"):
        assert requirements(f"requirements-{extra}.txt") == set(EXTRAS[extra])


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    done = subprocess.run([*command, "--wheel-dir", str(folder), str(ROOT)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    [file] = folder.glob("*.whl")
    return file


@pytest.mark.slow
def test_the_package_puts_one_name_into_site_packages(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names} == {"emoscope", f"emoscope-{__version__}.dist-info"}
    shipped = {name.split("/")[2] for name in names if name.startswith("emoscope/artifacts/")}
    assert "emoscope" in shipped and not [name for name in shipped if name.startswith(".")]
    assert "emoscope/py.typed" in names and not [name for name in names if "__pycache__" in name]


@pytest.mark.slow
def test_the_installed_command_works_in_any_folder(wheel, tmp_path):
    site, work = tmp_path / "site", tmp_path / "work"
    work.mkdir()
    (work / "photo.png").write_bytes(sample_picture("One face")[1])
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("EMOSCOPE_")}
    environment["PYTHONPATH"] = str(site)

    def emoscope(*arguments):
        command = [sys.executable, "-P", "-m", "emoscope", *arguments]
        done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert emoscope("--version").strip() == f"emoscope {__version__}"
    assert "happy" in emoscope("predict", "photo.png")
    assert "lite_cnn" in emoscope("config", "lite_cnn")
    assert "emoscope predict photo.jpg" in emoscope("predict", "--help")
    code = (
        "from emoscope.model.errors import RunError; print(RunError('No.', 'Run `python -m training train`.').action)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=work, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "Run `emoscope train`."
    assert emoscope("report", "vgg_cnn", "--output", "report.html")
    assert (work / "report.html").stat().st_size > 10_000
    code = "import emoscope; print(len(emoscope.runs()), emoscope.__file__)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=work, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("10 ") and str(site) in done.stdout
