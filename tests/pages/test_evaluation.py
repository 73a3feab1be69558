import json

import numpy as np
import pytest

from emoscope.model.runs.predictions import Predictions, write_predictions
from emoscope.model.runs.run import load_run
from tests.pages.evaluation_app import checked, metrics, open_page, texts

SECTIONS = ("Overview", "Confusion", "ROC and PR", "Confidence", "Mistakes")


def test_figures_are_those_of_the_predictions(world):
    page = open_page("evaluation")
    shown = metrics(page)
    assert shown["Accuracy"] == "85.7 %"  # 20 of 140 wrong
    assert shown["Top-2 accuracy"].endswith("%")
    assert len(page.dataframe[0].value) == 7


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_opens_by_its_link(world, section):
    page = open_page("evaluation", section=section, run="baseline", split="PublicTest")
    assert page.selectbox(key="run").value == "baseline"
    assert not page.error


def test_cell_shows_its_images_most_confident_first(world):
    page = open_page("evaluation", section="Confusion")
    assert not page.html  # no cell is chosen yet
    page.selectbox(key="true").set_value("sad")
    page.selectbox(key="predicted").set_value("surprise")
    page = checked(page.run())
    answers = load_run(world / "emoscope").predictions("PrivateTest")
    cell = (answers.label == 4) & (answers.probabilities.argmax(1) == 5)
    assert f"{cell.sum()} images" in texts(page)
    grid = page.html[0].value
    assert grid.count("<figure") == cell.sum() > 1
    shares = [int(part.split("%")[0]) for part in grid.split("<figcaption>surprise ")[1:]]
    assert shares == sorted(shares, reverse=True)
    linked = open_page("evaluation", section="Confusion", true="sad", predicted="surprise")
    assert linked.html[0].value == grid


def test_cell_is_chosen_in_the_matrix(world):
    page = open_page("evaluation", section="Confusion")
    state = {"selection": {"points": [{"x": 3, "y": 2}]}}
    from emoscope.dashboard.evaluation.sections import confusion

    session = {confusion.CHART: state}
    original, confusion.st = confusion.st, type("Streamlit", (), {"session_state": session})
    try:
        confusion._take_cell(("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"))
    finally:
        confusion.st = original
    assert (session["true"], session["predicted"]) == ("fear", "happy")
    assert page.get("plotly_chart")


def test_temperature_is_stored_with_the_run(world):
    page = open_page("evaluation", section="Confidence")
    next(b for b in page.button if "Store" in b.label).click()
    checked(page.run())
    stored = json.loads((world / "emoscope" / "calibration.json").read_text())
    assert 0.05 <= stored["temperature"] <= 20
    assert stored["split"] == "PublicTest"


def test_abstaining_answers_less(world):
    page = open_page("evaluation", section="Confidence", threshold="0.8")
    answers = load_run(world / "emoscope").predictions("PrivateTest").probabilities.max(1)
    assert metrics(page)["Answered"] == f"{100 * (answers >= 0.8).mean():.1f} %"


def test_votes_tell_label_errors_from_mistakes(world):
    """All annotators call the last 12 images what the run says; its other 8 mistakes are its own."""
    assert "12 of 140 images" in texts(open_page("evaluation", section="Mistakes", mistakes="Likely label errors"))
    assert "8 of 140 images" in texts(
        open_page("evaluation", section="Mistakes", mistakes="The network’s own mistakes")
    )


def test_without_images_the_page_says_how_to_provide_them(world, monkeypatch):
    monkeypatch.delenv("EMOSCOPE_DATA")
    monkeypatch.setattr("emoscope.dashboard.ui.resources.find_dataset", lambda: None)
    page = open_page("evaluation", section="Mistakes")
    assert "EMOSCOPE_DATA" in texts(page)
    assert page.dataframe  # the mistakes are there as a table


def test_images_of_other_pixels_are_not_shown(world):
    run = load_run(world / "twin")
    old = run.predictions("PrivateTest")
    write_predictions(
        run.path, "PrivateTest", Predictions(old.index, old.pixel_hash + np.uint64(1), old.label, old.probabilities)
    )
    page = open_page("evaluation", section="Mistakes", run="twin")
    assert "scored on other pixels" in texts(page)
    assert not page.html


def test_link_to_an_unknown_run_says_so(world):
    page = open_page("evaluation", run="vanished")
    assert "“vanished”" in texts(page)
    assert "emoscope, baseline" in texts(page)
    assert page.selectbox(key="run").value == "emoscope"


def spoil(world, how):
    run = load_run(world / "twin")
    file = run.path / "predictions" / "PrivateTest.npz"
    old = run.predictions("PrivateTest")
    probabilities, label = old.probabilities.copy(), old.label.copy()
    match how:
        case "truncated":
            file.write_bytes(file.read_bytes()[:200])
            return
        case "foreign":
            file.write_text("a,b\n1,2\n")
            return
        case "NaN":
            probabilities[3, 2] = np.nan
        case "sums":
            probabilities[5] *= 2
        case "labels":
            label[0] = 7
    write_predictions(run.path, "PrivateTest", Predictions(old.index, old.pixel_hash, label, probabilities))


@pytest.mark.parametrize("how", ["truncated", "foreign", "NaN", "sums", "labels"])
def test_spoiled_predictions_are_named_and_others_unaffected(world, how):
    spoil(world, how)
    page = open_page("evaluation", run="twin")
    assert len(page.error) == 1
    assert "twin/predictions/PrivateTest.npz" in page.error[0].value
    assert metrics(open_page("evaluation"))["Accuracy"] == "85.7 %"


def test_other_schema_version_is_named_on_every_page(world):
    run = world / "twin" / "run.json"
    run.write_text(run.read_text().replace('"schema_version": 1', '"schema_version": 99'))
    page = open_page("evaluation")
    assert "twin" in page.warning[0].value
    assert "99" in page.warning[0].value
    assert "twin" not in page.selectbox(key="run").options


def test_no_runs_at_all(world, monkeypatch, tmp_path):
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(tmp_path / "empty"))
    assert "no saved run yet" in texts(open_page("evaluation"))


def test_a_split_that_another_run_lacks_is_said(world):
    (world / "twin" / "predictions" / "PrivateTest.npz").unlink()
    page = open_page("evaluation", split="PrivateTest")
    assert "there is no PrivateTest here" not in texts(page)
    page.selectbox(key="run").set_value("twin")
    page = checked(page.run())
    assert "Split: there is no PrivateTest here" in texts(page)
    assert "“PrivateTest” under Split, which is not here" in texts(
        open_page("evaluation", split="PrivateTest", run="twin")
    )
