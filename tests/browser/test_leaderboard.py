"""The leaderboard by hand: rows are chosen, noted, pinned, hidden and compared, and a copied address shows the same."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.serving import wait_until_idle

pytestmark = pytest.mark.browser

HEADER, ROW = 35, 35
"""Pixels of a table's header and of each of its rows, which are drawn on a canvas."""


def choose_rows(page: Page, *rows: int) -> None:
    """Tick the boxes of some rows, 0 for the first."""
    for row in rows:
        box = page.get_by_test_id("stDataFrame").first.bounding_box()
        page.mouse.click(box["x"] + 15, box["y"] + HEADER + ROW * row + ROW / 2)
        wait_until_idle(page)


def cells(page: Page):
    """Return the table as a screen reader has it."""
    return page.get_by_test_id("stDataFrame").first.locator("table")


def test_rows_are_noted_pinned_hidden_and_the_address_tells(page, evaluation_url):
    page.goto(f"{evaluation_url}/compare")
    wait_until_idle(page)
    expect(page.get_by_test_id("stAlert").first).to_contain_text("emoscope is better than baseline")
    choose_rows(page, 1)
    page.get_by_role("button", name="Note").click()
    page.get_by_role("textbox", name="Note").fill("Trained on a laptop.")
    page.get_by_role("button", name="Save", exact=True).click()
    wait_until_idle(page)
    expect(cells(page)).to_contain_text("Trained on a laptop.")
    choose_rows(page, 1)
    page.get_by_role("button", name="Pin", exact=True).click()
    wait_until_idle(page)
    expect(cells(page)).to_contain_text("★ baseline")
    expect(page).to_have_url(re.compile("pinned=baseline"))
    choose_rows(page, 1)
    page.get_by_role("button", name="Hide", exact=True).click()
    wait_until_idle(page)
    expect(page.get_by_text("1 hidden (see View).")).to_be_visible()
    again = page.context.new_page()
    again.goto(page.url)
    wait_until_idle(again)
    expect(cells(again)).to_contain_text("★ baseline")
    expect(cells(again)).to_have_attribute("aria-rowcount", "2")  # the header and one run
    again.close()


def test_two_chosen_rows_are_compared(page, evaluation_url):
    page.goto(f"{evaluation_url}/compare")
    wait_until_idle(page)
    choose_rows(page, 0, 1)
    page.get_by_role("button", name="Compare the two").click()
    wait_until_idle(page)
    expect(page.get_by_text("Who confuses what more")).to_be_visible()
    expect(page.get_by_test_id("stAlert").first).to_contain_text("emoscope is better than baseline by 17.1 points")
