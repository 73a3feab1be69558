"""A page of somebody else's, whose name was made to lead to this machine, gets nothing of the app."""

import http.client
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from emoscope.dashboard.server.hosts import allowed_hosts
from emoscope.dashboard.server.settings import from_environment
from tests.browser.serving import serving


def ask(port: int, path: str, host: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers={"Host": host})
    answer = connection.getresponse()
    return answer.status, answer.read().decode("utf-8", "replace")


def open_session(port: int, host: str) -> None:
    """Open the WebSocket as a browser does that believes to be at a host."""
    headers = {"Host": f"{host}:{port}"}
    connect(f"ws://127.0.0.1:{port}/_stcore/stream", origin=f"http://{host}:{port}", additional_headers=headers).close()


def test_a_foreign_name_is_refused_by_pages_api_and_websocket():
    with serving() as url:
        port = urlsplit(url).port
        for path in ("/", "/train", "/api/v1/runs", "/api/v1/healthz", "/_stcore/health"):
            status, text = ask(port, path, f"evil.example:{port}")
            assert status == 421 and text.startswith("Emoscope is not to be opened under the name evil.example"), path
            for name in ("localhost", "127.0.0.1", "a.localhost"):
                assert ask(port, path, f"{name}:{port}")[0] == 200, (path, name)
        open_session(port, "127.0.0.1")
        with pytest.raises(InvalidStatus, match="403"):
            open_session(port, "evil.example")


def test_a_name_that_the_owner_allows_is_served():
    with serving(STREAMLIT_SERVER_ALLOWED_HOSTS="faces.example, *.faces.example") as url:
        port = urlsplit(url).port
        for name in ("faces.example", "live.faces.example", "127.0.0.1"):
            assert ask(port, "/api/v1/healthz", name)[0] == 200
        assert ask(port, "/api/v1/healthz", "evil.example")[0] == 421


OWN = ["localhost", "127.0.0.1", "::1", "*.localhost"]


@pytest.mark.parametrize(
    ("address", "named", "shown", "hosts"),
    [
        ("", [], None, []),
        ("0.0.0.0", [], None, []),
        ("192.168.1.7", [], "faces.example", []),
        ("0.0.0.0", ["faces.example"], None, [*OWN, "faces.example"]),
        ("localhost", [], None, OWN),
        ("::1", [], "faces.example", [*OWN, "faces.example"]),
    ],
)
def test_names_are_bounded_at_one_s_own_machine_and_where_the_owner_says_so(address, named, shown, hosts):
    assert allowed_hosts(address, named, shown) == hosts


def test_a_list_in_the_environment_has_commas(monkeypatch):
    monkeypatch.setenv("STREAMLIT_SERVER_ALLOWED_HOSTS", "a.example, b.example")
    assert from_environment()["server.allowedHosts"] == ["a.example", "b.example"]
