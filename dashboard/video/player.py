"""The player and the timeline as one: a click on the timeline seeks, and a cursor on it follows what plays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

# The player and the chart are Streamlit's own elements, which a new run of the page may replace: they are looked up
# again and again. `told` is the moment the server named last, `asked` the one that was chosen here last.
_JS = Path(__file__).with_name("player.js").read_text(encoding="utf-8")

_component = st.components.v2.component("video_player", js=_JS)


def join_player(player: str, chart: str, at: float, seconds: float, on_choose: Callable[[float], None]) -> None:
    """Join a player and a timeline, whether or not the player is there yet.

    Args:
        player: Key of the container that holds the player.
        chart: Key of the container that holds the chart; its x axis is in seconds.
        at: The moment to show.
        seconds: Length of the timeline.
        on_choose: Called with the time in seconds that was clicked, or at which the player was halted.
    """
    key = f"{chart}_moment"

    def chosen() -> None:
        moment = st.session_state[key].chosen
        if moment is not None:
            on_choose(float(moment))

    data = {"player": player, "chart": chart, "at": round(at, 2), "seconds": seconds}
    _component(data=data, key=key, on_chosen_change=chosen)
