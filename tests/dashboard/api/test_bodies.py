"""Bodies that mean no good, sent over sockets to a running server, which must answer rightly and stay well."""

import asyncio
import io
import socket
import tempfile
import time
import zlib
from http.client import HTTPResponse

import cv2
import numpy as np
import pytest
from starlette.requests import Request

from emoscope.dashboard.api.bodies import Bodies
from emoscope.dashboard.api.problems import ProblemError
from emoscope.dashboard.api.settings import ApiSettings
from emoscope.dashboard.ui.samples import sample_picture
from emoscope.model.images import decode_image
from tests.dashboard.api.conftest import face_png, form

HEAD = "POST /api/v1/predict?detector=none HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"


@pytest.fixture(autouse=True)
def still_healthy(server):
    """After every test the server answers, holds no picture, and has not kept the memory."""
    server.predict(sample_picture("One face")[1], query="")  # loads the detector
    before = server.metric("process_resident_memory_bytes")
    yield
    assert server.predict(face_png(240))[2]["pictures"][0]["faces"][0]["emotion"] == "happy"
    assert server.metric("emoscope_pictures_waiting") == 0
    # Two at once need the detector's networks a second time, which take 140 MB.
    assert server.metric("process_resident_memory_bytes") - before < 220e6


def connect(server):
    host, port = server.host.split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def answer(connection):
    """Read what the server says until it closes the connection."""
    found = b""
    while chunk := connection.recv(65536):
        found += chunk
    return found.decode()


