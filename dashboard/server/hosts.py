"""The names under which the app may be opened: on a person's own machine, that machine's own.

A page from elsewhere whose name is made to lead to this machine (DNS rebinding) is, to a browser, the app itself, and
could read whatever the app shows. It cannot choose the ``Host`` that the browser sends. Streamlit checks that of its
WebSocket against ``server.allowedHosts``; here it is checked for every other request, the API's too.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

from emoscope.dashboard.ui.visitor import OWN_NAMES, is_own_name


def allowed_hosts(address: str, named: Iterable[str], shown: str | None = None) -> list[str]:
    """Return what ``server.allowedHosts`` is to be; empty allows every name.

    This machine's own names are always among those allowed: whoever asks for the app's health uses them, and no name
    server can give them another meaning.

    Args:
        address: That the server listens on; empty for all.
        named: What the owner set.
        shown: Streamlit's ``browser.serverAddress``, if that is set: the name that visitors know the app by.
    """
    names = [*named]
    if not names and not is_own_name(address):
        return []
    return [*OWN_NAMES, "*.localhost", *names, *([shown] if shown else [])]


class AllowedHosts:
    """ASGI middleware around the app and its API.

    Args:
        app: Streamlit's app, which looks after its WebSocket itself.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of ASGI; one for a name that is not the app's is refused."""
        if scope["type"] == "http":
            host = Headers(scope=scope).get("host")
            if not is_host_allowed(host):
                await _refusal(host)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _refusal(host: str | None) -> PlainTextResponse:
    named = f"under the name {host[:100]}" if host else "without a name"
    text = (
        f"Emoscope is not to be opened {named}. "
        "Open it as http://localhost with its port, or allow the name: STREAMLIT_SERVER_ALLOWED_HOSTS=name.example\n"
    )
    return PlainTextResponse(text, status_code=421)
