"""Who may start trainings from the app: the person at the machine, unless the deployment says otherwise."""

from __future__ import annotations

import os
from collections.abc import Mapping

import streamlit as st

from emoscope.dashboard.train.lock import can_lock
from emoscope.dashboard.ui.visitor import sits_at_this_machine
from emoscope.model.errors import ConfigError, EmoscopeError

SETTING = "EMOSCOPE_TRAINING"
_BY_COMMAND = "`python -m training train` trains from a terminal at any time"


def training_refusal() -> EmoscopeError | None:
    """Return why this page may not train for whom it is shown to, or None where it may."""
    address = st.config.get_option("server.address")
    setting = os.environ.get(SETTING, "") or _secret()
    return refusal(setting, address or "", st.context.headers.to_dict())


def refusal(setting: str, address: str, headers: Mapping[str, str]) -> EmoscopeError | None:
    """Return why trainings may not be started from here, or None where they may.

    Without a setting that is allowed only where both the server's and the page's address are this machine's own, and no
    proxy stands between.

    Args:
        setting: ``on``, ``off`` or empty, as the deployment has it.
        address: Address that the server listens on; empty for all.
        headers: Of the browser's request.
    """
    if not can_lock():
        return EmoscopeError("Trainings cannot be started from the app on this system.", f"{_BY_COMMAND}.")
    word = setting.strip().lower()
    if word in ("on", "1", "true", "yes"):
        return None
    if word in ("off", "0", "false", "no"):
        return EmoscopeError("Training is switched off here.", f"{_BY_COMMAND}.")
    if word:
        return ConfigError(f"{SETTING} is {setting!r}, which says neither on nor off.", "Set it to `on` or `off`.")
    if sits_at_this_machine(address, headers):
        return None
    return EmoscopeError(
        "Training is off because this app can be reached from other machines.",
        f"Serve it on localhost only (`make run`), or set `{SETTING}=on` if you trust everyone who can open it; "
        f"{_BY_COMMAND}.",
    )


def _secret() -> str:
    try:
        return str(st.secrets.to_dict().get("training", ""))
    except FileNotFoundError:  # a deployment without secrets is the rule
        return ""
