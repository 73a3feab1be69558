import re
import time
from contextlib import ExitStack

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect

from emoscope.model.drawing.palette import EMOTION_COLORS, hex_to_bgr
from emoscope.model.faces.quality import BLACK_CAMERA
from tests.browser import live_page
from tests.browser.camera import HEIGHT, WIDTH, coming_and_going, covered, moving_face, no_face, write_y4m
from tests.browser.live_page import LABEL, PERFORMANCE, SLOW

pytestmark = pytest.mark.browser


@pytest.fixture
def watching(playwright, app_url, tmp_path):
    """Return a function that opens the live page in a browser whose camera shows a film."""
    with ExitStack() as opened:

        def watch(frames=None, arguments=None):
            if arguments is None:
                arguments = live_page.camera_arguments(write_y4m(tmp_path / "camera.y4m", frames))
            page = opened.enter_context(live_page.page_with_camera(playwright, arguments))
            live_page.open_live(page, app_url)
            return page

        yield watch


def painted(page, emotion: str) -> int:
    return (live_page.color_counts(page) or {}).get(emotion, 0)


def wait_for(page, condition, seconds: float = SLOW / 1000) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        page.wait_for_timeout(150)
    return condition()


def test_a_smiling_face_is_boxed_and_called_happy_and_comes_back_after_leaving(watching):
    page = watching(moving_face())
    live_page.press(page, "Start")
    page.wait_for_selector(f"{LABEL}[data-label=happy]")
    assert wait_for(page, lambda: painted(page, "happy") > 1000), "no happy box and label in the picture"
    # A rate is 0 until a second analysis has come through, and the strip is redrawn only now and then.
    rates = ("shown_fps", "analyses_per_second", "age_p95")
    assert wait_for(page, lambda: all(live_page.figures(page).get(name, 0) > 0 for name in rates)), "no rates"
    figures = live_page.figures(page)
    assert {"decode_ms", "detect_ms", "classify_ms", "draw_ms"} <= figures.keys()

    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.get_by_text(re.compile(r"Recording, [2-9] s"))).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Stop recording").click()
    save = page.get_by_role("button", name="Timeline as CSV")
    page.wait_for_timeout(2500)  # the strip beside it goes on being redrawn, which must not spoil the download
    with page.expect_download() as download:
        save.click()
    rows = download.value.path().read_text().splitlines()
    assert rows[0].startswith("seconds,face,label") and len(rows) > 1
    page.get_by_role("button", name="Snapshot", exact=True).click()
    save = page.get_by_role("button", name="Save snapshot")
    save.wait_for()
    page.wait_for_timeout(2500)
    with page.expect_download() as download:
        save.click()
    snapshot = cv2.imread(str(download.value.path()))
    assert snapshot.shape == (HEIGHT, WIDTH, 3), "the camera's size, whatever the browser sends as video"
    happy = np.abs(snapshot.astype(int) - hex_to_bgr(EMOTION_COLORS["happy"])).max(axis=2) <= 2
    assert happy.sum() > 1000

    page.get_by_role("link", name="Home", exact=True).click()
    page.wait_for_selector('iframe[title*="webrtc"]', state="detached")
    page.get_by_role("link", name="Live", exact=True).click()
    live_page.stream_frame(page).get_by_role("button", name="Start").wait_for()
    live_page.press(page, "Start")
    page.wait_for_selector(f"{LABEL}[data-label=happy]")


