import asyncio
import contextlib
import copy
import gzip

import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Route

from emoscope.dashboard.server.compression import CompressedFiles

SCRIPT = b"export const words = 'the same again and again';" * 200
FOR_EVER = {"cache-control": "public, immutable, max-age=31536000"}


@pytest.fixture
def asked():
    return []


@pytest.fixture
def app(asked):
    def route(path, media_type, headers=None):
        async def answer(request):
            asked.append(request.url.path)
            return Response(SCRIPT, media_type=media_type, headers=headers)

        return Route(path, answer)

    routes = [
        route("/", "text/html", {"cache-control": "no-cache"}),
        route("/static/js/app.a1b2.js", "text/javascript", FOR_EVER),
        route("/static/media/face.a1b2.woff2", "font/woff2", FOR_EVER),
        route("/media/clip.mp4", "video/mp4"),
        route("/api/v1/model", "application/json"),
    ]
    return Starlette(routes=routes, middleware=[Middleware(CompressedFiles)])


def get(app, path, **headers):
    """Ask for a path and return status, headers and body as sent."""
    sent = []
    wanted = {"accept-encoding": "gzip, br", **headers}

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.request"}

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in wanted.items()],
    }
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], Headers(raw=sent[0]["headers"]), b"".join(message.get("body", b"") for message in sent)


def test_a_file_is_compressed_once_for_all_visitors(app, asked):
    answers = [get(app, "/static/js/app.a1b2.js") for _ in range(3)]
    assert asked == ["/static/js/app.a1b2.js"]
    for _, headers, body in answers:
        assert headers["content-encoding"] == "gzip" and headers["vary"] == "Accept-Encoding"
        assert gzip.decompress(body) == SCRIPT and int(headers["content-length"]) == len(body) < len(SCRIPT) / 10


def test_the_page_itself_is_compressed_and_never_kept(app, asked):
    assert [get(app, "/")[1]["content-encoding"] for _ in range(2)] == ["gzip", "gzip"]
    assert asked == ["/", "/"]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/static/js/app.a1b2.js", {"accept-encoding": "identity"}),
        ("/static/js/app.a1b2.js", {"range": "bytes=0-9"}),
        ("/static/media/face.a1b2.woff2", {}),
        ("/media/clip.mp4", {}),
        ("/api/v1/model", {}),
    ],
)
def test_others_are_passed_through(app, path, headers):
    get(app, "/static/js/app.a1b2.js")
    _, found, body = get(app, path, **headers)
    assert "content-encoding" not in found and body == SCRIPT


def test_what_is_not_there_is_not_kept(app, asked):
    assert [get(app, "/static/js/none.js")[0] for _ in range(2)] == [404, 404]


@pytest.mark.parametrize("messages", [0, 1, 2], ids=["none", "the start alone", "half of the file"])
def test_an_answer_that_a_browser_did_not_wait_for_is_not_kept(messages):
    headers = [(b"cache-control", b"public, immutable"), (b"content-type", b"text/javascript")]
    whole = [
        {"type": "http.response.start", "status": 200, "headers": headers},
        {"type": "http.response.body", "body": SCRIPT, "more_body": True},
        {"type": "http.response.body", "body": SCRIPT},
    ]
    calls = []

    async def app(scope, receive, send):
        calls.append(scope["path"])
        for message in whole[: messages if len(calls) == 1 else None]:
            await send(copy.deepcopy(message))  # whoever sends it on adds headers

    compressed = CompressedFiles(app)
    with contextlib.suppress(IndexError):  # nothing came, so there is nothing to look at
        get(compressed, "/static/app.js")
    for _ in range(2):
        assert gzip.decompress(get(compressed, "/static/app.js")[2]) == 2 * SCRIPT
    assert len(calls) == 2, "the whole answer is kept, and the broken one was not"
