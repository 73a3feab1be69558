"""A whole training from the page: started, watched, left alone, stopped, resumed, finished."""

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from emoscope.dashboard.train import jobs as training_jobs
from emoscope.dashboard.train.lock import is_held
from tests.browser.serving import serving, wait_until_idle
from tests.dashboard.live.test_analysis_pool import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LONG = 180_000
"""Milliseconds that a training may take to load TensorFlow and do an epoch on a busy machine."""

CONFIG = b"""# A toy.
architecture: residual
options: {stem: [4, 4], widths: [4, 8], blocks: [1, 1]}
input_size: 16
epochs: 4000
batch_size: 4
learning_rate: 0.01
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Environment of an app with made-up pictures and no run; whatever trains in it is ended with it."""
    folder = tmp_path_factory.mktemp("train")
    rng = np.random.default_rng(0)
    for split, count in {"train": 40, "test": 8}.items():
        for label, name in enumerate(("down", "up")):
            (folder / "data" / split / name).mkdir(parents=True)
            for i in range(count):
                image = rng.integers(0, 90, (20, 20), np.uint8)
                image[10 * label : 10 * label + 10] += 120
                cv2.imwrite(str(folder / "data" / split / name / f"{i}.png"), image)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMOSCOPE_ARTIFACTS", str(folder / "runs"))
        patch.setenv("EMOSCOPE_DATA", str(folder / "data"))
        patch.setenv("EMOSCOPE_CACHE", str(folder / "cache"))
        (folder / "runs").mkdir()
        yield folder
        for left in training_jobs.jobs():
            training_jobs.stop(left, hard=True)


def choose_own_file(page: Page, button: str = "Start training") -> None:
    box = page.get_by_role("combobox", name="Configuration")
    box.focus()
    page.keyboard.type("A file of my own")
    page.keyboard.press("Enter")
    page.locator("[data-testid=stFileUploaderDropzoneInput]").set_input_files(
        {"name": "toy.yaml", "mimeType": "text/yaml", "buffer": CONFIG}
    )
    page.get_by_role("button", name=button).wait_for()
    wait_until_idle(page)


def job(key: str) -> training_jobs.TrainingJob:
    return next(found for found in training_jobs.jobs() if found.key == key)


@pytest.mark.timeout(900)
def test_trainings_are_started_watched_queued_stopped_and_resumed_and_outlive_browser_and_app(page, world):
    page.set_default_timeout(LONG)
    with serving() as url:
        page.goto(f"{url}/train")
        wait_until_idle(page)
        choose_own_file(page)
        page.get_by_role("button", name="Start training").click()
        expect(page.get_by_role("heading", name="toy-1")).to_be_visible(timeout=LONG)
        another = page.get_by_text("Train another")
        expect(another).to_have_count(1)  # the page has been drawn anew
        another.click()
        epochs = page.get_by_label("Epochs", exact=True)
        epochs.fill("1")
        epochs.press("Tab")
        page.get_by_role("button", name="Add to the queue").click()
        expect(page.get_by_text("toy-2", exact=True)).to_be_visible(timeout=LONG)
        expect(page.locator(".js-plotly-plot").nth(1)).to_be_visible(timeout=LONG)  # the first point of a curve
    page.goto("about:blank")
    assert is_held(training_jobs.queue_root() / training_jobs.LOCK), "it trains without browser and app"

    with serving() as url:  # the app is started again and finds it
        page.goto(f"{url}/train")
        expect(page.get_by_text("left.")).to_be_visible(timeout=LONG)
        page.get_by_role("button", name="Stop training").click()
        page.get_by_role("button", name="Resume").click(timeout=LONG)
        done = len(job("toy-1").history()["loss"])
        assert 0 < done < 4000
        expect(page.get_by_text("finished 1 of 1 epoch")).to_be_visible(timeout=LONG)  # the second, which came first
        expect(page.get_by_text("left.")).to_be_visible(timeout=LONG)
        assert (job("toy-2").state, job("toy-1").state) == ("finished", "running")
        assert wait_until(lambda: f"Resuming after epoch {done} of 4000." in job("toy-1").output, LONG / 1000)
        page.get_by_role("link", name="Evaluation").last.click()
        expect(page.get_by_role("heading", name="Evaluation")).to_be_visible(timeout=LONG)
        expect(page.get_by_text("Macro F1").first).to_be_visible(timeout=LONG)
