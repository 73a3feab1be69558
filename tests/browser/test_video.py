import re

import pytest
from playwright.sync_api import expect

from emoscope.model.video.reader import Video
from tests.browser.serving import wait_until_idle
from tests.clips import make_clip

pytestmark = pytest.mark.browser


@pytest.fixture
def read(page, app_url, tmp_path):
    """The page once it has read a clip of three seconds."""
    file = tmp_path / "clip.webm"
    file.write_bytes(make_clip(3.0, form="webm", codec="libvpx", sound="libopus"))
    page.goto(f"{app_url}/video")
    wait_until_idle(page)
    page.locator("[data-testid=stFileUploaderDropzoneInput]").set_input_files(file)
    expect(page.get_by_role("heading", name="1 person in 0:03")).to_be_visible(timeout=60_000)
    wait_until_idle(page)
    return page


def test_an_uploaded_clip_is_called_happy_over_its_whole_length(read):
    expect(read.get_by_test_id("video-label")).to_contain_text("happy")
    chart = read.locator(".st-key-video_timeline .js-plotly-plot")
    shares = chart.evaluate("e => e._fullData.filter(t => t.name == 'happy').map(t => Array.from(t.y))[0]")
    seen = [share for share in shares if share is not None and share == share]
    assert len(seen) > 20 and min(seen) > 0.5
    expect(read.get_by_role("button", name=re.compile(r"^happy \d+ % ·|^happy \d+% ·"))).to_be_visible()


def test_pointing_at_the_timeline_shows_its_frame_and_a_click_goes_there(read):
    chart = read.locator(".st-key-video_timeline .js-plotly-plot[data-stills]")
    box = chart.locator(".nsewdrag").bounding_box()
    place = (box["x"] + 0.8 * box["width"], box["y"] + 0.5 * box["height"])
    still = read.get_by_test_id("video-still")
    expect(still).to_be_hidden()
    read.mouse.move(place[0] - 9, place[1])
    read.mouse.move(*place)
    expect(still).to_be_visible()
    expect(still).to_contain_text("0:02")
    assert still.locator("img").get_attribute("src").startswith("data:image/jpeg")
    read.mouse.click(*place)
    expect(read.get_by_role("img", name="The video at 0:02")).to_be_visible()


def test_the_annotated_copy_is_made_and_saved_with_its_sound(read):
    read.get_by_role("button", name="Make annotated video").click()
    button = read.get_by_role("button", name=re.compile("^Annotated video"))
    expect(button).to_be_visible(timeout=60_000)
    with read.expect_download() as download:
        button.click()
    assert download.value.suggested_filename == "clip-annotated.mp4"
    with Video(download.value.path()) as copy:
        assert copy.info.has_audio and len(list(copy.frames())) == 75
