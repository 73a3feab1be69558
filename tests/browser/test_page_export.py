"""The page that an export writes, as any static host serves it."""

import subprocess
import sys
import time
import urllib.request

import pytest
from playwright.sync_api import expect

from emoscope.model.errors import EngineError
from emoscope.model.runs.run import load_run
from emoscope.training.exporting.page import write_page
from tests.browser.camera import camera_arguments, moving_face, write_y4m
from tests.browser.live_page import page_with_camera
from tests.browser.serving import free_port

pytestmark = pytest.mark.browser

FACE = "[data-testid=browser-label][data-label=happy]"


@pytest.fixture
def host(tmp_path):
    """Return the address of ``python -m http.server`` in an exported folder, and its process."""
    try:
        write_page(load_run("emoscope"), tmp_path / "page", "# Model card")
    except EngineError as error:
        pytest.skip(str(error))
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", tmp_path / "page"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/"
    for _ in range(100):
        try:
            urllib.request.urlopen(url, timeout=2).close()
            break
        except OSError:
            time.sleep(0.1)
    yield url, process
    process.kill()
    process.wait()


def test_it_reads_a_face_and_opens_again_when_the_host_is_gone(playwright, host, tmp_path):
    url, process = host
    arguments = camera_arguments(write_y4m(tmp_path / "camera.y4m", moving_face()))
    with page_with_camera(playwright, arguments, size=(390, 844)) as page:
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(url)
        page.get_by_role("button", name="Start", exact=True).click()
        page.wait_for_selector(FACE)
        assert all(address.startswith((url, "blob:", "data:")) for address in asked)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        page.get_by_label("Mirror").uncheck()
        expect(page.locator(".stage.mirrored")).to_have_count(0)
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        process.kill()
        process.wait()
        page.reload()
        page.get_by_role("button", name="Start", exact=True).click()
        page.wait_for_selector(FACE)
