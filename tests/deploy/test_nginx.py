"""Two processes of the app behind nginx, with the very ``deploy/nginx.conf``: sessions stay, and outlive a host."""

import http.client
import os
import re
import shutil
import socket
import subprocess
import time
from urllib.parse import urlsplit

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from tests.browser.serving import serving
from tests.dashboard.api.conftest import face_png, form
from tests.paths import ROOT

pytestmark = pytest.mark.slow

LIMIT = 20
"""Pictures per minute and address that each host allows: more than one test sends, fewer than the other."""
SITE = "emoscope.example.org"  # as a browser would know it; nothing here is called so


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def nginx():
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if found is None:
        message = "no nginx here; `apt-get install nginx-light` brings it"
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(message)
        pytest.skip(message)
    return found


class Balanced:
    """Two hosts and the balancer before them, by their ports."""

    def __init__(self, port, hosts, stop_first):
        self.port, self.hosts, self.stop_first = port, hosts, stop_first

    def ask(self, method, path, body=None, port=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=20)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, {"Host": SITE, **named})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def balanced(nginx, tmp_path_factory):
    folder = tmp_path_factory.mktemp("nginx")
    limits = {
        "FORWARDED_ALLOW_IPS": "*",  # as in compose.yaml, where hosts listen on all addresses, and so under every name
        "STREAMLIT_SERVER_ALLOWED_HOSTS": SITE,
        "EMOSCOPE_API_IMAGES_PER_MINUTE": str(LIMIT),
    }
    first = serving(**limits)
    with serving(**limits) as second_url:
        first_url = first.__enter__()
        stopped = []

        def stop_first():
            if not stopped:
                stopped.append(first.__exit__(None, None, None))

        hosts, port = [urlsplit(url).port for url in (first_url, second_url)], free_port()
        text = (ROOT / "deploy" / "nginx.conf").read_text()
        for name, number in zip(("emoscope-1:8501", "emoscope-2:8501"), hosts, strict=True):
            assert text.count(name) == 2
            text = text.replace(name, f"127.0.0.1:{number}")
        text = text.replace("listen 8080;", f"listen 127.0.0.1:{port};").replace("/tmp/nginx", f"{folder}/nginx")
        (folder / "nginx.conf").write_text(text)
        command = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr", "-g", "daemon off;"]
        process = subprocess.Popen(command)
        try:
            made = Balanced(port, hosts, stop_first)
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline:
                try:
                    made.ask("GET", "/_stcore/health")
                    break
                except OSError:
                    assert process.poll() is None, "nginx ended; its reason stands above"
                    time.sleep(0.1)
            yield made
        finally:
            process.terminate()
            process.wait(timeout=10)
            stop_first()


