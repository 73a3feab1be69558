"""Refusing a body half-way so that the refusal arrives: the last of the response waits until the client stops sending.

A socket that is closed with bytes unread is reset, and a reset can overtake the answer. Web servers therefore go on
reading for a moment ("lingering close"). Done here for every answer that closes its connection.
"""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LINGER_SECONDS = 2.0
LINGER_BYTES = 50_000_000


class LingeringClose:
    """ASGI middleware; belongs outside of any that compresses."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of ASGI."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        closes = False

        async def linger(message: Message) -> None:
            nonlocal closes
            if message["type"] == "http.response.start":
                closes = Headers(raw=message["headers"]).get("connection", "").lower() == "close"
            elif closes and not message.get("more_body", False):
                await send({**message, "more_body": True})
                await _drain(receive)
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        await self._app(scope, receive, linger)


async def _drain(receive: Receive) -> None:
    """Throw away what still comes, up to a limit of time and bytes."""
    left = LINGER_BYTES
    try:
        async with asyncio.timeout(LINGER_SECONDS):
            while left > 0:
                message = await receive()
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
                left -= len(message.get("body", b""))
    except TimeoutError:
        return
