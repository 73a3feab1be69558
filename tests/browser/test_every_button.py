"""Nothing on the pages is broken: every button is pressed, and every file opened."""

from urllib.parse import quote

import numpy as np
import pytest

from emoscope.dashboard.ui.navigation import PAGES
from emoscope.dashboard.ui.samples import SAMPLES, sample_picture
from emoscope.model.images import encode_png
from tests.browser import live_page
from tests.browser.every_button import Crawler, open_file
from tests.browser.serving import serving, wait_until_idle
from tests.clips import make_clip

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WALL = ("wall.png", encode_png(np.full((300, 400, 3), 180, np.uint8)))
BROKEN = ("broken.jpg", b"\xff\xd8\xff\xe0 this is cut off")
CLIP = make_clip(1.0, form="webm", codec="libvpx")
WALL_CLIP = make_clip(
    1.0, form="webm", codec="libvpx", picture=lambda at, width, height: np.full((height, width, 3), 180, np.uint8)
)
PHOTO, GROUP = (sample_picture(title) for title in list(SAMPLES)[:2])


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return tmp_path_factory.mktemp("server") / "stderr.txt"


@pytest.fixture(scope="module")
def watched_url(log):
    """The address of an app whose log is looked at."""
    with serving(log=log) as url:
        yield url


def upload(*files):
    """Return what brings these pictures to the Predict page."""

    def bring(page):
        payload = [{"name": name, "mimeType": "image/png", "buffer": data} for name, data in files]
        page.locator("[data-testid=stFileUploaderDropzoneInput]").set_input_files(payload)
        page.get_by_role("button", name="JSON").wait_for()

    return bring


def drop_clip(name, content, shown):
    """Return what has the Video page analyse a clip, until this heading or button is there."""

    def bring(page):
        file = {"name": name, "mimeType": "video/webm", "buffer": content}
        page.locator("[data-testid=stFileUploaderDropzoneInput]").set_input_files(file)
        page.get_by_role("heading", name=shown).or_(page.get_by_role("button", name=shown)).wait_for(timeout=60_000)

    return bring


def start_camera(page):
    live_page.press(page, "Start")
    page.get_by_role("button", name="Record", exact=True).and_(page.locator(":enabled")).wait_for()


NOT_FETCHED = "weights cannot be fetched"
FIRST_STATES = {
    name: ("" if name == "home" else name, lambda page: None, NOT_FETCHED if name == "predict" else "")
    for name in ["home", *(entry.path.stem for entry in PAGES)]
}
OTHER_STATES = {
    "predict, one picture": ("predict", upload(PHOTO), ""),
    "predict, many pictures": ("predict", upload(PHOTO, GROUP, *((f"{i}.png", PHOTO[1]) for i in range(6))), ""),
    "predict, no face": ("predict", upload(WALL, PHOTO), NOT_FETCHED),
    "predict, a broken file": ("predict", upload(BROKEN, PHOTO), "broken.jpg"),
    "video, a clip": ("video", drop_clip("a.webm", CLIP, "1 person in 0:01"), ""),
    "video, a clip without a face": ("video", drop_clip("wall.webm", WALL_CLIP, "Another video"), ""),
    "video, a failed clip": ("video", drop_clip("notes.webm", b"no video", "Choose another video"), "no video"),
    "live, with a camera": ("live", start_camera, ""),
}
SECTIONS = {
    "evaluation": ("Confusion", "ROC and PR", "Confidence", "Mistakes", "People"),
    "compare": ("Two runs", "Settings", "Robustness", "Bring a run"),
}
SECTION_STATES = {
    f"{page}, {section}": (f"{page}?section={quote(section)}", lambda page: None, "")
    for page, sections in SECTIONS.items()
    for section in sections
}
LABEL_SETS = {
    f"{page}, FER+ labels": (f"{page}?run=emoscope-ferplus", lambda page: None, "")
    for page in ("evaluation", "model_card", "export")
} | {
    "compare, two label sets": (
        "compare?section=Two%20runs&a=emoscope&b=emoscope-ferplus",
        lambda page: None,
        "cannot be compared",
    )
}
STATES = FIRST_STATES | OTHER_STATES | SECTION_STATES | LABEL_SETS
STATES_WITH_DATA = {
    f"{address}, with data": (address, lambda page: None, "images have no votes" if "People" in address else "")
    for address in (
        "dataset",
        "train",
        "export",
        "evaluation?section=Confusion&true=sad&predicted=surprise",
        "evaluation?section=Mistakes",
        "evaluation?section=People",
        "compare?section=Two%20runs",
    )
}


def press_everything(page, url, log, state):
    """Bring a page into a state, press and open all that it has, and return the crawler."""
    address, bring, expected_error = state

    def prepare(page):
        page.goto("about:blank")  # another session, with nothing in it
        page.goto(f"{url}/{address}")
        wait_until_idle(page)
        bring(page)

    crawler = Crawler(page, prepare, log, expected_error)
    crawler.run()
    print(f"{address}: pressed {[label for label, _ in crawler.pressed]}, opened {crawler.files}")
    assert not crawler.problems, "\n".join(crawler.problems)
    return crawler


@pytest.mark.parametrize("state", STATES)
def test_every_button_works_and_every_file_opens(page, watched_url, log, state):
    crawler = press_everything(page, watched_url, log, STATES[state])
    if state in OTHER_STATES:
        assert crawler.pressed, "a page with something on it has buttons"


@pytest.mark.parametrize("state", STATES_WITH_DATA)
def test_every_button_works_where_the_data_set_is_at_hand(page, evaluation_url, evaluation_log, state):
    press_everything(page, evaluation_url, evaluation_log, STATES_WITH_DATA[state])


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.json", b"{"), ("a.csv", b"one,two\n1\n"), ("a.png", b"PNG"), ("a.zip", b"PK"), ("a.html", b"<p>"), ("b", b"")],
)
def test_a_broken_file_is_noticed(name, content):
    with pytest.raises(AssertionError):
        open_file(name, content)
