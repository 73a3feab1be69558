import subprocess
import sys
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from emoscope.dashboard.live import controls as live_controls
from tests.paths import ROOT

PAGE = str(ROOT / "pages" / "live.py")


def text_of(app) -> str:
    return " ".join(element.value for element in [*app.warning, *app.caption, *app.error, *app.info])


@pytest.fixture
def app(runs_folder, monkeypatch):
    # The streaming component needs the sessions of a real server; tests/browser/test_live.py has them.
    state = SimpleNamespace(playing=False, signalling=False)
    stopped = SimpleNamespace(state=state, output_video_track=None)
    monkeypatch.setattr("emoscope.dashboard.live.connection.webrtc_streamer", lambda **_: stopped)
    return AppTest.from_file(PAGE, default_timeout=60)


def test_the_page_opens_and_says_what_becomes_of_the_pictures(app):
    app.run()
    assert not app.exception
    assert "kept nowhere" in text_of(app) and "Press Start" in text_of(app)


def test_controls_reach_the_processor(app):
    app.run()
    app.toggle(key="live_heat").set_value(True)
    app.slider(key="live_smoothing").set_value(1.0)
    app.run()
    assert not app.exception
    settings = app.session_state["live_processor"]._settings
    assert settings.heat_maps and settings.tracking.smoothing == 1.0


def test_past_the_cap_the_page_says_busy_before_start(app):
    app.run()
    pool = live_controls.pool()
    seats = [pool.join(lambda *_: None) for _ in range(pool.seats)]
    app.run()
    assert f"{pool.seats} people are live now" in text_of(app)
    for seat in seats:
        seat.leave()
    app.run()
    assert "busy" not in text_of(app)


def test_without_a_run_the_page_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(tmp_path))
    app = AppTest.from_file(PAGE, default_timeout=60).run()
    assert not app.exception and "no saved run" in text_of(app)


def test_a_detector_that_cannot_run_is_a_sentence(app, monkeypatch):
    from emoscope.model.errors import DetectorError

    def refuse(name, **_):
        raise DetectorError("This detector cannot run here.", "Choose Haar.")

    monkeypatch.setattr("emoscope.dashboard.ui.resources.create_detector", refuse)
    app.run()
    assert not app.exception and "This detector cannot run here" in text_of(app)


def test_the_live_page_leaves_tensorflow_out():
    code = (
        "import sys; sys.path.insert(0, '.');"
        "from emoscope.dashboard.live import connection, controls, view;"
        "print(sorted({'tensorflow', 'keras', 'torch', 'mtcnn'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip().endswith("[]")


@pytest.fixture
def served(monkeypatch):
    """The engine's files are served, and its runtime is here."""
    monkeypatch.setattr("emoscope.dashboard.live.browser.browser_files.is_served", lambda: True)
    monkeypatch.setattr("emoscope.dashboard.live.browser.is_here", lambda: True)
    monkeypatch.setattr("emoscope.dashboard.live.browser.check_runtime", lambda: None)


def in_the_browser(app):
    app.session_state["live_engine"] = "browser"
    return app.run()


def test_in_the_browser_the_page_says_that_no_picture_leaves_the_device(app, served, monkeypatch):
    given = {}
    monkeypatch.setattr("emoscope.dashboard.live.browser._live", lambda **arguments: given.update(arguments))
    in_the_browser(app)
    assert not app.exception
    assert "none leaves your device" in text_of(app) and "on this server" not in text_of(app)
    assert given["data"]["module"].startswith("/browser/")
    assert given["data"]["options"]["run"]["file"]["url"].endswith("/emoscope")
    assert "live_processor" not in app.session_state


def test_what_the_browser_cannot_is_named(app, served, monkeypatch):
    monkeypatch.setattr("emoscope.dashboard.live.browser._live", lambda **_: None)
    app.session_state["detector_name"] = "haar"
    in_the_browser(app)
    assert "In the browser faces are found by BlazeFace." in text_of(app)


def test_where_the_files_are_not_served_the_server_is_offered(app):
    in_the_browser(app)
    assert "does not serve" in text_of(app)
    next(button for button in app.button if button.label == "Let the server analyse").click()
    app.run()
    assert not app.exception and "on this server" in text_of(app)


def test_a_runtime_that_cannot_be_fetched_is_a_sentence(app, served, monkeypatch):
    from emoscope.model.errors import EngineError

    def refuse(progress):
        raise EngineError("The runtime cannot be fetched.", "Connect to the internet.")

    monkeypatch.setattr("emoscope.dashboard.live.browser.is_here", lambda: False)
    monkeypatch.setattr("emoscope.dashboard.live.browser.fetch_runtime", refuse)
    in_the_browser(app)
    assert not app.exception and "The runtime cannot be fetched." in text_of(app)


def test_the_doctor_offers_the_browser_when_the_connection_fails(app, served, monkeypatch):
    from emoscope.dashboard.live import doctor

    monkeypatch.setattr("emoscope.dashboard.live.browser._live", lambda **_: None)
    monkeypatch.setattr("emoscope.dashboard.live.connection.is_served", lambda: True)
    monkeypatch.setattr("emoscope.dashboard.live.connection.diagnose", lambda _: doctor.NO_ROUTE)
    app.session_state["live_engine"] = "server"
    app.run()
    next(button for button in app.button if button.label == "Run in this browser").click()
    app.run()
    assert not app.exception and "none leaves your device" in text_of(app)
