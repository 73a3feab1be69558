from itertools import pairwise
from urllib.parse import urlparse

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from emoscope.dashboard.ui.navigation import PAGES
from tests.browser.serving import fresh_page, wait_until_idle

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}
NAMES = ["", *(entry.path.stem for entry in PAGES)]


def test_home_leads_to_a_first_prediction_in_two_clicks(page, app_url):
    page.goto(app_url)
    wait_until_idle(page)
    page.get_by_role("button", name="Predict pictures").click()
    page.get_by_role("button", name="One face").click()
    expect(page.get_by_role("heading", name="1 face in 1 picture")).to_be_visible()


def test_nothing_is_fetched_from_another_host(page, app_url):
    hosts = set()
    page.on("request", lambda request: hosts.add(urlparse(request.url).hostname))
    page.goto(app_url)
    wait_until_idle(page)
    assert hosts - {None} == {urlparse(app_url).hostname}


def test_home_is_light_compressed_and_free_of_the_drawing_library(page, app_url):
    answers = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(app_url)
    wait_until_idle(page)
    expect(page.get_by_role("meter", name="happy")).to_be_visible()
    scripts = [answer for answer in answers if answer.url.endswith((".js", ".css"))]
    assert len(scripts) > 10
    assert [answer.url for answer in scripts if "plotly" in answer.url.lower()] == []
    large = [answer for answer in scripts if len(answer.body()) > 2000]
    assert {answer.headers.get("content-encoding") for answer in large} == {"gzip"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme_follows_the_reader(browser, app_url, scheme):
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto(app_url)
    wait_until_idle(page)
    ground = page.evaluate("getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
    context.close()
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 20, 28)"}[scheme]


# The list of pages is Streamlit's own: its groups stand as <div> within the <ul>.
OF_STREAMLIT = {("list", "stSidebarNav"), ("listitem", "stSidebarNav")}
PLACES = "target => document.querySelector(target).closest('[data-testid=stSidebarNav]') ? 'stSidebarNav' : ''"


def grave_violations(page):
    """Return what axe-core calls serious or critical on a page, a line each."""
    return [
        f"{violation['id']}: {node['html'][:200]}: {node['failureSummary']}"
        for violation in Axe().run(page).response["violations"]
        for node in violation["nodes"]
        if violation["impact"] in ("serious", "critical")
        and (violation["id"], page.evaluate(PLACES, node["target"][0])) not in OF_STREAMLIT
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_shuts_anybody_out(browser, app_url, scheme):
    """None has a grave violation of axe-core, or scrolls sideways at 390 or 320 px (1280 at a zoom of 400 %)."""
    found = []
    with fresh_page(browser, scheme=scheme) as page:
        for name in NAMES:
            page.set_viewport_size({"width": 1440, "height": 900})
            page.goto(f"{app_url}/{name}")
            wait_until_idle(page)
            if name == "predict":
                page.get_by_role("button", name="One face").click()
                page.get_by_role("button", name="Why?").click()
                expect(page.get_by_test_id("covered-face")).to_be_visible()
                wait_until_idle(page)
            found += [f"{name}: {violation}" for violation in grave_violations(page)]
            for width in (390, 320) if scheme == "light" else ():
                page.set_viewport_size({**PHONE, "width": width})
                page.wait_for_timeout(600)  # charts follow a little later
                needed = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
                found += [f"{name}: {needed} px wide at {width}"] if needed > width else []
    assert not found, "\n".join(found)


def test_axes_of_many_settings_keep_their_width_on_a_phone(page, app_url):
    page.set_viewport_size(PHONE)
    page.goto(f"{app_url}/compare?section=Settings")
    titles = page.locator(".st-key-hyperparameters .axis-title")
    expect(titles.first).to_be_visible()
    wait_until_idle(page)
    boxes = [title.bounding_box() for title in titles.all()]
    middles = [box["x"] + box["width"] / 2 for box in boxes]
    width = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    assert min(right - left for left, right in pairwise(middles)) > 80
    assert width == 390


def test_each_page_has_one_name_and_the_chosen_run_follows(page, app_url):
    page.goto(f"{app_url}/evaluation?run=lite_cnn")
    wait_until_idle(page)
    expect(page).to_have_title("Evaluation · Emoscope")
    expect(page.get_by_role("heading", name="Evaluation", level=1)).to_be_visible()
    page.get_by_role("link", name="Model card").click()
    expect(page).to_have_title("Model card · Emoscope")
    expect(page.get_by_role("heading", name="Model card: Lite CNN")).to_be_visible()
    page.get_by_role("link", name="Export").click()
    expect(page).to_have_title("Export · Emoscope")
    expect(page.get_by_role("combobox", name="Run")).to_have_value("lite_cnn")
