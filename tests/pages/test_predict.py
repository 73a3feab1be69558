import re
import shutil

import cv2
import numpy as np
import pytest
from streamlit.runtime.scriptrunner import RerunData, RerunException, StopException
from streamlit.testing.v1 import AppTest

from emoscope.dashboard.predict import view as prediction_view
from emoscope.dashboard.predict import why
from emoscope.dashboard.ui import resources
from emoscope.dashboard.ui.samples import sample_picture
from emoscope.model.errors import DetectorError
from emoscope.model.faces.detectors import WholeImage
from emoscope.model.images import decode_image, encode_png
from emoscope.model.pipeline import Pipeline
from emoscope.model.runs.files import write_json
from tests.dashboard.conftest import ASSETS
from tests.factories import write_run
from tests.paths import ROOT

PAGE = str(ROOT / "pages" / "predict.py")
PORTRAIT = ("portrait.png", sample_picture("One face")[1], "image/png")
EMPTY = ("empty.png", encode_png(np.full((300, 300, 3), 200, np.uint8)), "image/png")
BROKEN = ("notes.txt", b"these are no pixels", "text/plain")


@pytest.fixture
def page(runs_folder):
    return AppTest.from_file(PAGE, default_timeout=60).run()


@pytest.fixture
def analyses(monkeypatch):
    """The names of the detectors of all analyses made."""
    made = []
    analyze = Pipeline.analyze
    monkeypatch.setattr(
        Pipeline, "analyze", lambda self, frame: made.append(self.detector.name) or analyze(self, frame)
    )
    return made


def drop(page, *files):
    page.file_uploader[0].set_value(list(files)).run()
    assert not page.exception
    return page


def headings(page):
    return [heading.value for heading in page.subheader]


def cards(page):
    return sum('data-testid="probabilities"' in html.value for html in page.html)


def test_a_dropped_picture_gets_a_card_with_bars(page):
    drop(page, PORTRAIT)
    assert headings(page) == ["1 face in 1 picture"]
    assert cards(page) == 1
    assert any("happy" in html.value for html in page.html)
    assert any("portrait.png · 512 × 512 pixels · 1 face" in caption.value for caption in page.caption)
    assert {button.label for button in page.download_button} == {"CSV", "JSON", "Pictures"}


def test_the_uploader_is_emptied_so_that_the_server_forgets_the_files(page):
    drop(page, PORTRAIT)
    assert page.file_uploader[0].value == []
    assert headings(page) == ["1 face in 1 picture"]


def test_a_broken_file_costs_one_sentence_and_no_other_file(page):
    drop(page, BROKEN, PORTRAIT, EMPTY)
    assert len(page.error) == 1
    assert "notes.txt" in page.error[0].value
    assert "no picture" in page.error[0].value
    assert headings(page) == ["1 face in 2 pictures"]


def test_many_broken_files_are_folded_away(page):
    drop(page, *((f"{i}.txt", b"x" * i, "text/plain") for i in range(9)))
    assert len(page.error) == 5
    assert page.expander[0].label == "4 more files could not be opened"


def test_no_face_says_what_to_try_and_one_click_tries_it(page, analyses):
    drop(page, EMPTY)
    assert "No face was found" in page.warning[0].value
    [crop] = [button for button in page.button if button.label == "It is a cropped face"]
    crop.click().run()
    assert not page.exception
    assert not page.warning
    assert headings(page) == ["1 face in 1 picture"]
    assert analyses == ["blazeface", "none"]


def press(page, label):
    next(button for button in page.button if button.label == label).click().run()
    assert not page.exception


def test_what_is_chosen_beside_a_picture_is_for_that_picture_alone(page, analyses):
    drop(page, EMPTY, PORTRAIT)
    press(page, "It is a cropped face")
    drop(page, ("later.png", PORTRAIT[1], "image/png"))
    assert analyses == ["blazeface", "blazeface", "none", "blazeface"], (
        "neither the other picture nor a later one is read whole"
    )
    assert page.radio(key="content").value == page.radio(key="content").options[0]
    assert [caption.value for caption in page.caption if "cropped face" in caption.value] == [
        ":material/crop: Taken whole, as a cropped face."
    ]
    press(page, "Undo")
    assert "No face was found" in page.warning[0].value
    assert len(analyses) == 4


