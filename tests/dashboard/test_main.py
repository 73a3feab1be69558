import signal
import socket
import subprocess
import sys

import pytest

from emoscope.dashboard.__main__ import DEFAULT_PORT, choose_port, is_free, parse_arguments
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
