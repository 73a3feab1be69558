import os
import subprocess
import sys

import pytest

from emoscope.dashboard.api.settings import ApiSettings
from emoscope.model.errors import ConfigError
from tests.paths import ROOT


def test_an_empty_environment_gives_the_defaults():
    assert ApiSettings.from_environment({}) == ApiSettings()


def test_values_are_read_in_their_units():
    settings = ApiSettings.from_environment(
        {
            "EMOSCOPE_API_TOKEN": "secret",
            "EMOSCOPE_API_ORIGINS": "https://a.example, https://b.example",
            "EMOSCOPE_API_MEGABYTES": "1.5",
            "EMOSCOPE_API_IMAGES_PER_MINUTE": "0",
        }
    )
    assert settings == ApiSettings(
        token="secret",
        origins=("https://a.example", "https://b.example"),
        max_body=1_500_000,
        images_per_minute=0,
    )


def test_the_former_name_of_the_rate_counts_where_the_new_one_is_absent():
    former = {"EMOSCOPE_API_IMAGES_A_MINUTE": "7"}
    assert ApiSettings.from_environment(former).images_per_minute == 7
    assert ApiSettings.from_environment(former | {"EMOSCOPE_API_IMAGES_PER_MINUTE": "9"}).images_per_minute == 9


@pytest.mark.parametrize("value", ["many", "0", "-1", "nan", "inf"])
def test_an_impossible_limit_is_refused(value):
    with pytest.raises(ConfigError, match="EMOSCOPE_API_IMAGES is"):
        ApiSettings.from_environment({"EMOSCOPE_API_IMAGES": value})


def test_the_server_does_not_start_with_one():
    command = [sys.executable, "-m", "dashboard", "--headless", "--port", "8631"]
    environment = {**os.environ, "EMOSCOPE_API_FACES": "few"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.strip() == "EMOSCOPE_API_FACES is 'few'. Set it to a number from 1 up, or leave it out."
