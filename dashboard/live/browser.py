"""Live in the visitor's own browser: the component, and the choice of where Live runs."""

from __future__ import annotations

from typing import Any

import streamlit as st

from emoscope.dashboard.live.controls import Controls
from emoscope.dashboard.live.ice import IceConfiguration
from emoscope.dashboard.server import browser_files
from emoscope.dashboard.ui import resources, state
from emoscope.dashboard.ui.notices import show_error
from emoscope.dashboard.ui.visitor import is_local
from emoscope.model.browser.bundle import WEB
from emoscope.model.browser.runtime import DOWNLOAD_BYTES, check_runtime, fetch_runtime, is_here
from emoscope.model.browser.setup import browser_setup
from emoscope.model.errors import EmoscopeError, EngineError
from emoscope.model.faces.detectors import DEFAULT_DETECTOR, DETECTORS
from emoscope.model.faces.tracking import TrackingSettings

BROWSER, SERVER = "browser", "server"
ENGINES = {BROWSER: "this browser", SERVER: "server (WebRTC)"}
ENGINE = "live_engine"
"""Session key of the engine that the visitor uses, until a button chooses another."""
_CHOSEN = "live_engine_chosen"

WORDS = {
    BROWSER: "Your camera's pictures are analysed in this browser: none leaves your device, and nothing is noted.",
    SERVER: "Your camera's pictures are analysed on this server as they arrive and kept nowhere. "
    "Only what you start yourself is noted until you leave: a recording, as numbers, and a snapshot.",
}

_live = st.components.v2.component(
    "emoscope_live",
    js=(WEB / "mount.js").read_text(encoding="utf-8"),
    css=(WEB / "live.css").read_text(encoding="utf-8"),
)


def default_engine(url: str, ice: IceConfiguration) -> str:
    """Return where Live runs until the visitor chooses: where a video connection may fail, in the browser.

    Args:
        url: Address of the page.
        ice: The connection's servers.
    """
    return SERVER if is_local(url) or ice.has_relay or not browser_files.is_served() else BROWSER


def use_engine(engine: str) -> None:
    """Let a button choose where Live runs.

    The choice gets a widget of its own: what the browser sends of the one before, which it does on its own as the
    connection changes, would else undo it.
    """
    number = st.session_state[_CHOSEN] = st.session_state.get(_CHOSEN, 0) + 1
    st.session_state[_engine_key(number)] = engine


def _engine_key(number: int) -> str:
    return f"{ENGINE}_{number}" if number else ENGINE


def choose_engine(ice: IceConfiguration) -> str:
    """Show the choice of where Live runs, and what becomes of the pictures there; return the engine."""
    engine: str = st.segmented_control(
        "Where it runs",
        list(ENGINES),
        format_func=ENGINES.__getitem__,
        required=True,
        help="In this browser nothing is sent anywhere and no connection can fail. The server also compares two "
        "networks, records, and takes any face detector.",
        **state.kept(
            _engine_key(st.session_state.get(_CHOSEN, 0)), default_engine(st.context.url or "", ice), list(ENGINES)
        ),
    )
    st.caption(WORDS[engine])
    return engine


def show_browser_engine(choice: state.Choice, controls: Controls) -> None:
    """Show Live in the browser, or why it cannot run and how to go on."""
    try:
        _make_ready()
        options = _options(choice, controls)
    except EmoscopeError as error:
        show_error(error)
        st.button("Let the server analyse", on_click=use_engine, args=(SERVER,), icon=":material/dns:")
        return
    if choice.detector_name != DEFAULT_DETECTOR:
        st.caption(f":material/info: In the browser faces are found by {DETECTORS[DEFAULT_DETECTOR].title}.")
    below = str(st.get_option("server.baseUrlPath") or "").strip("/")
    _live(
        key="live_browser",
        data={"module": "/" + "/".join(filter(None, (below, browser_files.module_address()))), "options": options},
        on_engine_change=_take_engine,
    )


def _make_ready() -> None:
    """Fetch the runtime where it is not here, and check its files.

    Raises:
        EngineError: It cannot be fetched, or a file is damaged; or the app serves no files of the engine.
    """
    if not browser_files.is_served():
        raise EngineError(
            "Live in the browser needs files that `streamlit run` does not serve.",
            "Start the app by `python -m dashboard`.",
        )
    if not is_here():
        _fetch()
    check_runtime()


def _fetch() -> None:
    with st.empty():
        text = "Fetching the browser engine (12 MB), once …"
        bar = st.progress(0.0, text)

        def show(size: int) -> None:
            bar.progress(min(1.0, size / DOWNLOAD_BYTES), text)

        fetch_runtime(show)
        st.write("")


def _options(choice: state.Choice, controls: Controls) -> dict[str, Any]:
    address = browser_files.network_address(choice.run_key)
    return browser_setup(
        resources.run(choice.run_key),
        address,
        network=browser_files.network(choice.run_key),
        tracking=TrackingSettings(smoothing=controls.smoothing),
        calibrated=choice.calibrated,
        sure_from=choice.sure_from,
        rate=controls.rate,
        bars=controls.bars,
        heat_maps=controls.heat_maps,
        mirror=controls.mirror,
    )


def _take_engine() -> None:
    if st.session_state["live_browser"].get("engine") == SERVER:
        use_engine(SERVER)
