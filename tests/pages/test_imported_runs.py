"""Every page shows what an imported run has, and says in a quiet sentence what it lacks."""

import numpy as np
import pytest

from emoscope.dashboard.evaluation.report import build_report
from emoscope.model.runs.foreign.merge import import_results
from tests.pages.evaluation_app import metrics, open_page, texts
from tests.paths import ROOT

ASSETS = ROOT / "tests" / "assets" / "foreign"
FILES = {
    "curves": "keras_history.json",
    "stated": "report.json",
    "counted": "confusion_names.csv",
    "classes": "predictions_names.csv",
    "full": "predictions_numbers.csv",
}
SECTIONS = ("Overview", "Confusion", "ROC and PR", "Confidence", "Mistakes", "People")


@pytest.fixture
def imported(world):
    return {key: import_results([ASSETS / file], name=key, root=world)[0] for key, file in FILES.items()}


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("key", FILES)
def test_no_section_of_the_evaluation_fails(imported, key, section):
    page = open_page("evaluation", run=key, section=section)
    if (key, section) not in (("full", "People"),):
        assert not page.error


def test_what_is_not_known_is_gray_and_says_why(imported):
    page = open_page("evaluation", run="classes")
    assert metrics(page)["Accuracy"] == "66.9 %"
    assert metrics(page)["Calibration error"] == metrics(page)["Log loss"] == "–"
    help_texts = [tile.help for tile in page.metric if tile.value == "–"]
    assert len(help_texts) == 3 and all("probability for each class" in text for text in help_texts)
    for section, sentence in (
        ("ROC and PR", "needs a probability for each class"),
        ("Confidence", "needs a probability for each class"),
    ):
        assert sentence in texts(open_page("evaluation", run="classes", section=section))
    assert "only a confusion matrix is known" in texts(open_page("evaluation", run="counted", section="Mistakes"))
    assert "only a report of another program" in texts(open_page("evaluation", run="stated", section="Confusion"))
    assert "holds training curves and no predictions" in texts(open_page("evaluation", run="curves"))


def test_a_report_is_shown_as_stated(imported):
    page = open_page("evaluation", run="stated")
    assert metrics(page)["Accuracy"] == "66.9 %" and "stated by an imported report" in texts(page)
    assert page.dataframe[0].value["Recall %"].tolist() == [72.6, 75.0, 44.4]


def test_probabilities_give_calibration_and_curves(imported):
    page = open_page("evaluation", run="full", section="Confidence")
    assert not page.info and page.get("plotly_chart")


@pytest.mark.parametrize("page", ["export", "model_card"])
@pytest.mark.parametrize("key", FILES)
def test_pages_about_networks_say_that_there_is_none(imported, page, key):
    assert "imported results" in texts(open_page(page, run=key))


def test_settings_take_the_last_epoch_of_an_imported_training(imported):
    page = open_page("compare", section="Settings", filter="curves")
    assert not page.error
    page = open_page("compare", section="Settings")
    table = page.dataframe[0].value.set_index("Run")
    assert table.loc["curves", "Validation accuracy"] == np.round(imported["curves"].history["val_accuracy"][-1], 4)


@pytest.mark.parametrize("key", ["stated", "counted", "classes", "full"])
def test_the_html_report_shows_what_there_is(imported, key):
    assert "66.9 %" in build_report([imported[key]])
