"""Where a visitor sits: at this machine, or somewhere else."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import streamlit as st

OWN_NAMES = ("localhost", "127.0.0.1", "::1")
_FORWARDED = {"x-forwarded-for", "x-forwarded-host", "x-real-ip", "forwarded", "via"}


def is_local(url: str) -> bool:
    """Tell whether a page's address is this machine's own."""
    return is_own_name(urlsplit(url).hostname or "")


def is_own_name(host: str) -> bool:
    """Tell whether a host name or address, without a port, is this machine's own."""
    return host in OWN_NAMES or host.endswith(".localhost")


def sits_at_this_machine(address: str, headers: Mapping[str, str]) -> bool:
    """Tell whether server and page have this machine's own address and no proxy stands between.

    The page's address is taken from the header that its browser sets, never from what the page says of itself.

    Args:
        address: That the server listens on; empty for all.
        headers: Of the browser's request.
    """
    given = {name.lower(): value for name, value in headers.items()}
    host = urlsplit(f"//{given.get('host', '')}").hostname
    return is_own_name(address) and (host is None or is_own_name(host)) and not given.keys() & _FORWARDED


def visitor_sits_here() -> bool:
    """Tell whether this session's visitor sits at this machine."""
    return sits_at_this_machine(st.config.get_option("server.address") or "", st.context.headers.to_dict())
