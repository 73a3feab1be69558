import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from emoscope.dashboard.__main__ import DEFAULT_PORT, choose_port, is_free, parse_arguments, wanted_address
from emoscope.dashboard.server.settings import from_environment
from tests.paths import ROOT


@pytest.fixture
def busy_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def test_a_busy_port_is_refused_in_one_sentence_from_any_folder(busy_port, tmp_path):
    command = [sys.executable, str(ROOT / "dashboard"), "--host", "127.0.0.1", "--port", str(busy_port), "--headless"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"Port {busy_port} is in use. Stop what runs there or choose another: --port {busy_port + 1}"
    )
    assert done.stdout == ""


def test_without_a_wish_the_next_free_port_is_taken(monkeypatch, capsys):
    monkeypatch.setattr("emoscope.dashboard.__main__.is_free", lambda host, port: port >= DEFAULT_PORT + 2)
    assert choose_port("localhost", None) == DEFAULT_PORT + 2
    assert str(DEFAULT_PORT + 2) in capsys.readouterr().out


def test_a_host_that_is_not_this_machine_is_refused():
    with pytest.raises(SystemExit, match=r"192\.0\.2\.1 is no address of this machine"):
        choose_port("192.0.2.1", 8599)


def test_a_port_is_free_until_it_is_taken(busy_port):
    assert not is_free("127.0.0.1", busy_port)


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http"])
def test_an_impossible_port_is_refused(port, capsys):
    with pytest.raises(SystemExit):
        parse_arguments(["--port", port])
    assert "no port; give a number from 1 to 65535" in capsys.readouterr().err


def test_ctrl_c_ends_it_without_a_word():
    command = [sys.executable, "-m", "dashboard", "--host", "127.0.0.1", "--headless"]
    app = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        while "Emoscope is at" not in (line := app.stdout.readline()):
            assert line, "the app ended before it was ready"
        app.send_signal(signal.SIGINT)
        _, errors = app.communicate(timeout=30)
    finally:
        app.kill()
    assert (app.returncode, errors) == (0, "")


def wanted(*flags):
    return wanted_address(parse_arguments(list(flags)), from_environment())


def test_streamlits_own_settings_are_honoured(tmp_path, monkeypatch):
    for name in ("PORT", "STREAMLIT_SERVER_PORT", "STREAMLIT_SERVER_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    assert wanted() == ("localhost", None, "")
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "config.toml").write_text(
        '[server]\nport = 8765\naddress = "127.0.0.1"\nbaseUrlPath = "faces/"\n'
    )
    assert wanted() == ("127.0.0.1", 8765, "/faces")
    monkeypatch.setenv("STREAMLIT_SERVER_PORT", "8800")
    monkeypatch.setenv("STREAMLIT_SERVER_ADDRESS", "0.0.0.0")
    assert wanted() == ("0.0.0.0", 8800, "/faces")
    monkeypatch.setenv("PORT", "9000")
    assert wanted()[1] == 9000
    assert wanted("--port", "9001", "--host", "localhost") == ("localhost", 9001, "/faces")
    monkeypatch.setenv("PORT", "http")
    with pytest.raises(SystemExit, match=r"PORT: 'http' is no port"):
        wanted()


def test_variables_of_the_environment_keep_their_kind(monkeypatch):
    monkeypatch.setenv("STREAMLIT_SERVER_HEADLESS", "true")
    monkeypatch.setenv("STREAMLIT_SERVER_MAX_UPLOAD_SIZE", "20")
    monkeypatch.setenv("STREAMLIT_SERVER_FILE_WATCHER_TYPE", "auto")
    found = from_environment()
    assert (found["server.headless"], found["server.maxUploadSize"]) == (True, 20)
    assert found["server.fileWatcherType"] == "auto"
    monkeypatch.setenv("STREAMLIT_SERVER_MAX_UPLOAD_SIZE", "much")
    with pytest.raises(ValueError, match=r"STREAMLIT_SERVER_MAX_UPLOAD_SIZE must be a number, not 'much'"):
        from_environment()


def test_app_and_api_are_served_below_a_path():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "STREAMLIT_SERVER_PORT": str(port),
        "STREAMLIT_SERVER_ADDRESS": "127.0.0.1",
        "STREAMLIT_SERVER_BASE_URL_PATH": "faces",
    }
    command = [sys.executable, "-m", "dashboard", "--headless"]
    app = subprocess.Popen(command, cwd=ROOT, env=os.environ | settings, stdout=subprocess.PIPE, text=True)
    try:
        while "Emoscope is at" not in (line := app.stdout.readline()):
            assert line, "the app ended before it was ready"
        assert line.strip() == f"Emoscope is at http://localhost:{port}/faces"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/faces/_stcore/health", timeout=30) as answer:
            assert answer.read() == b"ok"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/faces/api/v1/healthz", timeout=30) as answer:
            assert json.load(answer)
    finally:
        app.terminate()
        app.wait(timeout=20)
