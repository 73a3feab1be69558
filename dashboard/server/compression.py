"""The files of the browser's part of the app leave compressed, so that the first page comes soon over a slow link too.

Streamlit compresses its answers but not these, to save the work of doing so for each visitor. Here each is compressed
once and kept, which takes a few megabytes in all. Media, the API and WebSockets pass through as they are.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SMALLEST = 1000
"""Bytes below which compressing gains nothing."""


class CompressedFiles:
    """ASGI middleware around the app.

    Args:
        app: Serves the page at ``/`` and its files below ``/static/``.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._compressing = GZipMiddleware(app, minimum_size=SMALLEST)
        self._kept: dict[str, list[Message]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of ASGI."""
        if not _asks_for_a_file(scope):
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        if path not in self._kept:
            answer = await self._compress(scope, receive, send)
            if _is_lasting(answer):
                self._kept[path] = answer
            return
        for message in self._kept[path]:
            await send(message)

    async def _compress(self, scope: Scope, receive: Receive, send: Send) -> list[Message]:
        """Send the app's answer compressed and return its messages."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)
            await send(message)

        await self._compressing(scope, receive, keep)
        return messages


def _asks_for_a_file(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "GET":
        return False
    headers = Headers(scope=scope)
    conditional = "range" in headers or "if-none-match" in headers or "if-modified-since" in headers
    return (
        (scope["path"] == "/" or "/static/" in scope["path"])
        and "gzip" in headers.get("accept-encoding", "")
        and not conditional
    )


def _is_lasting(answer: list[Message]) -> bool:
    """Tell whether an answer stays right for ever: a whole file whose name changes with its content.

    Where a browser has gone meanwhile, there is only a part of an answer, or none.
    """
    if not answer or answer[-1]["type"] != "http.response.body" or answer[-1].get("more_body"):
        return False
    start = answer[0]
    return start["status"] == 200 and "immutable" in Headers(raw=start["headers"]).get("cache-control", "")