def test_a_snapshot_has_the_size_of_a_camera_that_is_larger_than_the_video(watching):
    page = watching(cv2.resize(frame, (2 * WIDTH, 2 * HEIGHT)) for frame in moving_face(seconds=0.5))
    live_page.press(page, "Start")
    page.wait_for_selector(LABEL)
    page.get_by_role("button", name="Snapshot", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save snapshot").click()
    assert cv2.imread(str(download.value.path())).shape == (2 * HEIGHT, 2 * WIDTH, 3)
    page.get_by_role("button", name="Drop snapshot").click()
    expect(page.get_by_role("img", name="The snapshot")).to_have_count(0)


def test_controls_act_without_a_new_connection(watching):
    page = watching(moving_face())
    live_page.press(page, "Start")
    page.wait_for_selector(LABEL)
    before = live_page.inner_frame(page).evaluate("document.querySelector('video').srcObject.id")
    page.locator("label", has_text="Bars").click()
    page.wait_for_timeout(2000)
    assert live_page.inner_frame(page).evaluate("document.querySelector('video').srcObject.id") == before
    shown = live_page.frames_shown(page)
    assert wait_for(page, lambda: live_page.frames_shown(page) > shown + 3)


def test_an_empty_scene_shows_no_label(watching):
    page = watching(no_face())
    live_page.press(page, "Start")
    assert wait_for(page, lambda: live_page.figures(page).get("analyses_per_second", 0) > 0)
    expect(page.get_by_text("Looking for a face")).to_be_visible(timeout=SLOW)
    assert page.locator(LABEL).count() == 0
    assert wait_for(page, lambda: live_page.color_counts(page) is not None)


def test_a_covered_camera_is_named(watching):
    page = watching(covered())
    live_page.press(page, "Start")
    expect(page.get_by_text(BLACK_CAMERA)).to_be_visible(timeout=SLOW)


def test_a_page_in_a_frame_without_the_camera_says_which_attribute_is_missing(playwright, app_url):
    arguments = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",
    ]
    with live_page.page_with_camera(playwright, arguments) as page:
        frame = f'<iframe src="{app_url}/live?embed=true" style="width:1200px;height:800px"></iframe>'
        page.route("https://another.test/", lambda route: route.fulfill(content_type="text/html", body=frame))
        page.goto("https://another.test/")
        live = page.frame_locator("iframe").first
        expect(live.get_by_text('have allow="camera" added to the frame')).to_be_visible(timeout=SLOW)


def test_a_camera_that_stops_while_live_is_named(watching):
    page = watching(moving_face())
    live_page.press(page, "Start")
    page.wait_for_selector(LABEL)
    page.evaluate("emoscopeCamera.stop()")  # what remains of a camera that was unplugged
    expect(page.get_by_text("The camera has stopped.")).to_be_visible(timeout=SLOW)


def test_a_face_that_leaves_is_dropped(watching):
    page = watching(coming_and_going())
    live_page.press(page, "Start")
    page.wait_for_selector(LABEL)
    page.wait_for_selector(LABEL, state="detached")


def test_a_denied_camera_is_explained_and_pictures_are_offered(watching):
    arguments = ["--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream", "--deny-permission-prompts"]
    page = watching(arguments=arguments)
    live_page.press(page, "Start")
    expect(page.get_by_text("The camera permission is denied.")).to_be_visible(timeout=SLOW)
    expect(page.get_by_test_id("stMain").get_by_role("link", name="Predict")).to_be_visible()


def test_a_machine_without_camera_is_told(watching):
    page = watching(arguments=["--no-sandbox", "--disable-gpu", "--use-fake-ui-for-media-stream"])
    expect(page.get_by_text("Press Start and allow the camera.")).to_be_visible(timeout=SLOW)
    page.wait_for_timeout(2000)
    expect(page.get_by_text("No camera was found.")).to_be_hidden()  # nobody has asked for one
    live_page.press(page, "Start")
    expect(page.get_by_text("No camera was found.")).to_be_visible(timeout=SLOW)
    expect(live_page.stream_frame(page).get_by_role("alert")).to_be_hidden()  # in the browser's own words


def test_the_page_reads_on_a_phone(watching):
    page = watching(moving_face())
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(500)
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0


def test_before_start_the_picture_has_its_size_and_no_figures_stand_below(watching):
    page = watching(moving_face())
    frame = page.locator('iframe[title*="webrtc"]')
    before = frame.bounding_box()
    assert before["height"] > 0.7 * before["width"]
    expect(page.locator(PERFORMANCE)).to_have_count(0)
    live_page.press(page, "Start")
    page.wait_for_selector(LABEL)
    expect(page.locator(PERFORMANCE)).to_be_visible()
    assert frame.bounding_box()["height"] == pytest.approx(before["height"], abs=30)
