from streamlit.testing.v1 import AppTest

from tests.paths import ROOT

PAGE = str(ROOT / "pages" / "model_card.py")


def test_the_card_of_a_run_is_shown_and_can_be_saved(runs_folder):
    (runs_folder / "emoscope" / "README.md").write_text("# Model card: Bright or dark\n\nNot for hiring.")
    page = AppTest.from_file(PAGE, default_timeout=60).run()
    assert not page.exception
    assert any("Not for hiring." in markdown.value for markdown in page.markdown)
    assert [button.label for button in page.download_button] == ["Save as Markdown"]


def test_a_run_without_card_says_how_to_write_one(runs_folder):
    page = AppTest.from_file(PAGE, default_timeout=60).run()
    assert not page.exception
    assert "python -m training card emoscope" in page.error[0].value


def test_a_card_that_is_no_text_is_one_sentence(runs_folder):
    (runs_folder / "emoscope" / "README.md").write_bytes(b"\xff\xfe\x00")
    page = AppTest.from_file(PAGE, default_timeout=60).run()
    assert not page.exception
    assert "cannot be read" in page.error[0].value
