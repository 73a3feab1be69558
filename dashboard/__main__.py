"""Serve the app and its HTTP API: ``python -m dashboard`` in a checkout, ``emoscope serve`` once installed."""

from __future__ import annotations

import argparse
import asyncio
import errno
import os
import socket
import sys
import webbrowser
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if (ROOT / "emoscope").is_dir() and str(ROOT) not in sys.path:  # `python path/to/dashboard` from another folder
    sys.path.insert(0, str(ROOT))

DEFAULT_PORT = 8501
PORTS_TRIED = 20
_NAMES = ("server.allowedHosts", "browser.serverAddress")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command; what is not given comes from Streamlit's settings."""
    add = parser.add_argument
    add("--port", type=_port, help=f"port to serve on (default: PORT, server.port, or {DEFAULT_PORT} and up)")
    add("--host", help="address to serve on; 0.0.0.0 for the whole network (default: server.address, or localhost)")
    add("--headless", action="store_true", help="do not open a browser window")


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    from emoscope.version import __version__

    parser = argparse.ArgumentParser(prog="python -m dashboard", description="Serve the Emoscope app.")
    parser.add_argument("--version", action="version", version=f"emoscope {__version__}")
    add_arguments(parser)
    return parser.parse_args(arguments)


def _port(text: str) -> int:
    port = int(text) if text.isdigit() else -1
    if not 0 < port < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; give a number from 1 to 65535")
    return port


def is_free(host: str, port: int) -> bool:
    """Tell whether a server could listen there now.

    Raises:
        OSError: The host is no address of this machine.
    """
    problem: OSError | None = None
    found = False
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        try:
            with socket.socket(family, kind, protocol) as probe:
                if os.name == "posix":  # as the server does; elsewhere the option means something else
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
                found = True
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            problem = error  # localhost also names ::1, which a machine without IPv6 does not have
    if not found:
        raise problem or OSError(errno.EADDRNOTAVAIL, "no address")
    return True


def choose_port(host: str, wanted: int | None) -> int:
    """Return the port to serve on: the one asked for, else the first free one from the default on.

    Raises:
        SystemExit: None is free; the message is one sentence.
    """
    candidates = [wanted] if wanted else list(range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TRIED))
    try:
        port = next((port for port in candidates if is_free(host, port)), None)
    except OSError:
        sys.exit(f"{host} is no address of this machine. Try --host localhost or --host 0.0.0.0.")
    if port is None:
        sys.exit(f"Port {candidates[0]} is in use. Stop what runs there or choose another: --port {candidates[-1] + 1}")
    if wanted is None and port != DEFAULT_PORT:
        print(f"Port {DEFAULT_PORT} is in use, so this runs on {port}.", flush=True)
    return port


def wanted_address(arguments: argparse.Namespace, settings: Mapping[str, Any]) -> tuple[str, int | None, str]:
    """Return host, port (None where nobody asked for one) and path below which to serve, e.g. ``/faces``.

    Flags win over ``PORT``, which hosting services set, and that over Streamlit's own settings.

    Args:
        arguments: From the command line.
        settings: Streamlit's options that the environment sets.

    Raises:
        SystemExit: ``PORT`` is no port.
    """
    from emoscope.dashboard.server.settings import from_files

    def setting(name: str) -> Any:
        return settings.get(f"server.{name}") or from_files("server", name)

    port = arguments.port
    if port is None and os.environ.get("PORT"):
        try:
            port = _port(os.environ["PORT"])
        except argparse.ArgumentTypeError as error:
            sys.exit(f"PORT: {error}.")
    below = str(setting("baseUrlPath") or "").strip("/")
    return arguments.host or setting("address") or "localhost", port or setting("port"), f"/{below}" if below else ""


def main() -> None:
    """Serve until interrupted."""
    run(parse_arguments())


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from emoscope.dashboard.server.settings import from_environment, from_files

    try:
        settings = from_environment()
    except ValueError as error:
        sys.exit(str(error))
    host, wanted, below = wanted_address(arguments, settings)
    port = choose_port(host, wanted)
    shown_host = "localhost" if host in ("0.0.0.0", "::", "127.0.0.1") else host
    url = f"http://{shown_host}:{port}{below}"

    from emoscope.dashboard.api.settings import ApiSettings
    from emoscope.model.errors import ConfigError

    try:
        ApiSettings.from_environment(os.environ)
    except ConfigError as error:
        sys.exit(str(error))

    # Before a request can load TensorFlow: its own copy of OpenSSL's names makes a later import of this crash.
    import pylibsrtp  # noqa: F401
    from starlette.middleware import Middleware
    from starlette.routing import Mount
    from streamlit import config
    from streamlit.starlette import App

    from emoscope.dashboard.api.app import Api
    from emoscope.dashboard.api.closing import LingeringClose
    from emoscope.dashboard.server.browser_files import BELOW, create_browser_files
    from emoscope.dashboard.server.compression import CompressedFiles
    from emoscope.dashboard.server.headers import SecurityHeaders
    from emoscope.dashboard.server.hosts import AllowedHosts, allowed_hosts
    from emoscope.dashboard.server.nagle import answer_promptly

    answer_promptly()
    api = Api()

    @asynccontextmanager
    async def announce(_: App) -> AsyncIterator[None]:
        api.open(ApiSettings.from_environment(os.environ))  # to which Streamlit has added secrets.toml by now
        print(f"Emoscope is at {url}", flush=True)
        if not arguments.headless and not config.get_option("server.headless"):
            asyncio.get_running_loop().call_later(0.5, webbrowser.open, url)
        yield

    app = App(
        Path(__file__).with_name("app.py"),
        lifespan=announce,
        routes=[Mount(f"{below}/api", app=api), Mount(f"{below}/{BELOW}", app=create_browser_files())],
        middleware=[
            Middleware(LingeringClose),
            Middleware(SecurityHeaders),
            Middleware(AllowedHosts),
            Middleware(CompressedFiles),
        ],
    )
    named, shown = (settings.get(key) or from_files(*key.split(".")) for key in _NAMES)
    settings["server.allowedHosts"] = allowed_hosts(host, named or (), shown)
    app.run(
        config={
            **settings,
            "server.port": port,
            "server.address": host,
            "logger.hideWelcomeMessage": True,
        }
    )
    return 0


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):  # Ctrl-C is how one stops it
        main()
