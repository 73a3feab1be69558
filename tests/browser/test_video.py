import csv
import io
import re
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect

from emoscope.model.machine import half_of_the_cores
from emoscope.model.video.reader import Video
from tests.browser.serving import fresh_page, wait_until_idle
from tests.clips import make_clip, view

pytestmark = pytest.mark.browser

PLAYER = ".st-key-video_player video"
CURSOR = "[data-testid=video-cursor]"


def open_video(page, url):
    page.goto(f"{url}/video")
    wait_until_idle(page)


def drop(page, folder: Path, name: str, content: bytes):
    file = folder / name
    file.write_bytes(content)
    page.locator("[data-testid=stFileUploaderDropzoneInput]").set_input_files(file)


def read_clip(page, url, folder, name="clip.webm", **options):
    """Open the page and have it read a clip of three seconds."""
    open_video(page, url)
    drop(page, folder, name, make_clip(3.0, **options))
    expect(page.get_by_role("heading", name="1 person in 0:03")).to_be_visible(timeout=60_000)
    wait_until_idle(page)
    return page


@pytest.fixture(scope="module")
def read(browser, app_url, tmp_path_factory):
    """The page once it has read a WebM clip with sound; the tests share it, and the last leaves it."""
    with fresh_page(browser) as page:
        yield read_clip(page, app_url, tmp_path_factory.mktemp("read"), form="webm", codec="libvpx", sound="libopus")


def time_played(page) -> float:
    return page.locator(PLAYER).evaluate("film => film.currentTime")


def place_on_timeline(page, share: float) -> tuple[float, float]:
    box = page.locator(".st-key-video_timeline .nsewdrag").first.bounding_box()
    return box["x"] + share * box["width"], box["y"] + 0.5 * box["height"]


def test_an_uploaded_clip_is_called_happy_over_its_whole_length(read):
    expect(read.get_by_test_id("video-label")).to_contain_text("happy")
    chart = read.locator(".st-key-video_timeline .js-plotly-plot")
    shares = chart.evaluate("e => e._fullData.filter(t => t.name == 'happy').map(t => Array.from(t.y))[0]")
    seen = [share for share in shares if share is not None and share == share]
    assert len(seen) > 20 and min(seen) > 0.5
    expect(read.get_by_role("button", name=re.compile(r"^happy \d+ % ·|^happy \d+% ·"))).to_be_visible()


def test_pointing_at_the_timeline_shows_its_frame_and_a_click_goes_there(read):
    read.locator(".js-plotly-plot[data-stills]").wait_for()
    place = place_on_timeline(read, 0.8)
    still = read.get_by_test_id("video-still")
    read.mouse.move(0, 0)
    expect(still).to_be_hidden()
    read.mouse.move(place[0] - 9, place[1])
    read.mouse.move(*place)
    expect(still).to_be_visible()
    expect(still).to_contain_text("0:02")
    assert still.locator("img").get_attribute("src").startswith("data:image/jpeg")
    read.mouse.click(*place)
    expect(read.get_by_role("img", name="The video at 0:02")).to_be_visible()
    assert time_played(read) == pytest.approx(2.4, abs=0.15)


def test_the_player_plays_with_a_cursor_on_the_timeline_and_its_rest_is_the_moment(read):
    expect(read.locator(CURSOR)).to_have_count(1)
    read.locator(PLAYER).evaluate("film => { film.muted = true; film.currentTime = 0; film.play(); }")
    read.wait_for_function(f"document.querySelector('{PLAYER}').currentTime > 1")
    read.locator(PLAYER).evaluate("film => film.pause()")
    at = time_played(read)
    assert float(read.locator(CURSOR).get_attribute("data-at")) == pytest.approx(at, abs=0.1)
    expect(read.get_by_role("img", name=f"The video at 0:0{round(at)}")).to_be_visible()
    wait_until_idle(read)
    assert time_played(read) == pytest.approx(at, abs=0.1), "the player was left where it was halted"


def test_a_strongest_moment_takes_the_player_there(read):
    read.mouse.click(*place_on_timeline(read, 0.9))
    read.wait_for_function(f"document.querySelector('{PLAYER}').currentTime > 2.4")
    wait_until_idle(read)
    button = read.get_by_role("button", name=re.compile(r"^happy \d+% ·"))
    shown = int(button.inner_text()[-1])
    button.click()
    expect(read.get_by_role("img", name=f"The video at 0:0{shown}")).to_be_visible()
    read.wait_for_function(f"Math.abs(document.querySelector('{PLAYER}').currentTime - {shown}) < 0.6")


def test_the_film_comes_in_parts_so_that_one_can_jump_in_it(read):
    address = read.locator(PLAYER).evaluate("film => film.currentSrc")
    asked = urllib.request.Request(address, headers={"Range": "bytes=100-199", "Accept-Encoding": "gzip"})
    with urllib.request.urlopen(asked) as answer:
        assert answer.status == 206 and len(answer.read()) == 100
        assert answer.headers["content-range"].startswith("bytes 100-199/") and "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("name", "options"), [("clip.gif", {"form": "gif", "codec": "gif"}), ("clip.mkv", {"form": "matroska"})]
)
def test_what_no_browser_plays_is_made_to_play(page, app_url, tmp_path, name, options):
    read_clip(page, app_url, tmp_path, name, **options)
    expect(page.locator(PLAYER)).to_be_visible(timeout=60_000)
    page.wait_for_function(f"document.querySelector('{PLAYER}').readyState > 0")
    assert page.locator(PLAYER).evaluate("film => film.duration") == pytest.approx(3, abs=0.2)
    page.locator(PLAYER).evaluate("film => { film.muted = true; film.play() }")  # or no more than its length is loaded
    page.wait_for_function(f"document.querySelector('{PLAYER}').currentTime > 0.2")
    expect(page.get_by_role("button", name=re.compile("^Annotated video"))).to_be_visible()


