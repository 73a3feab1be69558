"""Answers that leave at once.

An answer is written in two pieces, its head and its body. By TCP's default (Nagle's algorithm) the second piece waits
until the first is acknowledged, which a client does up to 40 ms later. asyncio turns that off, but only for sockets
that were made with TCP's number, and Streamlit makes its own without.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from functools import wraps

import uvicorn


def answer_promptly() -> None:
    """Let every server that is started from now on in this process send what is written without waiting."""
    start = uvicorn.Server.startup

    @wraps(start)
    async def startup(self: uvicorn.Server, sockets: Sequence[socket.socket] | None = None) -> None:
        for listener in sockets or ():
            if listener.family in (socket.AF_INET, socket.AF_INET6):
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it
        await start(self, list(sockets) if sockets else None)

    uvicorn.Server.startup = startup  # type: ignore[method-assign]
