"""A run of another program, dropped on the page: its curves, its confusions, a verdict against one of ours."""

import base64
import json
import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.serving import choose, wait_until_idle
from tests.factories import FER7
from tests.made_up_faces import SIZES

pytestmark = pytest.mark.browser

IMAGES, WRONG = SIZES["PrivateTest"], 60
DROP = """(files) => {
    const transfer = new DataTransfer();
    for (const [name, content] of files) {
        const bytes = Uint8Array.from(atob(content), (sign) => sign.charCodeAt(0));
        transfer.items.add(new File([bytes], name));
    }
    const target = document.querySelector("[data-testid=stFileUploaderDropzone]");
    for (const kind of ["dragenter", "dragover", "drop"]) {
        target.dispatchEvent(new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer: transfer}));
    }
}"""


def keras_history() -> bytes:
    values = {"loss": [1.9, 1.5, 1.2], "accuracy": [0.3, 0.4, 0.5]}
    return json.dumps(values | {f"val_{name}": column for name, column in values.items()}).encode()


def predictions_csv() -> bytes:
    """Return the table that a foreign project wrote of the test images: wrong about the last ones."""
    rows = ["filename;true_label;predicted_label"]
    for i in range(IMAGES):
        label = i % len(FER7)
        predicted = (label + 1) % len(FER7) if i >= IMAGES - WRONG else label
        rows.append(f"img_{i:04}.png;{FER7[label]};{FER7[predicted]}")
    return "\n".join(rows).encode()


def drop(page: Page, **files: bytes) -> None:
    """Drop files on the uploader, as a person drags them from a folder."""
    encoded = [[name.replace("__", "."), base64.b64encode(content).decode()] for name, content in files.items()]
    page.evaluate(DROP, encoded)
    wait_until_idle(page)


def open_page(page: Page, name: str) -> None:
    """Follow a link of the menu, so that the session and its runs stay."""
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True).click()
    wait_until_idle(page)


def test_dropped_files_of_another_program_are_drawn_and_judged(page, evaluation_url):
    page.goto(f"{evaluation_url}/compare?section=Bring+a+run")
    page.wait_for_selector("[data-testid=stFileUploaderDropzone]")
    wait_until_idle(page)
    drop(page, history__json=keras_history(), predictions__csv=predictions_csv())
    main = page.get_by_test_id("stMain")
    expect(main).to_contain_text("3 epochs")
    expect(main).to_contain_text("label from true_label, predicted class from predicted_label")
    page.get_by_label("Name of the run").fill("Foreign")
    page.get_by_label("Name of the run").press("Enter")
    wait_until_idle(page)
    page.get_by_role("button", name="Add as one run").click()
    expect(page.get_by_test_id("stAlert")).to_contain_text("Foreign is here until you leave")
    wait_until_idle(page)

    open_page(page, "Training curves")
    expect(page.locator(".js-plotly-plot .legend")).to_contain_text("Foreign · validation")

    open_page(page, "Evaluation")
    choose(page, "Run", "Foreign")
    page.get_by_role("radio", name="Confusion").click()
    wait_until_idle(page)
    expect(page.locator(".st-key-confusion-matrix .js-plotly-plot")).to_be_visible()
    choose(page, "True class", "sad")
    choose(page, "Predicted class", "surprise")
    expect(page.get_by_role("heading", name=re.compile("sad, predicted as surprise: 9 images"))).to_be_visible()

    open_page(page, "Compare")
    page.get_by_role("radio", name="Two runs").click()
    wait_until_idle(page)
    choose(page, "B", "Foreign")
    verdict = page.get_by_test_id("stAlert").filter(has_text="is better than")
    expect(verdict).to_contain_text("emoscope is better than Foreign by 28.6 points of accuracy at n = 140")
    page.get_by_role("radio", name="Leaderboard").click()
    expect(page.get_by_test_id("stAlert").first).to_contain_text("emoscope is better than baseline")
