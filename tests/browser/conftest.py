"""A running app and a browser to look at it with."""

import os

import pytest
from playwright.sync_api import sync_playwright

from emoscope.model.dataset import load_dataset
from tests.browser.serving import find_chromium, fresh_page, serving
from tests.made_up_faces import write_faces, write_scored_run


@pytest.fixture(scope="session")
def app_url():
    """The address of a running ``python -m dashboard``."""
    with serving() as url:
        yield url


@pytest.fixture(scope="session")
def evaluation_log(tmp_path_factory):
    """What the app at ``evaluation_url`` writes to its standard error."""
    return tmp_path_factory.mktemp("evaluation-server") / "stderr.txt"


@pytest.fixture(scope="session")
def evaluation_url(tmp_path_factory, evaluation_log):
    """The address of an app with two runs on a made-up data set, whose images it can show."""
    folder = tmp_path_factory.mktemp("evaluation")
    data = load_dataset(write_faces(folder / "data"), cache=False)
    write_scored_run(folder / "artifacts", "emoscope", data, wrong=20, seed=1)
    write_scored_run(folder / "artifacts", "baseline", data, wrong=44, seed=2)
    places = {"ARTIFACTS": folder / "artifacts", "DATA": folder / "data", "CACHE": folder / "cache"}
    with serving(log=evaluation_log, **{f"EMOSCOPE_{name}": str(path) for name, path in places.items()}) as url:
        yield url


@pytest.fixture(scope="session")
def playwright():
    """The one Playwright of a session: a second one beside it cannot start."""
    if find_chromium() is None:
        reason = "no Chromium is installed: apt-get install chromium"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright):
    """A headless Chromium with a made-up camera."""
    arguments = [
        "--no-sandbox",
        "--disable-gpu",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
    ]
    browser = playwright.chromium.launch(executable_path=find_chromium(), args=arguments)
    yield browser
    browser.close()


@pytest.fixture
def page(browser):
    """A fresh tab of 1440×900 pixels; errors that the page did not catch fail the test."""
    with fresh_page(browser) as page:
        yield page
