import io
import threading

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from emoscope.dashboard.ui import resources
from emoscope.model.errors import DetectorError
from emoscope.model.video.reader import Video
from tests.clips import make_clip
from tests.paths import ROOT

PAGE = str(ROOT / "pages" / "video.py")


@pytest.fixture
def page(runs_folder):
    return AppTest.from_file(PAGE, default_timeout=60).run()


def drop(page, data: bytes, name: str = "clip.mp4"):
    page.file_uploader[0].set_value((name, data, "video/mp4")).run()
    return finish(page)


def finish(page):
    assert page.session_state["video"].predicting.wait(60)
    page.run()
    assert not page.exception
    return page


def headings(page) -> list[str]:
    return [heading.value for heading in page.main.subheader]


def words(page) -> str:
    return " ".join(element.value for element in [*page.warning, *page.error, *page.caption, *page.info])


def test_a_clip_is_read_and_shown(page):
    drop(page, make_clip(2.0, sound="aac"))
    assert headings(page) == ["1 person in 0:02", "Strongest moments", "Person by person"]
    assert any("person 1" in html.value for html in page.html)
    assert "clip.mp4 · 320 × 240 pixels · 10 analyses per second" in words(page)
    assert [row["person"] for row in page.dataframe[0].value.to_dict("records")] == [1]
    assert not page.file_uploader  # the server has forgotten the upload


def test_a_clip_of_one_frame_is_shown_with_its_length(page):
    drop(page, make_clip(0.04))
    assert headings(page)[0] == "1 person in 0.04 s"
    [row] = page.dataframe[0].value.to_dict("records")
    assert (row["person"], row["seen (s)"], row["readable (%)"]) == (1, 0.04, 100)
    assert any("person 1" in html.value for html in page.html)


def test_another_moment_shows_another_frame(page):
    drop(page, make_clip(2.0))
    clip = page.session_state["video"].clip
    before = set(clip._frames)
    page.session_state["video_moment"] = 1.5
    page.run()
    assert not page.exception
    assert set(clip._frames) - before == {1.5}
    [go] = [button for button in page.button if (button.key or "").startswith("video_go_1_")]
    go.click().run()
    assert page.session_state["video_moment"] == clip.analysis.moments.strongest(1)[0].at


def test_the_annotated_copy_is_made_on_request_and_plays(page):
    drop(page, make_clip(1.0, sound="aac"))
    [make] = [button for button in page.button if button.label == "Make annotated video"]
    make.click().run()
    work = page.session_state["video"]
    assert work.drawing.wait(60)
    page.run()
    assert any(button.label.startswith("Annotated video") for button in page.download_button)
    with Video(io.BytesIO(work.clip.copy)) as copy:
        assert len(list(copy.frames())) == 25 and copy.info.has_audio


def test_a_stopped_analysis_keeps_what_was_predicted(page, monkeypatch):
    from emoscope.model.video import analysis as video_analysis

    run = video_analysis.VideoAnalysis.run

    def stopping(self):
        for number, step in enumerate(run(self)):
            yield step
            if number == 8:
                page.session_state["video"].predicting.stop()

    monkeypatch.setattr(video_analysis.VideoAnalysis, "run", stopping)
    drop(page, make_clip(3.0))
    assert "You stopped the analysis" in words(page)
    assert any(button.label == "Analyse again" for button in page.button)
    assert len(page.session_state["video"].clip.predictions.times) < 30


def test_an_analysis_that_is_stopped_while_it_waits_is_one_sentence(page, monkeypatch):
    monkeypatch.setattr("emoscope.dashboard.video.background._TURNS", threading.Semaphore(0))
    page.file_uploader[0].set_value(("clip.mp4", make_clip(0.5), "video/mp4")).run()
    [stop] = [button for button in page.button if button.label.startswith("Stop")]
    stop.click().run()
    finish(page)
    assert "stopped before it began" in page.error[0].value
    page.button[0].click().run()
    assert page.file_uploader


def test_a_file_that_ends_early_is_shown_as_far_as_it_goes(page):
    whole = make_clip(4.0, form="matroska")
    drop(page, whole[: len(whole) // 2], "half.mkv")
    assert "The file ends early" in words(page)
    assert headings(page)[0] == "1 person in 0:02"


def test_a_broken_file_is_one_sentence_and_another_can_be_chosen(page):
    drop(page, b"no video at all", "notes.txt")
    assert "notes" in page.error[0].value and "no video that can be opened" in page.error[0].value
    page.button[0].click().run()
    assert not page.exception and page.file_uploader


def test_without_a_face_it_says_what_to_try(page):
    drop(page, make_clip(0.5, picture=lambda at, w, h: np.full((h, w, 3), 90, np.uint8)))
    assert "No face was found" in words(page) and "another face detector" in words(page)


def test_another_detector_is_offered_to_predict_again(page, monkeypatch):
    drop(page, make_clip(0.5))
    found = resources.video_detector("haar")
    monkeypatch.setattr(resources, "create_detector", lambda name, **_: found)
    page.selectbox(key="detector_name").set_value("yunet").run()
    assert "another network or detector" in words(page)
    [again] = [button for button in page.button if button.label == "Analyse again"]
    again.click().run()
    finish(page)
    assert "another network or detector" not in words(page)


def test_a_detector_that_cannot_run_is_one_sentence(page, monkeypatch):
    def refuse(name, **_):
        raise DetectorError("YuNet's weights cannot be fetched.", "Connect to the internet.")

    monkeypatch.setattr(resources, "create_detector", refuse)
    page.selectbox(key="detector_name").set_value("yunet").run()
    assert not page.exception and "weights cannot be fetched" in page.error[0].value


def test_the_sample_shows_several_people(page):
    page.button(key="video_sample").click().run()
    finish(page)
    assert int(headings(page)[0].split()[0]) >= 4
    assert page.multiselect(key="video_people").value
    page.multiselect(key="video_people").set_value([]).run()
    assert not page.exception


def test_without_a_run_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(tmp_path))
    page = AppTest.from_file(PAGE, default_timeout=60).run()
    assert not page.exception and "no saved run" in page.info[0].value
