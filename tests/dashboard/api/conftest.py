import http.client
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest

from tests.browser.serving import serving
from tests.factories import write_run
from tests.paths import ASSETS

LIMITS = {
    "EMOSCOPE_API_MEGABYTES": "3",
    "EMOSCOPE_API_MEGAPIXELS": "2",
    "EMOSCOPE_API_IMAGES": "8",
    "EMOSCOPE_API_FACES": "1",
    "EMOSCOPE_API_BODY_SECONDS": "2",
    "EMOSCOPE_API_IMAGES_PER_MINUTE": "0",
}


class Client:
    """Asks a server; each request on a connection of its own."""

    def __init__(self, url: str) -> None:
        self.host = urlsplit(url).netloc

    def ask(self, method, path, body=None, headers=None):
        """Return status, headers and the parsed JSON (or the bytes)."""
        connection = http.client.HTTPConnection(self.host, timeout=20)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        kind = answer.headers.get("content-type", "")
        return answer.status, answer.headers, json.loads(content) if "json" in kind else content

    def predict(self, body, kind="image/png", query="?detector=none", **headers):
        return self.ask("POST", f"/api/v1/predict{query}", body, {"Content-Type": kind, **headers})

    def metric(self, name: str) -> float:
        lines = self.ask("GET", "/api/v1/metrics")[2].decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def form(files, boundary="b0undary", end=True):
    """Build a form's body and its type from ``(name, content)`` pairs."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n\r\n'.encode()
        + data
        + b"\r\n"
        for name, data in files
    ]
    return b"".join(parts) + (
        f"--{boundary}--\r\n".encode() if end else b""
    ), f"multipart/form-data; boundary={boundary}"


def face_png(gray: int, side: int = 48) -> bytes:
    """A cropped face to the made-up network: bright is happy, dark is sad."""
    pixels = np.full((side, side), gray, np.uint8)
    pixels[::2] += 3
    return cv2.imencode(".png", pixels)[1].tobytes()


@pytest.fixture(scope="session")
def saved_runs(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("served") / "artifacts"
    write_run(root, "emoscope", name="Bright or dark", n=200, metrics=True)
    shutil.copy(ASSETS / "cam.tflite", root / "emoscope" / "model.tflite")
    write_run(root, "plain", n=50, splits=())
    shutil.copy(ASSETS / "logits.tflite", root / "plain" / "model.tflite")
    return root


@pytest.fixture(scope="session")
def server(saved_runs) -> Iterator[Client]:
    """A running ``python -m dashboard`` with low limits and no token."""
    with serving(EMOSCOPE_ARTIFACTS=str(saved_runs), **LIMITS) as url:
        yield Client(url)


@pytest.fixture(scope="session")
def guarded_server(saved_runs) -> Iterator[Client]:
    """One that wants a token, lets another site's scripts in, and takes five pictures a minute."""
    access = {
        "EMOSCOPE_API_TOKEN": "open sesame",
        "EMOSCOPE_API_ORIGINS": "https://example.org",
        "EMOSCOPE_API_IMAGES_PER_MINUTE": "5",
    }
    with serving(EMOSCOPE_ARTIFACTS=str(saved_runs), **access) as url:
        yield Client(url)