class Visitor:
    """A browser's session: cookies, the WebSocket, and uploads that must reach the process that holds it."""

    def __init__(self, balanced):
        self.balanced = balanced
        self.cookies = {}
        status = self.request("GET", "/")[0]
        assert status == 200
        assert "emoscope_host" in self.cookies
        self.request("GET", "/_stcore/health")
        self.open()

    def request(self, method, path, body=None, **headers):
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        status, found, content = self.balanced.ask(method, path, body, Cookie=cookies, **headers)
        for line in found.get_all("set-cookie") or ():
            name, _, value = line.split(";")[0].partition("=")
            self.cookies[name] = value.strip('"')
        return status, found, content

    def open(self):
        """Begin a session as the browser's script does."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        self.socket = connect(
            f"ws://{SITE}/_stcore/stream",
            sock=socket.create_connection(("127.0.0.1", self.balanced.port), timeout=20),
            origin=f"http://{SITE}",
            additional_headers={"Cookie": cookies},
            subprotocols=["streamlit", self.cookies["_streamlit_xsrf"]],
            max_size=None,
            open_timeout=20,
            close_timeout=0.1,
        )
        message = BackMsg()
        message.rerun_script.query_string = ""
        self.socket.send(message.SerializeToString())
        while True:
            answer = ForwardMsg.FromString(self.socket.recv(timeout=30))
            if answer.WhichOneof("type") == "new_session":
                self.session = answer.new_session.initialize.session_id
                return

    def upload(self, port=None):
        """Bring a file into the session and return the status; past the balancer where a port is named."""
        body = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f.png"\r\n\r\nx\r\n--b--\r\n'
        kind = {"Content_Type": "multipart/form-data; boundary=b", "X_Xsrftoken": self.cookies["_streamlit_xsrf"]}
        if port is None:
            return self.request("PUT", f"/_stcore/upload_file/{self.session}/file", body, **kind)[0]
        cookies = f"_streamlit_xsrf={self.cookies['_streamlit_xsrf']}"
        path = f"/_stcore/upload_file/{self.session}/file"
        return self.balanced.ask("PUT", path, body, port, Cookie=cookies, **kind)[0]

    def host(self):
        """Return which of the hosts holds the session: the other knows nothing of it."""
        accepted = [port for port in self.balanced.hosts if self.upload(port) == 204]
        assert len(accepted) == 1
        return accepted[0]


def test_pages_come_compressed(balanced):
    status, headers, _ = balanced.ask("GET", "/", Accept_Encoding="gzip")
    assert (status, headers["content-encoding"]) == (200, "gzip")


def test_nginx_compresses_what_a_host_left_as_it_was():
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    types = set(re.search(r"gzip_types ([^;]*);", text)[1].split())
    assert "gzip on;" in text and {"text/css", "text/javascript", "application/json"} <= types
    assert not [kind for kind in types if kind.startswith(("video/", "audio/", "image/jpeg", "image/png"))]


def test_sessions_stay_on_their_host_and_move_when_it_is_gone(balanced):
    visitors = [Visitor(balanced) for _ in range(4)]
    while len({visitor.host() for visitor in visitors}) < 2:  # which way a cookie's hash points is chance
        visitors.append(Visitor(balanced))
        assert len(visitors) < 40
    for _ in range(3):
        assert [visitor.upload() for visitor in visitors] == [204] * len(visitors)

    # Without its cookie a visitor's requests go anywhere: the cookie is what the affinity rests on.
    stranger = visitors[0]
    kept = stranger.cookies.pop("emoscope_host")
    statuses = set()
    for _ in range(40):
        statuses.add(stranger.upload())
        stranger.cookies.pop("emoscope_host", None)
    assert statuses == {204, 400}
    stranger.cookies["emoscope_host"] = kept

    answers = [
        balanced.ask("POST", "/api/v1/predict?detector=none", face_png(200), Content_Type="image/png")[0]
        for _ in range(6)
    ]
    assert answers == [200] * 6
    assert balanced.ask("GET", "/api/v1/healthz")[0] == 200

    moved = [visitor for visitor in visitors if visitor.host() == balanced.hosts[0]]
    stayed = [visitor for visitor in visitors if visitor not in moved]
    balanced.stop_first()
    assert [visitor.upload() for visitor in stayed] == [204] * len(stayed)
    for visitor in moved:
        visitor.open()  # as the browser does by itself once its WebSocket breaks
        assert visitor.upload() == visitor.upload(balanced.hosts[1]) == 204
    assert balanced.ask("GET", "/api/v1/healthz")[0] == 200
    for visitor in visitors:
        visitor.socket.close()


def test_the_rate_limit_counts_visitors_and_not_what_they_claim_to_be(balanced):
    body, kind = form([(f"{i}.png", face_png(200)) for i in range(8)])
    statuses = [
        balanced.ask("POST", "/api/v1/predict?detector=none", body, Content_Type=kind, X_Forwarded_For=f"10.0.0.{i}")[0]
        for i in range(8)
    ]
    assert statuses[0] == 200 and statuses[-2:] == [429, 429]
