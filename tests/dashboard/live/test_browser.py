import pytest

from emoscope.dashboard.live import browser
from emoscope.dashboard.live.ice import IceConfiguration

STUN = IceConfiguration({"iceServers": [{"urls": ["stun:a"]}]}, {"iceServers": []}, "")
TURN = IceConfiguration({"iceServers": [{"urls": ["turn:a"]}]}, {"iceServers": []}, "")


@pytest.mark.parametrize(
    ("url", "ice", "is_served", "engine"),
    [
        ("http://localhost:8501/live", STUN, True, "server"),
        ("https://faces.example.org/live", STUN, True, "browser"),
        ("https://faces.example.org/live", TURN, True, "server"),
        ("https://faces.example.org/live", STUN, False, "server"),
    ],
)
def test_the_browser_is_the_default_where_a_connection_may_fail(monkeypatch, url, ice, is_served, engine):
    monkeypatch.setattr(browser.browser_files, "is_served", lambda: is_served)
    assert browser.default_engine(url, ice) == engine