def bomb_png(side):
    """A picture whose header promises ``side`` × ``side`` pixels, all black, in a few kilobytes."""

    def chunk(kind, data):
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = side.to_bytes(4, "big") * 2 + bytes((8, 0, 0, 0, 0))
    rows = zlib.compress(bytes(1_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


FACE = face_png(200)
WHOLE_FORM, KIND = form([("a.png", FACE)])
PROBLEMS = {
    "empty": (b"", "image/png", {}, 422, "The file is empty."),
    "no picture": (b"hello", "image/png", {}, 422, "The file is no picture that can be opened."),
    "a picture cut off": (
        cv2.imencode(".jp2", decode_image(FACE))[1].tobytes()[:-99],
        "image/jp2",
        {},
        422,
        "ends too early.",
    ),
    "a bomb": (bomb_png(60_000), "image/png", {}, 422, "the limit is 2 megapixels."),
    "too large": (bytes(3_000_001), "image/png", {}, 413, "The body is larger than 3 MB."),
    "JSON": (b"{}", "application/json", {}, 415, "The body is application/json, which holds no pictures."),
    "no type": (FACE, "", {}, 415, "The body is of no stated type, which holds no pictures."),
    "compressed": (
        FACE,
        "image/png",
        {"Content-Encoding": "gzip"},
        415,
        "Bodies with a Content-Encoding are not read.",
    ),
    "a form cut off": (WHOLE_FORM[:-20], KIND, {}, 400, "The form ends too early."),
    "a form without boundary": (WHOLE_FORM, "multipart/form-data", {}, 400, "The form cannot be read."),
    "another boundary": (WHOLE_FORM, "multipart/form-data; boundary=other", {}, 400, "The form cannot be read."),
    "an empty form": (form([])[0], KIND, {}, 400, "The form holds no file."),
    "a thousand files": (form([("a", b"x")] * 1000)[0], KIND, {}, 413, "The form holds more than 8 pictures."),
    "a field": (
        WHOLE_FORM.replace(b'; filename="a.png"', b""),
        KIND,
        {},
        422,
        "The form holds a field that is no file.",
    ),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_a_wrong_body_gets_its_status_and_a_sentence(server, case):
    body, kind, more, status, sentence = PROBLEMS[case]
    found, headers, content = server.predict(body, kind, **more)
    assert (found, content["status"]) == (status, status)
    assert headers["content-type"] == "application/problem+json"
    assert content["detail"].endswith(sentence)
    assert content["action"]


def test_ten_gigabytes_are_refused_before_they_are_sent(server):
    for expect in ("", "Expect: 100-continue\r\n"):
        with connect(server) as connection:
            connection.sendall(f"{HEAD}Content-Length: 10737418240\r\n{expect}\r\n".encode())
            connection.shutdown(socket.SHUT_WR) if not expect else None
            found = answer(connection)
        assert found.startswith("HTTP/1.1 413 ")
        assert "The body is larger than 3 MB." in found
        assert "connection: close" in found.lower()


def test_chunks_that_never_end_are_cut_off_and_told_so(server):
    """The client goes on sending, as most do, and still reads the answer."""
    chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    with connect(server) as connection:
        connection.sendall(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode())
        sent = 0
        try:
            while sent < 200e6:
                connection.sendall(chunk)
                sent += len(chunk)
                if sent > 10e6:
                    break
            found = answer(connection)
        except OSError as error:  # pragma: no cover
            pytest.fail(f"the connection was reset after {sent} bytes: {error}")
    assert found.startswith("HTTP/1.1 413 ")
    assert "The body is larger than 3 MB." in found


def test_chunks_that_never_end_end_the_connection(server):
    with connect(server) as connection, pytest.raises(OSError):
        connection.sendall(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode())
        for _ in range(10_000):  # 655 MB
            connection.sendall(b"10000\r\n" + bytes(0x10000) + b"\r\n")


def test_a_body_that_only_trickles_is_given_up(server):
    with connect(server) as connection:
        connection.sendall(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode())
        start = time.monotonic()
        connection.settimeout(0.2)
        found = b""
        while time.monotonic() - start < 10 and b"}" not in found:
            connection.sendall(b"1\r\nx\r\n")
            try:
                found += connection.recv(65536)
            except TimeoutError:
                continue
    assert found.startswith(b"HTTP/1.1 408 ")
    assert b"The body did not arrive within 2 s." in found


def test_clients_that_go_away_are_noted_and_forgotten(server):
    name = 'emoscope_requests_total{path="/v1/predict",status="499"}'
    before = server.metric(name)
    _, photo = sample_picture("One face")
    for sent, declared in ((100, 5000), (0, 5000)):
        with connect(server) as connection:
            connection.sendall(f"{HEAD}Content-Length: {declared}\r\n\r\n".encode() + FACE[:sent])
    for _ in range(5):  # whole requests, left before their answer
        with connect(server) as connection:
            head = HEAD.replace("?detector=none", "")
            connection.sendall(f"{head}Content-Length: {len(photo)}\r\n\r\n".encode() + photo)
    deadline = time.monotonic() + 20
    while server.metric(name) < before + 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert server.metric(name) >= before + 2
    while server.metric("emoscope_pictures_waiting") and time.monotonic() < deadline:
        time.sleep(0.1)


def test_lines_that_are_no_http_are_refused(server):
    with connect(server) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 not http\r\n\r\n")
        assert answer(connection).startswith("HTTP/1.1 400 ")


def test_a_kept_connection_serves_again_after_a_problem_with_a_whole_body(server):
    with connect(server) as connection:
        for body, status in ((b"hello", 422), (FACE, 200)):
            connection.sendall(f"{HEAD}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            with HTTPResponse(connection) as response:  # reads to the end of the answer, however it is cut up
                response.begin()
                response.read()
            assert response.status == status


def read_in_process(settings, body, kind, bodies=None):
    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def read():
        headers = [(b"content-type", kind.encode())]
        request = Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)
        async with (bodies or Bodies(settings)).uploads(request) as uploads:
            return uploads

    return asyncio.run(read())


def test_nothing_is_written_to_disk(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a file was opened")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    large = np.random.default_rng(0).bytes(4_000_000)
    body, kind = form([("a.bin", large), ("b.bin", large)])
    uploads = read_in_process(ApiSettings(), body, kind)
    assert [(u.name, u.data == large) for u in uploads] == [("a.bin", True), ("b.bin", True)]
    monkeypatch.undo()
    with tempfile.SpooledTemporaryFile(max_size=1) as spooled:  # what the patch above would have caught
        spooled.write(io.BytesIO(large).read(10))
        assert spooled._rolled


def test_bodies_of_all_requests_share_one_bound_of_memory():
    settings = ApiSettings(max_held=1000)
    bodies = Bodies(settings)
    with pytest.raises(ProblemError) as problem:
        read_in_process(settings, bytes(2000), "image/png", bodies)
    assert problem.value.status == 503 and problem.value.headers == {"Retry-After": "2"}
    assert len(read_in_process(settings, bytes(900), "image/png", bodies)[0].data) == 900  # nothing is left behind
