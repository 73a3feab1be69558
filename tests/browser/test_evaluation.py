"""The evaluation pages as a person uses them: choosing a cell, comparing runs, and passing the link on."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.serving import choose, wait_until_idle

pytestmark = pytest.mark.browser

CELL = """([key, x, y]) => {
    const chart = document.querySelector(`.st-key-${key} .js-plotly-plot`);
    const box = chart.getBoundingClientRect(), layout = chart._fullLayout;
    return [box.x + layout.xaxis._offset + layout.xaxis.d2p(x), box.y + layout.yaxis._offset + layout.yaxis.d2p(y)];
}"""


def faces(page: Page):
    return page.locator(".faces figure")


def test_a_chosen_confusion_cell_shows_its_images_and_its_link_reopens_it(page, evaluation_url):
    page.goto(f"{evaluation_url}/evaluation?section=Confusion")
    page.wait_for_selector(".st-key-confusion-matrix .js-plotly-plot")
    wait_until_idle(page)
    expect(faces(page)).to_have_count(0)
    x, y = page.evaluate(CELL, ["confusion-matrix", 5, 4])  # sad, predicted as surprise
    page.mouse.click(x, y)
    expect(page.get_by_role("heading", name=re.compile("sad, predicted as surprise: 3 images"))).to_be_visible()
    expect(faces(page)).to_have_count(3)
    expect(page).to_have_url(re.compile("predicted=surprise"))
    again = page.context.new_page()
    again.goto(page.url)
    expect(faces(again)).to_have_count(3)
    again.close()


def test_a_cell_is_chosen_by_keyboard(page, evaluation_url):
    page.goto(f"{evaluation_url}/evaluation?section=Confusion")
    wait_until_idle(page)
    choose(page, "True class", "fear")
    choose(page, "Predicted class", "happy")
    expect(page.get_by_role("heading", name=re.compile("fear, predicted as happy"))).to_be_visible()
    expect(faces(page).first).to_contain_text("labelled fear")


def test_two_runs_are_compared_and_the_link_reopens_the_comparison(page, evaluation_url):
    page.goto(f"{evaluation_url}/compare")
    wait_until_idle(page)
    page.get_by_role("radio", name="Two runs").click()
    verdict = page.get_by_test_id("stAlert").filter(has_text="is better than")
    expect(verdict).to_contain_text("emoscope is better than baseline by 17.1 points of accuracy at n = 140")
    expect(faces(page).first).to_contain_text("labelled")
    page.get_by_role("radio", name="PublicTest").click()
    expect(verdict).to_contain_text("n = 70")
    expect(page).to_have_url(re.compile("section=Two"))
    again = page.context.new_page()
    again.goto(page.url)
    expect(again.get_by_test_id("stAlert").filter(has_text="is better than")).to_contain_text("n = 70")
    again.close()


def test_a_chart_is_saved_as_a_page_of_its_own(page, evaluation_url):
    page.goto(f"{evaluation_url}/training_curves")
    wait_until_idle(page)
    page.get_by_role("button", name="Save chart").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Interactive web page (HTML)").click()
    assert download.value.suggested_filename == "training-accuracy.html"
    content = download.value.path().read_text()
    assert "emoscope" in content
    assert 'src="http' not in content  # opens without a network
