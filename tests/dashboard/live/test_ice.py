import json
import socket
import threading
import time

import pytest

from emoscope.dashboard.live import ice as connection
from emoscope.dashboard.live.ice import answering, ice_configuration, stun_answers
from emoscope.dashboard.ui.visitor import is_local

TURN = {"urls": ["turn:turn.example.org:3478"], "username": "u", "credential": "c"}


@pytest.fixture
def stun_server():
    """Answer binding requests as a STUN server does, success header and transaction id."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)

        def answer():
            try:
                request, sender = server.recvfrom(2048)
                server.sendto(b"\x01\x01\x00\x00" + request[4:20], sender)
            except OSError:
                pass

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"stun:127.0.0.1:{server.getsockname()[1]}"
    thread.join(5)


@pytest.fixture
def silent_server():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        yield f"stun:127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:8501/live", True),
        ("http://127.0.0.1:8501", True),
        ("http://[::1]:8501", True),
        ("http://emoscope.localhost", True),
        ("https://emoscope.example.org", False),
        ("http://192.168.1.5:8501", False),
        ("", False),
    ],
)
def test_this_machine_is_told_from_others(url, local):
    assert is_local(url) == local


def test_on_localhost_no_server_is_asked_and_none_is_used(monkeypatch):
    monkeypatch.setattr(connection, "stun_answers", lambda *_: pytest.fail("asked a server"))
    found = ice_configuration("http://localhost:8501", {}, {"HF_TOKEN": "t"})
    assert found.browser == found.server == {"iceServers": []} and not found.has_relay


@pytest.mark.parametrize(
    ("secrets", "environment"),
    [
        ({"ice_servers": [TURN]}, {}),
        ({}, {"EMOSCOPE_ICE_SERVERS": json.dumps([TURN])}),
        ({"ice_servers": [{**TURN, "urls": TURN["urls"][0]}]}, {}),
    ],
)
def test_a_static_list_comes_from_secrets_or_environment_even_on_localhost(secrets, environment):
    found = ice_configuration("http://localhost", secrets, environment)
    assert found.browser == found.server == {"iceServers": [TURN]} and found.has_relay


@pytest.mark.parametrize("value", ["[not json", '{"urls": "stun:x"}', '[{"urls": "http://x"}]', "[{}]", '"stun:x"'])
def test_a_broken_list_is_said_and_does_not_stop_the_page(value):
    found = ice_configuration("http://localhost", {}, {"EMOSCOPE_ICE_SERVERS": value})
    assert found.browser == {"iceServers": []}
    assert found.problem.startswith("The list of ICE servers cannot be used")


def test_credentials_are_tried_in_order_and_a_failure_is_said(monkeypatch):
    def fail(*_):
        raise ValueError("refused")

    providers = [
        ("Cloudflare", ("CLOUDFLARE_TURN_KEY_ID", "CLOUDFLARE_TURN_KEY_API_TOKEN"), fail),
        ("Twilio", ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"), lambda sid, token: [{**TURN, "username": sid}]),
        ("Hugging Face", ("HF_TOKEN",), fail),
    ]
    monkeypatch.setattr(connection, "_providers", lambda: providers)
    secrets = {"TWILIO_ACCOUNT_SID": "sid", "CLOUDFLARE_TURN_KEY_ID": "id"}
    environment = {"TWILIO_AUTH_TOKEN": "token", "CLOUDFLARE_TURN_KEY_API_TOKEN": "token"}
    found = ice_configuration("https://example.org", secrets, environment)
    assert found.source == "Twilio" and found.browser["iceServers"][0]["username"] == "sid"
    assert found.problem == "Cloudflare gave no TURN credentials (refused)."


def test_the_real_providers_are_those_of_the_streaming_library():
    assert [name for name, _, fetch in connection._providers() if callable(fetch)] == [
        "Cloudflare",
        "Twilio",
        "Hugging Face",
    ]


def test_a_hosted_page_without_configuration_uses_public_servers_that_answer(monkeypatch):
    monkeypatch.setattr(connection, "stun_answers", lambda url, seconds: "google" in url)
    found = ice_configuration("https://example.org", {}, {})
    assert len(found.browser["iceServers"][0]["urls"]) == 2
    assert found.server == {"iceServers": [{"urls": ["stun:stun.l.google.com:19302"]}]}


def test_a_stun_server_that_answers_is_kept(stun_server):
    assert stun_answers(stun_server, 5)


def test_silent_servers_are_left_out_within_the_time_given(silent_server):
    start = time.monotonic()
    assert answering([{"urls": [silent_server, "stun:no-such-host.invalid"]}, TURN], seconds=0.3) == [TURN]
    assert time.monotonic() - start < 5
