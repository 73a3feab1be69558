"""The clients in the README work as they stand, and the table in ``docs/api.md`` names every setting."""

import re
import shutil
import subprocess
import sys

import pytest

from emoscope.dashboard.ui.samples import sample_picture
from tests.dashboard.api.conftest import saved_runs, server  # noqa: F401 - fixtures
from tests.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


def example(language: str) -> str:
    section = README.split("## From your own code")[1].split("\n## ")[0]
    [found] = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert len(found.strip().splitlines()) <= 12
    return found


def command(language: str, code: str) -> list[str]:
    if language == "sh":
        if shutil.which("curl") is None:
            pytest.skip("no curl here")
        return ["sh", "-c", code]
    if language == "python":
        return [sys.executable, "-c", code]
    from playwright._impl._driver import compute_driver_executable

    return [str(compute_driver_executable()[0]), "-e", code]  # the Node.js that Playwright brings along


@pytest.mark.parametrize("language", ["sh", "python", "js"])
def test_a_client_reads_a_photo(server, tmp_path, language):  # noqa: F811
    (tmp_path / "photo.jpg").write_bytes(sample_picture("One face")[1])
    code = example(language).replace("http://localhost:8501", f"http://{server.host}")
    assert server.host in code
    done = subprocess.run(command(language, code), cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert re.search(r"\b(happy|sad|neutral)\b", done.stdout)
    if language != "sh":
        assert len(done.stdout.strip().splitlines()) == 1


def test_every_setting_is_named_with_its_default():
    source = (ROOT / "dashboard" / "api" / "settings.py").read_text()
    from emoscope.dashboard.api.settings import ApiSettings

    names = set(re.findall(r'"(EMOSCOPE_API_\w+)"', source))
    assert names == set(re.findall(r"EMOSCOPE_API_\w+", GUIDE))
    defaults = ApiSettings()
    for name, value in {
        "MEGABYTES": defaults.max_body // 10**6,
        "BODY_SECONDS": defaults.body_seconds,
        "IMAGES": defaults.max_images,
        "MEGAPIXELS": defaults.max_pixels // 10**6,
        "FACES": defaults.max_faces,
        "IMAGES_PER_MINUTE": defaults.images_per_minute,
    }.items():
        assert f"`EMOSCOPE_API_{name}` ({value})" in GUIDE
