import base64
import csv
import io
import re
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from playwright.sync_api import expect

from emoscope.model.images import encode_png
from tests.browser.serving import wait_until_idle

pytestmark = pytest.mark.browser


@pytest.fixture
def predict(page, app_url):
    page.goto(f"{app_url}/predict")
    wait_until_idle(page)
    return page


@pytest.fixture
def astronaut(tmp_path) -> Path:
    file = tmp_path / "astronaut.png"
    file.write_bytes(encode_png(skimage.data.astronaut()[:, :, ::-1]))
    return file


def drop(page, *files):
    page.locator("[data-testid=stFileUploaderDropzoneInput]").set_input_files(files)


def test_an_uploaded_photo_is_called_happy(predict, astronaut):
    drop(predict, astronaut)
    expect(predict.get_by_role("heading", name="1 face in 1 picture")).to_be_visible()
    card = predict.locator("[class*=st-key-face_]")
    expect(card).to_have_count(1)
    expect(card.locator("strong")).to_have_text("happy")
    expect(card.get_by_role("meter", name="happy")).to_be_visible()
    expect(predict.get_by_role("img", name="astronaut.png")).to_be_visible()
    with predict.expect_download() as download:
        predict.get_by_role("button", name="CSV").click()
    [row] = csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8-sig")))
    assert (row["file"], row["emotion"]) == ("astronaut.png", "happy")
    assert 100 < float(row["x1"]) < float(row["x2"]) < 350


PASTE = """
async (address) => {
  const content = await (await fetch(address)).blob();
  const clipboardData = new DataTransfer();
  clipboardData.items.add(new File([content], "image.png", { type: "image/png" }));
  document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
}
"""


def test_a_picture_is_pasted(predict):
    photo = base64.b64encode(encode_png(skimage.data.astronaut()[:, :, ::-1])).decode()
    for number in (1, 2):
        predict.evaluate(PASTE, f"data:image/png;base64,{photo}")
        expect(predict.get_by_role("img", name=f"pasted-{number}.png")).to_be_visible()
    expect(predict.get_by_role("heading", name="2 faces in 2 pictures")).to_be_visible()


def test_heat_maps_change_the_picture(predict, astronaut):
    drop(predict, astronaut)
    picture = predict.get_by_role("img", name="astronaut.png")
    before = picture.get_attribute("src")
    predict.get_by_test_id("stCheckbox").filter(has_text="Heat maps").locator("label").first.click()
    expect(picture).not_to_have_attribute("src", before)


def test_a_picture_without_a_face_says_what_to_try(predict, tmp_path):
    file = tmp_path / "wall.png"
    file.write_bytes(encode_png(np.full((400, 400, 3), 180, np.uint8)))
    drop(predict, file)
    expect(predict.get_by_text("No face was found in this picture.")).to_be_visible()
    predict.get_by_role("button", name="It is a cropped face").click()
    expect(predict.get_by_role("heading", name="1 face in 1 picture")).to_be_visible()


def test_a_broken_file_is_one_sentence_beside_the_others(predict, astronaut, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 this is cut off")
    drop(predict, broken, astronaut)
    expect(predict.get_by_role("heading", name="1 face in 1 picture")).to_be_visible()
    alerts = predict.get_by_test_id("stAlert")
    expect(alerts).to_have_count(1)
    expect(alerts).to_contain_text(re.compile(r"broken\.jpg.*picture"))
    assert "Traceback" not in predict.content()


def test_a_whole_folder_can_be_dropped(predict, astronaut, tmp_path):
    (tmp_path / "second.png").write_bytes(astronaut.read_bytes())
    predict.get_by_test_id("stButtonGroup").get_by_text("Folder").click()
    wait_until_idle(predict)
    predict.locator("[data-testid=stFileUploaderDropzoneInput]").set_input_files(tmp_path)
    expect(predict.get_by_role("heading", name="2 faces in 2 pictures")).to_be_visible()


def test_covering_the_mouth_takes_the_smile_away(predict, astronaut):
    drop(predict, astronaut)
    predict.get_by_role("button", name="Why?").click()
    face, said = predict.get_by_test_id("covered-face"), predict.get_by_role("status").filter(has_text="covered")
    happy = predict.get_by_role("dialog").get_by_role("meter", name="happy")
    expect(predict.get_by_role("dialog")).to_contain_text("Why happy?")
    expect(said).to_contain_text("happy")
    box = face.bounding_box()

    def cover(x, y):
        predict.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        predict.wait_for_timeout(200)
        return int(happy.get_attribute("aria-valuenow"))

    hair, mouth = cover(0.2, 0.2), cover(0.5, 0.8)
    assert mouth < hair - 20
    place = face.locator(".patch").evaluate("patch => patch.style.top")
    face.focus()
    predict.keyboard.press("ArrowUp")
    assert face.locator(".patch").evaluate("patch => patch.style.top") != place
    predict.get_by_role("button", name="Small cover").click()
    predict.mouse.move(0, 0)
    assert face.locator(".patch").bounding_box()["width"] < 0.3 * box["width"]
