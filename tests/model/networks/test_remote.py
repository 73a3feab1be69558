import io
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from emoscope.model.networks import remote as remote_classifier
from emoscope.model.networks.load import load_classifier
from emoscope.model.networks.remote import RemoteClassifier, network_hash
from emoscope.model.runs.run import load_run
from tests.factories import write_run
from tests.paths import ASSETS

FACES = [np.full((48, 48), gray, np.uint8) for gray in (60, 240)]


class Cluster:
    """Stands in for a deployment: answers with whatever ``answer`` holds, and notes what it was asked."""

    def __init__(self, classes):
        self.probabilities = np.full((2, classes), 1 / classes, np.float32)
        self.answer = (200, self.pack(probabilities=self.probabilities))
        self.asked = []
        cluster = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                cluster.asked.append((dict(self.headers), np.load(io.BytesIO(body), allow_pickle=False)))
                status, content = cluster.answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @staticmethod
    def pack(**arrays):
        content = io.BytesIO()
        np.savez(content, **arrays)
        return content.getvalue()


@pytest.fixture
def cluster():
    made = Cluster(7)
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def local(tmp_path):
    run = write_run(tmp_path, "emoscope", n=20, splits=())
    (run.path / "model.tflite").write_bytes((ASSETS / "cam.tflite").read_bytes())
    return load_classifier(load_run(run.path))


def test_faces_go_to_the_cluster_at_the_size_of_the_network(local, cluster):
    remote = RemoteClassifier(local, cluster.url, "emoscope", "abc", calibrated=True)
    large = np.zeros((96, 96, 3), np.uint8)
    answer = remote.classify([FACES[0], large])
    assert np.array_equal(answer.probabilities, cluster.probabilities)
    assert remote.problem == ""
    [(headers, faces)] = cluster.asked
    assert (faces.shape, faces.dtype) == ((2, 48, 48, 1), np.uint8)
    assert np.array_equal(faces[0, :, :, 0], FACES[0])
    told = [headers[f"X-Emoscope-{name}"] for name in ("Run", "Network", "Calibrated")]
    assert told == ["emoscope", "abc", "1"]


def test_no_faces_ask_nobody(local, cluster):
    assert RemoteClassifier(local, cluster.url, "emoscope", "").classify([]).probabilities.shape == (0, 7)
    assert cluster.asked == []


BAD = {
    "409": (409, b"The cluster has another network under 'emoscope'."),
    "500": (500, b"Internal Server Error"),
    "not arrays": (200, b"<html>a gateway's page</html>"),
    "too few": (200, Cluster.pack(probabilities=np.full((1, 7), 1 / 7, np.float32))),
    "not probabilities": (200, Cluster.pack(probabilities=np.full((2, 7), np.nan, np.float32))),
    "pickled": (200, Cluster.pack(probabilities=np.array([{}, {}], object))),
    "odd maps": (
        200,
        Cluster.pack(probabilities=np.full((2, 7), 1 / 7, np.float32), activation_maps=np.zeros((2, 3), np.float32)),
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_any_failure_falls_back_to_the_network_here(local, cluster, case):
    cluster.answer = BAD[case]
    remote = RemoteClassifier(local, cluster.url, "emoscope", "")
    answer = remote.classify(FACES)
    assert np.array_equal(answer.probabilities, local.classify(FACES).probabilities)
    assert remote.problem.startswith(f"The cluster at {cluster.url}/ is not used (")
    assert "tries again every 10 s" in remote.problem
    if case == "409":
        assert "another network under 'emoscope'" in remote.problem


def test_while_the_circuit_is_open_nobody_asks_and_one_answer_closes_it(local, cluster, monkeypatch):
    now = 1000.0
    monkeypatch.setattr(remote_classifier, "monotonic", lambda: now)
    remote = RemoteClassifier(local, cluster.url, "emoscope", "")
    good, cluster.answer = cluster.answer, (500, b"")
    remote.classify(FACES)
    remote.classify(FACES)
    assert len(cluster.asked) == 1
    now += remote_classifier.RETRY_SECONDS
    remote.classify(FACES)  # the one that tries
    remote.classify(FACES)
    assert len(cluster.asked) == 2
    cluster.answer = good
    now += remote_classifier.RETRY_SECONDS
    assert np.array_equal(remote.classify(FACES).probabilities, cluster.probabilities)
    assert remote.problem == ""
    remote.classify(FACES)
    assert len(cluster.asked) == 4


def test_an_address_where_nobody_listens_costs_nothing_but_the_note(local, cluster):
    cluster.server.shutdown()
    cluster.server.server_close()
    remote = RemoteClassifier(local, cluster.url, "emoscope", "")
    assert np.array_equal(remote.classify(FACES).probabilities, local.classify(FACES).probabilities)
    assert "(it does not answer)" in remote.problem


def test_a_network_is_known_by_its_content(tmp_path):
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "b").write_bytes(b"two")
    (tmp_path / "c").write_bytes(b"one")
    assert network_hash(tmp_path / "a") == network_hash(tmp_path / "c") != network_hash(tmp_path / "b")
    assert network_hash(None) == ""
