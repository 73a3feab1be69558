"""Where a visitor sits: at this machine, or somewhere else."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import streamlit as st

_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
_FORWARDED = ("x-forwarded-for", "x-forwarded-host", "x-real-ip", "forwarded", "via")


def is_local(url: str) -> bool:
    """Tell whether a page's address is this machine's own."""
    host = urlsplit(url).hostname or ""
    return host in _LOCAL_HOSTS or host.endswith(".localhost")


def sits_at_this_machine(address: str, url: str, headers: Mapping[str, str]) -> bool:
    """Tell whether server and page have this machine's own address and no proxy stands between.

    Args:
        address: That the server listens on; empty for all.
        url: Of the page, as the browser has it; empty where that is not known.
        headers: Of the browser's request.
    """
    is_proxied = any(name.lower() in _FORWARDED for name in headers)
    return is_local(f"http://{address}") and (not url or is_local(url)) and not is_proxied


def visitor_sits_here() -> bool:
    """Tell whether this session's visitor sits at this machine."""
    address = st.config.get_option("server.address") or ""
    return sits_at_this_machine(address, st.context.url or "", st.context.headers.to_dict())