def test_a_detector_tried_on_a_picture_leaves_the_chosen_one(page, monkeypatch):
    monkeypatch.setattr(
        resources, "create_picture_detector", lambda name, takes_crops: WholeImage()
    )  # YuNet would need its weights
    monkeypatch.setattr(prediction_view, "detector_problem", lambda name: "")
    drop(page, EMPTY)
    press(page, "Try YuNet")
    assert page.selectbox(key="detector_name").value == "blazeface"
    assert headings(page) == ["1 face in 1 picture"]


def captions(page):
    return [caption.value for caption in page.caption]


def test_a_cropped_face_is_taken_whole_and_can_be_searched_after_all(page, analyses):
    face = decode_image(PORTRAIT[1])[71:173, 172:274]
    crop = encode_png(cv2.resize(face, (48, 48), interpolation=cv2.INTER_AREA))
    drop(page, ("crop.png", crop, "image/png"), PORTRAIT)
    assert ":material/crop: Taken whole, as a cropped face." in captions(page)
    press(page, "Find faces in it")
    assert ":material/crop: Taken whole, as a cropped face." not in captions(page)
    assert ":material/frame_person: Searched with BlazeFace." in captions(page)
    assert len(analyses) == 3, "the portrait is not predicted again"
    press(page, "Undo")
    assert ":material/crop: Taken whole, as a cropped face." in captions(page)


def test_a_picture_on_its_side_says_that_it_was_turned(page):
    lying = cv2.rotate(decode_image(PORTRAIT[1])[:300], cv2.ROTATE_90_COUNTERCLOCKWISE)
    drop(page, ("lying.png", encode_png(lying), "image/png"))
    assert headings(page) == ["1 face in 1 picture"]
    assert ":material/rotate_90_degrees_cw: Found after turning the picture by 90°." in captions(page)


def test_how_sure_the_detector_must_be_is_a_setting_that_predicts_nothing_anew(page, analyses):
    drop(page, PORTRAIT)
    doubt = ":material/warning: The detector is unsure\\: perhaps a face."
    assert doubt not in captions(page)
    page.slider(key="sure_from").set_value(100).run()
    assert doubt in captions(page)
    page.slider(key="sure_from").set_value(80).run()
    assert doubt not in captions(page)
    assert analyses == ["blazeface"]


def test_changing_how_results_look_runs_no_network(page, analyses):
    drop(page, PORTRAIT)
    page.toggle(key="heat_maps").set_value(True).run()
    page.toggle(key="heat_maps").set_value(False).run()
    assert not page.exception
    assert analyses == ["blazeface"]


def test_the_choice_of_crops_is_taken_back_without_reading_again(page, analyses):
    drop(page, PORTRAIT)
    for content in (*page.radio(key="content").options, page.radio(key="content").options[0]):
        page.radio(key="content").set_value(content).run()
    assert not page.exception
    assert analyses == ["blazeface", "none"]


def test_twenty_faces_are_shown_a_few_at_a_time(page):
    drop(page, ("many.png", sample_picture("Twenty faces")[1], "image/png"))
    assert headings(page) == ["20 faces in 1 picture"]
    assert cards(page) == prediction_view.FACES_A_PAGE
    page.pagination[0].set_value(4).run()
    assert not page.exception
    assert cards(page) == 20 - 3 * prediction_view.FACES_A_PAGE


