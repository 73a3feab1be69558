import json

from streamlit.runtime.fragment import MemoryFragmentStorage
from streamlit.testing.v1 import AppTest

from emoscope.dashboard.ui.navigation import PAGES
from tests.paths import ROOT

APP = str(ROOT / "dashboard" / "app.py")


def home():
    app = AppTest.from_file(APP, default_timeout=60).run()
    assert not app.exception
    return app


def bars(app):
    return sum('data-testid="probabilities"' in html.value for html in app.html)


def figures(app):
    return {metric.label: metric.value for metric in app.metric}


def test_it_says_what_this_is_shows_a_real_result_and_leads_on(runs_folder):
    app = home()
    assert "emotion recognition you can inspect" in app.title[0].value
    assert bars(app) == 1
    app.button(key="go_predict.py").click().run()
    assert not app.exception
    assert app.file_uploader


def test_the_figures_are_those_of_the_run(runs_folder):
    file = runs_folder / "emoscope" / "metrics.json"
    metrics = json.loads(file.read_text())
    metrics["PrivateTest"] |= {"accuracy": 0.12345, "n": 777}
    file.write_text(json.dumps(metrics))
    app = home()
    assert figures(app)["Accuracy"] == "12.3 %"
    assert any("777 images of FER-2013's PrivateTest" in caption.value for caption in app.caption)


def test_a_run_without_figures_or_model_still_has_a_home(runs_folder):
    (runs_folder / "emoscope" / "metrics.json").unlink()
    (runs_folder / "emoscope" / "model.tflite").unlink()
    app = home()
    assert "Accuracy" not in figures(app)
    assert any("was not evaluated yet" in caption.value for caption in app.caption)
    assert not bars(app)


def test_broken_figures_are_one_sentence(runs_folder):
    (runs_folder / "emoscope" / "metrics.json").write_text("{")
    app = home()
    assert "emoscope/metrics.json cannot be read" in app.error[0].value
    assert app.button(key="go_predict.py")


def test_without_the_default_run_it_says_so_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(tmp_path))
    app = home()
    assert "is not a saved run" in app.error[0].value
    assert not app.metric
    assert app.button(key="go_predict.py")


def test_every_page_of_the_menu_is_there_and_no_other():
    assert {entry.file for entry in PAGES} | {"home.py"} == {file.name for file in (ROOT / "pages").glob("*.py")}


def test_a_page_that_ends_early_leaves_no_fragment_of_an_earlier_state(runs_folder, monkeypatch):
    kept = []
    clear = MemoryFragmentStorage.clear

    def note(storage, new_fragment_ids):
        kept.append(new_fragment_ids)
        clear(storage, new_fragment_ids=new_fragment_ids)

    monkeypatch.setattr(MemoryFragmentStorage, "clear", note)
    app = home()
    before = len(kept)
    app.switch_page(str(ROOT / "pages" / "video.py")).run()  # ends at the uploader, as no clip is there
    assert not app.exception
    assert len(kept) == before + 1