def test_on_a_phone_the_player_fits_and_the_timeline_is_its_scrubber(page, app_url, tmp_path):
    page.set_viewport_size({"width": 390, "height": 844})
    read_clip(page, app_url, tmp_path, form="webm", codec="libvpx")
    box = page.locator(PLAYER).bounding_box()
    assert box["x"] >= 0 and 300 < box["width"] <= 390
    page.locator(".st-key-video_timeline").scroll_into_view_if_needed()
    page.mouse.click(*place_on_timeline(page, 0.5))
    page.wait_for_function(f"Math.abs(document.querySelector('{PLAYER}').currentTime - 1.5) < 0.2")
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") == 390


def test_the_predictions_are_saved_as_a_table(read):
    with read.expect_download() as download:
        read.get_by_role("button", name="CSV", exact=True).click()
    assert download.value.suggested_filename == "clip.csv"
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8"))))
    assert len(rows) in (29, 30)  # a face is shown from its second sighting on
    assert {row["person"] for row in rows} == {"1"} and {row["emotion"] for row in rows} == {"happy"}
    assert 0 <= float(rows[0]["seconds"]) < float(rows[-1]["seconds"]) < 3


def test_the_people_are_saved_as_a_table(read):
    table = read.get_by_test_id("stDataFrame")
    table.scroll_into_view_if_needed()
    table.hover()
    read.evaluate("window.showSaveFilePicker = undefined")  # a dialog that no test can answer
    with read.expect_download() as download:
        read.get_by_role("button", name="Download as CSV: What was predicted for each person").click()
    [row] = csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8-sig")))
    assert (row["person"], row["appearances"], row["mostly"], row["happy (%)"]) == ("1", "1", "happy", "100")


def test_a_broken_file_is_one_sentence_and_another_can_be_chosen(page, app_url, tmp_path):
    open_video(page, app_url)
    drop(page, tmp_path, "notes.mp4", b"no video at all")
    expect(page.get_by_test_id("stAlert")).to_contain_text("no video that can be opened")
    page.get_by_role("button", name="Choose another video").click()
    expect(page.get_by_text("Drop a video here")).to_be_visible()
    wait_until_idle(page)
    page.get_by_role("button", name="Try a sample").click()
    expect(page.get_by_role("heading", name=re.compile("people in 0:10"))).to_be_visible(timeout=60_000)


def test_a_reading_is_watched_and_stopped_and_keeps_what_was_read(page, app_url, tmp_path):
    open_video(page, app_url)
    drop(page, tmp_path, "long.mp4", make_clip(240.0, rate=10))
    expect(page.get_by_role("heading", name="Analysing long.mp4")).to_be_visible()
    expect(page.get_by_role("img", name="The frame that is being analysed")).to_be_visible()
    page.get_by_role("button", name="Stop and keep what there is").click()
    expect(page.get_by_text("You stopped the analysis at")).to_be_visible()
    expect(page.get_by_role("button", name="Analyse again")).to_be_visible()
    expect(page.locator(PLAYER)).to_be_visible()


def test_a_reload_leaves_no_reading_that_the_next_would_wait_for(page, app_url, tmp_path):
    still = view(0.0, 320, 240)
    long = make_clip(1200.0, rate=10, picture=lambda at, width, height: still)
    for i in range(half_of_the_cores() + 1):  # one more than are read at a time
        name = f"{i}.mp4"
        open_video(page, app_url)
        drop(page, tmp_path, name, long)
        expect(page.get_by_role("heading", name=f"Analysing {name}")).to_be_visible()
        expect(page.get_by_role("img", name="The frame that is being analysed")).to_be_visible(timeout=40_000)
    page.get_by_role("button", name="Stop and keep what there is").click()
    expect(page.get_by_text("You stopped the analysis at")).to_be_visible()


def test_the_annotated_copy_is_made_and_saved_with_its_sound(read):
    read.mouse.click(*place_on_timeline(read, 0.7))
    expect(read.get_by_role("img", name="The video at 0:02")).to_be_visible()
    moment = time_played(read)
    read.get_by_role("button", name="Make annotated video").click()
    button = read.get_by_role("button", name=re.compile("^Annotated video"))
    expect(button).to_be_visible(timeout=60_000)
    with read.expect_download() as download:
        button.click()
    assert download.value.suggested_filename == "clip-annotated.mp4"
    read.wait_for_function(f"document.querySelector('{PLAYER}').currentSrc.endsWith('.mp4')")
    read.wait_for_function(f"Math.abs(document.querySelector('{PLAYER}').currentTime - {moment}) < 0.1")
    with Video(download.value.path()) as copy:
        assert copy.info.has_audio and len(list(copy.frames())) == 75


def test_another_video_leads_back_to_the_uploader_and_is_read(read, tmp_path):
    read.get_by_role("button", name="Another video").click()
    expect(read.get_by_text("Drop a video here")).to_be_visible()
    expect(read.get_by_role("heading", name="1 person in 0:03")).to_be_hidden()
    wait_until_idle(read)
    drop(read, tmp_path, "second.webm", make_clip(1.0, form="webm", codec="libvpx"))
    expect(read.get_by_role("heading", name="1 person in 0:01")).to_be_visible(timeout=60_000)