def test_fifty_pictures_are_read_and_shown_a_page_at_a_time(page, analyses):
    files = [(f"{i}.png", encode_png(np.full((60, 60 + i, 3), 4 * i, np.uint8)), "image/png") for i in range(50)]
    page.radio(key="content").set_value(page.radio(key="content").options[1]).run()
    drop(page, *files)
    assert headings(page) == ["50 faces in 50 pictures"]
    assert len(analyses) == 50
    assert cards(page) == prediction_view.PICTURES_A_PAGE
    page.pagination[0].set_value(10).run()
    assert any("49.png" in caption.value for caption in page.caption)
    assert len(analyses) == 50


def test_clear_forgets_everything(page):
    drop(page, PORTRAIT, BROKEN)
    [clear] = [button for button in page.button if button.label == "Clear"]
    clear.click().run()
    assert not page.exception
    assert headings(page) == []
    assert not page.error
    assert not page.session_state["album"].pictures


def confidence(page):
    return next(int(found[1]) for html in page.html if (found := re.search(r"(\d+)%$", html.value)))


def test_the_stored_temperature_corrects_the_probabilities_when_chosen(runs_folder):
    write_json(runs_folder / "emoscope" / "calibration.json", {"temperature": 5.0})
    page = drop(AppTest.from_file(PAGE, default_timeout=60).run(), PORTRAIT)
    before = confidence(page)
    page.sidebar.toggle[0].set_value(True).run()
    assert not page.exception
    assert confidence(page) < before
    page.sidebar.toggle[0].set_value(False).run()
    assert confidence(page) == before


def test_answers_that_are_often_wrong_are_marked_when_calibrated(runs_folder):
    write_json(runs_folder / "emoscope" / "calibration.json", {"temperature": 1.0, "abstain_below": 0.999})
    page = drop(AppTest.from_file(PAGE, default_timeout=60).run(), PORTRAIT)
    assert not any("unsure" in html.value for html in page.html)
    page.sidebar.toggle[0].set_value(True).run()
    assert any("unsure" in html.value for html in page.html)
    assert "below 100% are marked as unsure" in page.sidebar.toggle[0].help
    write_json(runs_folder / "emoscope" / "calibration.json", {"temperature": 1.0, "abstain_below": 0.01})
    page.run()
    assert not any("unsure" in html.value for html in page.html)


def test_without_a_stored_temperature_none_is_offered(page):
    assert not page.sidebar.toggle


def test_a_broken_calibration_is_a_sentence_and_no_loss(runs_folder):
    (runs_folder / "emoscope" / "calibration.json").write_text('{"temperature": "warm"}')
    page = drop(AppTest.from_file(PAGE, default_timeout=60).run(), PORTRAIT)
    assert any("holds no temperature" in error.value for error in page.error)
    assert headings(page) == ["1 face in 1 picture"]


def test_a_sample_is_one_click_away(page):
    page.segmented_control(key="picture_source").set_value("Samples").run()
    page.button(key="sample_One face").click().run()
    assert not page.exception
    assert headings(page) == ["1 face in 1 picture"]


def test_the_empty_page_offers_samples_which_go_once_there_is_a_picture(page):
    page.button(key="sample_One face").click().run()
    assert not page.exception
    assert headings(page) == ["1 face in 1 picture"]
    assert not any(button.key == "sample_One face" for button in page.button)


def test_a_sample_is_not_lost_to_a_click_elsewhere(page, monkeypatch):
    from emoscope.model.pipeline import Pipeline

    def interrupted(*_):
        raise RerunException(RerunData())

    page.segmented_control(key="picture_source").set_value("Samples").run()
    analyze = Pipeline.analyze
    calls = []
    monkeypatch.setattr(
        Pipeline, "analyze", lambda *args: calls.append(1) or (interrupted if calls == [1] else analyze)(*args)
    )
    page.button(key="sample_One face").click().run()
    assert len(calls) == 2
    assert headings(page) == ["1 face in 1 picture"]


