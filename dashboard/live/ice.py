"""How browser and server find each other: ICE servers from the deployment's secrets or environment.

On this very machine none are needed, and none are used, so that nothing waits for a server that may be out of reach.
"""

from __future__ import annotations

import json
import logging
import secrets as random_bits
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from emoscope.dashboard.ui.visitor import is_local

_log = logging.getLogger(__name__)

PUBLIC_STUN = {"urls": ["stun:stun.l.google.com:19302", "stun:stun.cloudflare.com:3478"]}

ANSWER_SECONDS = 1.0
"""How long a STUN server may take to answer; unchecked, gathering waits five seconds for one that is silent."""

_COOKIE = b"\x21\x12\xa4\x42"  # RFC 8489, section 5


@dataclass(frozen=True)
class IceConfiguration:
    """ICE servers for both sides.

    Attributes:
        browser: ``RTCConfiguration`` for the browser, which tries all its servers while it already connects.
        server: The same for this process, which first asks them all: silent STUN servers are left out.
        source: Where the servers come from, for people.
        problem: Why configured credentials could not be used; empty if nothing failed.
    """

    browser: dict[str, Any]
    server: dict[str, Any]
    source: str
    problem: str = ""

    @property
    def has_relay(self) -> bool:
        """Whether a TURN server is among them."""
        return any(url.startswith("turn") for url in _urls(self.browser["iceServers"]))


def ice_configuration(url: str, secrets: Mapping[str, Any], environment: Mapping[str, str]) -> IceConfiguration:
    """Choose the ICE servers for a page at an address.

    In this order: ``ice_servers`` in the secrets or JSON in ``EMOSCOPE_ICE_SERVERS``; the credentials of Cloudflare
    (``CLOUDFLARE_TURN_KEY_ID``, ``CLOUDFLARE_TURN_KEY_API_TOKEN``), Twilio (``TWILIO_ACCOUNT_SID``,
    ``TWILIO_AUTH_TOKEN``) or Hugging Face (``HF_TOKEN``), each from the secrets or the environment; none on this
    machine; else public STUN servers, which suffice where no firewall is in the way.

    Args:
        url: Address of the page.
        secrets: The deployment's secrets.
        environment: Environment variables.
    """
    problem = ""
    try:
        servers = _static_servers(secrets, environment)
        if servers is not None:
            return IceConfiguration(
                {"iceServers": servers}, {"iceServers": answering(servers)}, "the deployment's list"
            )
    except ValueError as error:
        problem = f"The list of ICE servers cannot be used ({error})."
    if is_local(url):
        return IceConfiguration({"iceServers": []}, {"iceServers": []}, "none needed on this machine", problem)
    for provider, names, fetch in _providers():
        values = [str(secrets.get(name) or environment.get(name) or "") for name in names]
        if not all(values):
            continue
        try:
            servers = [dict(server) for server in fetch(*values)]
        except Exception as error:
            _log.warning("No ICE servers from %s: %s", provider, error)
            problem = f"{provider} gave no TURN credentials ({error})."
            continue
        return IceConfiguration({"iceServers": servers}, {"iceServers": answering(servers)}, provider, problem)
    servers = [PUBLIC_STUN]
    return IceConfiguration({"iceServers": servers}, {"iceServers": answering(servers)}, "public STUN servers", problem)


def _static_servers(secrets: Mapping[str, Any], environment: Mapping[str, str]) -> list[dict[str, Any]] | None:
    listed = secrets.get("ice_servers")
    if listed is None and environment.get("EMOSCOPE_ICE_SERVERS"):
        try:
            listed = json.loads(environment["EMOSCOPE_ICE_SERVERS"])
        except ValueError as error:
            raise ValueError(f"EMOSCOPE_ICE_SERVERS is no JSON: {error}") from error
    if listed is None:
        return None
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        raise ValueError("a list of servers is expected")
    servers = []
    for entry in listed:
        server = {"urls": entry} if isinstance(entry, str) else dict(entry)
        urls = [server.get("urls")] if isinstance(server.get("urls"), str) else list(server.get("urls") or ())
        if not urls or not all(str(u).split(":")[0] in ("stun", "stuns", "turn", "turns") for u in urls):
            raise ValueError(
                f"every server needs `urls` that begin with stun: or turn:, but one has {server.get('urls')!r}"
            )
        servers.append({**server, "urls": urls})
    return servers


def _providers() -> list[tuple[str, tuple[str, ...], Callable[..., Any]]]:
    from streamlit_webrtc import get_cloudflare_ice_servers, get_hf_ice_servers, get_twilio_ice_servers

    return [
        ("Cloudflare", ("CLOUDFLARE_TURN_KEY_ID", "CLOUDFLARE_TURN_KEY_API_TOKEN"), get_cloudflare_ice_servers),
        ("Twilio", ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"), get_twilio_ice_servers),
        ("Hugging Face", ("HF_TOKEN",), get_hf_ice_servers),
    ]


def answering(servers: Sequence[Mapping[str, Any]], seconds: float = ANSWER_SECONDS) -> list[dict[str, Any]]:
    """Leave out the STUN servers that do not answer in time; TURN servers stay, their refusal is worth knowing.

    Args:
        servers: Entries with ``urls``.
        seconds: How long to wait, for all of them together.
    """
    stun = [url for url in _urls(servers) if url.startswith("stun")]
    if not stun:
        return [dict(server) for server in servers]
    executor = ThreadPoolExecutor(len(stun), thread_name_prefix="stun-probe")
    probes = {url: executor.submit(stun_answers, url, seconds) for url in stun}
    deadline = time.monotonic() + seconds
    alive = set()
    for url, probe in probes.items():
        try:
            if probe.result(timeout=max(0.0, deadline - time.monotonic())):
                alive.add(url)
        except TimeoutError:  # a name server that does not answer; its thread ends by itself
            pass
    executor.shutdown(wait=False, cancel_futures=True)
    kept = []
    for server in servers:
        urls = [url for url in _urls([server]) if not url.startswith("stun") or url in alive]
        if urls:
            kept.append({**server, "urls": urls})
    return kept


def stun_answers(url: str, seconds: float = ANSWER_SECONDS) -> bool:
    """Ask one STUN server for this machine's address and tell whether it answers.

    Args:
        url: Such as ``stun:stun.example.org:3478``.
        seconds: How long to wait.

    Source: binding request of RFC 8489, section 5.
    """
    host, _, port = url.split(":", 1)[1].split("?")[0].rpartition(":")
    if not host or not port.isdigit():
        host, port = url.split(":", 1)[1].split("?")[0], "3478"
    transaction = random_bits.token_bytes(12)
    request = b"\x00\x01\x00\x00" + _COOKIE + transaction
    try:
        address = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM)[0]
        with socket.socket(address[0], socket.SOCK_DGRAM) as probe:
            probe.settimeout(seconds)
            probe.sendto(request, address[4])
            answer, _ = probe.recvfrom(2048)
    except OSError:
        return False
    return answer[4:20] == request[4:20]


def _urls(servers: Sequence[Mapping[str, Any]]) -> list[str]:
    urls: list[str] = []
    for server in servers:
        urls += [server["urls"]] if isinstance(server["urls"], str) else list(server["urls"])
    return urls
