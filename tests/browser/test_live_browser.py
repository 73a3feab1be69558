"""Live in the browser itself, with a made-up camera."""

import re
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from emoscope.model.browser.runtime import fetch_runtime
from emoscope.model.errors import EngineError
from emoscope.model.faces.quality import BLACK_CAMERA
from tests.browser import live_page
from tests.browser.camera import camera_arguments, covered, moving_face, no_face, write_y4m
from tests.browser.live_page import BROWSER_LABEL as FACE
from tests.browser.live_page import SLOW
from tests.browser.live_page import start_button as start
from tests.browser.serving import serving, wait_until_idle

pytestmark = pytest.mark.browser


SLOW_CAMERA = """
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  await new Promise((resolve) => setTimeout(resolve, 3000));
  return (window.opened = await open(wanted));
};
"""


@pytest.fixture(scope="module", autouse=True)
def runtime():
    try:
        fetch_runtime()
    except EngineError as error:
        pytest.skip(str(error))


@pytest.fixture
def watching(playwright, tmp_path):
    """Return a function that opens the page with the browser's engine, whose camera shows a film."""
    with ExitStack() as opened:

        def watch(url, frames=None, arguments=None, prepare=lambda page: None, size=(1440, 900)):
            if arguments is None:
                arguments = camera_arguments(write_y4m(tmp_path / "camera.y4m", frames))
            page = opened.enter_context(live_page.page_with_camera(playwright, arguments, size))
            prepare(page)
            live_page.open_in_browser(page, url)
            return page

        yield watch


def test_a_face_is_read_without_a_request_to_elsewhere_and_goes_on_without_the_server(watching, tmp_path):
    requests = []

    def watch_requests(page):
        page.on("request", lambda request: requests.append((request.method, urlsplit(request.url))))

    with serving() as url:
        page = watching(url, moving_face(), prepare=watch_requests)
        page.wait_for_timeout(1000)
        start(page).click()
        page.wait_for_selector(f"{FACE}[data-label=happy]")
        own = urlsplit(url).netloc
        assert {place.netloc for _, place in requests if place.scheme not in ("blob", "data")} == {own}
        assert {method for method, _ in requests} == {"GET"}
        loaded = len(requests)
        page.wait_for_timeout(3000)
        assert len(requests) == loaded, "nothing is fetched or sent while it runs"
        expect(page.locator("video")).to_be_visible()
    # The server is gone now.
    page.wait_for_timeout(6000)  # the figures are of five seconds
    figures = live_page.figures(page, live_page.BROWSER_PERFORMANCE)
    assert figures["analyses_per_second"] > 0 and figures["shown_fps"] > 0
    expect(page.locator(f"{FACE}[data-label=happy]")).to_be_visible()


def test_controls_act_without_starting_anew_and_leaving_frees_the_camera(watching, app_url):
    page = watching(app_url, moving_face())
    start(page).click()
    page.wait_for_selector(FACE)
    page.locator("label", has_text="Heat map").click()
    page.locator("label", has_text="Mirror").click()
    wait_until_idle(page)
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_visible()
    expect(page.locator(FACE)).to_be_visible()
    expect(page.locator(".stage.mirrored")).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save picture").click()
    assert download.value.suggested_filename == "emoscope-snapshot.png"
    page.get_by_role("button", name="Stop", exact=True).click()
    start(page).click()
    page.wait_for_selector(FACE)
    page.get_by_role("link", name="Home", exact=True).click()
    expect(page.locator(FACE)).to_have_count(0)
    page.get_by_role("link", name="Live", exact=True).click()
    start(page).click()
    page.wait_for_selector(FACE)


def test_another_run_classifies_from_now_on(watching, app_url):
    page = watching(app_url, moving_face())
    start(page).click()
    page.wait_for_selector(FACE)
    rows = page.locator("aside .row .name")
    expect(rows).to_have_count(7)
    page.get_by_test_id("stSidebar").get_by_role("combobox").first.click()
    page.get_by_role("option", name=re.compile("ferplus")).first.click()
    expect(rows).to_have_count(8, timeout=SLOW)
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_visible()


def test_an_empty_scene_shows_no_label(watching, app_url):
    page = watching(app_url, no_face())
    start(page).click()
    expect(page.get_by_text("Looking for a face …")).to_be_visible(timeout=SLOW)
    assert page.locator(FACE).count() == 0


def test_a_covered_camera_is_named(watching, app_url):
    page = watching(app_url, covered())
    start(page).click()
    expect(page.get_by_text(BLACK_CAMERA)).to_be_visible(timeout=SLOW)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--deny-permission-prompts", "--use-fake-device-for-media-stream"], "The camera permission is denied."),
        (["--use-fake-ui-for-media-stream"], "No camera was found."),
    ],
)
def test_without_a_camera_the_reason_is_said_and_the_server_offered(watching, app_url, arguments, words):
    page = watching(app_url, arguments=["--no-sandbox", "--disable-gpu", *arguments])
    start(page).click()
    expect(page.get_by_text(words)).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Let the server analyse").click()
    page.wait_for_selector('iframe[title*="webrtc"]')


def test_a_browser_without_simd_is_told(watching, app_url):
    page = watching(
        app_url, moving_face(), prepare=lambda page: page.add_init_script("WebAssembly.validate = () => false;")
    )
    start(page).click()
    expect(page.get_by_text("it lacks WebAssembly with SIMD")).to_be_visible()


@pytest.mark.parametrize(
    ("files", "words"), [("**/litert_wasm_*.wasm", "does not run here"), ("**/run/**", "cannot be loaded")]
)
def test_files_that_do_not_come_are_a_sentence(watching, app_url, files, words):
    def refuse(page):
        page.context.route(files, lambda route: route.fulfill(status=503, body="The file is damaged."))
        page.add_init_script(SLOW_CAMERA)

    page = watching(app_url, moving_face(), prepare=refuse)
    start(page).click()
    alert = page.get_by_role("alert").filter(has_text=words)
    expect(alert).to_be_visible(timeout=SLOW)
    page.wait_for_function("window.opened", timeout=SLOW)
    page.wait_for_timeout(500)
    expect(alert).to_be_visible()
    assert page.evaluate("opened.getVideoTracks()[0].readyState") == "ended", "a camera that comes too late is left on"


def test_the_page_reads_on_a_phone(watching, app_url):
    page = watching(app_url, moving_face(), size=(390, 844))
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(overflow) <= 0
    start(page).click()
    page.wait_for_selector(FACE)
    assert page.evaluate(overflow) <= 0


def test_the_doctor_switches_to_the_browser_when_no_connection_comes_about(watching, app_url):
    never = "RTCPeerConnection.prototype.setRemoteDescription = async () => {};"
    page = watching(app_url, moving_face(), prepare=lambda page: page.add_init_script(never))
    page.get_by_test_id("stButtonGroup").get_by_text("server").click()
    page.frame_locator('iframe[title*="webrtc"]').get_by_role("button", name="Start").click()
    page.get_by_role("button", name="Run in this browser").click()
    start(page).click()
    page.wait_for_selector(FACE)