def test_a_sample_is_not_lost_to_the_next_one(page, monkeypatch):
    def interrupted(*_):
        raise StopException

    page.segmented_control(key="picture_source").set_value("Samples").run()
    with monkeypatch.context() as patch:
        patch.setattr(Pipeline, "analyze", interrupted)  # the next press comes while it is searched
        page.button(key="sample_Twenty faces").click().run()
    page.button(key="sample_One face").click().run()
    assert headings(page) == ["21 faces in 2 pictures"]


def test_a_camera_snapshot_is_read(page):
    page.segmented_control(key="picture_source").set_value("Camera").run()
    _, jpeg = cv2.imencode(".jpg", decode_image(PORTRAIT[1]))
    page.camera_input[0].set_value(("camera.jpg", jpeg.tobytes(), "image/jpeg")).run()
    assert not page.exception
    assert any("snapshot-1.jpg" in caption.value for caption in page.caption)


def test_a_detector_that_cannot_run_is_one_sentence(page, monkeypatch):
    def refuse(name):
        raise DetectorError("YuNet's weights cannot be fetched.", "Connect to the internet.")

    monkeypatch.setattr(resources, "create_detector", refuse)
    resources.detector.clear()
    page.selectbox(key="detector_name").set_value("yunet").run()
    assert not page.exception
    assert "weights cannot be fetched" in page.error[0].value
    assert "Connect to the internet" in page.error[0].value


def test_without_a_run_it_says_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(tmp_path))
    page = AppTest.from_file(PAGE, default_timeout=60).run()
    assert not page.exception
    assert "no saved run" in page.info[0].value


def test_choice_and_results_survive_a_visit_to_another_page(runs_folder, monkeypatch):
    monkeypatch.setattr(
        resources, "create_picture_detector", lambda name, takes_crops: WholeImage()
    )  # YuNet would need its weights
    app = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=60).run()
    app.switch_page("../pages/predict.py").run()
    app.selectbox(key="detector_name").set_value("yunet").run()
    drop(app, PORTRAIT)
    app.toggle(key="heat_maps").set_value(True).run()
    app.switch_page("../pages/home.py").run()
    assert not app.selectbox
    app.switch_page("../pages/predict.py").run()
    assert not app.exception
    assert app.selectbox(key="detector_name").value == "yunet"
    assert app.toggle(key="heat_maps").value is True
    assert headings(app) == ["1 face in 1 picture"]


def test_a_smaller_form_of_the_network_can_be_chosen(runs_folder, page):
    assert "Format" not in [box.label for box in page.sidebar.selectbox]
    run = resources.run("emoscope")
    same = {"config": run.info.config, "best_epoch": run.info.best_epoch, "training_seconds": run.info.training_seconds}
    form = write_run(run.path / "exports", "int8", splits=(), origin="emoscope", **same)
    shutil.copy(ASSETS / "int8.tflite", form.path / "model.tflite")
    page.run()
    (box,) = [box for box in page.sidebar.selectbox if box.label == "Format"]
    box.set_value("int8").run()
    drop(page, PORTRAIT)
    assert not page.exception and not page.error
    assert resources.classifier("emoscope/exports/int8").file == form.path / "model.tflite"
    assert page.session_state["variant"] == "int8"


def test_why_covers_the_face_of_its_own_card_place_by_place(page, monkeypatch):
    shown = []
    monkeypatch.setattr(why, "_component", lambda **given: shown.append(given["data"]))
    drop(page, PORTRAIT)
    [button] = [button for button in page.button if button.label == "Why?"]
    button.click().run()
    assert not page.exception
    [data] = shown
    assert len(data["classes"]) == len(data["whole"]) == 7 and sum(data["whole"]) == pytest.approx(1, abs=1e-3)
    for cover in data["covers"]:
        assert np.shape(cover["covered"]) == (len(cover["rows"]), len(cover["columns"]), 7)
        assert max(cover["rows"]) + cover["patch"][0] == pytest.approx(1)
        assert max(cover["columns"]) + cover["patch"][1] == pytest.approx(1)
    page.run()
    assert len(shown) == 1, "it opens by its button alone"
