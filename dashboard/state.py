"""What a session remembers from page to page.

Streamlit forgets a widget's value when its page is left. So each choice lives under a plain session key, which nobody
clears, and the widget on the page has a key of its own that is filled from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from dashboard import resources
from dashboard.notices import show_error
from model.artifacts import DEFAULT_RUN, BrokenRun, Run
from model.detectors import DETECTOR_NAMES, detector_problem


@dataclass(frozen=True)
class Choice:
    """Which saved run and which face detector are in use.

    Attributes:
        run_key: The run's folder name.
        detector_name: One of ``DETECTOR_NAMES``, or ``none`` where pictures are cropped faces already.
    """

    run_key: str
    detector_name: str


def kept(key: str, default: Any) -> dict[str, Any]:
    """Return widget arguments that keep its value across pages.

    Use as ``st.toggle("Heat maps", **kept("heat_maps", False))``; the value is also at ``st.session_state["heat_maps"]``.

    Args:
        key: Plain session key, unique in the app.
        default: Value before anybody chose one.
    """
    widget_key = f"_{key}"
    st.session_state.setdefault(key, default)
    st.session_state[widget_key] = st.session_state[key]
    return {"key": widget_key, "on_change": _keep, "args": (key,)}


def _keep(key: str) -> None:
    st.session_state[key] = st.session_state[f"_{key}"]


def kept_option(key: str, options: list[str], default: str) -> dict[str, Any]:
    """Return arguments as :func:`kept` does, falling back where the remembered option no longer exists."""
    fallback = default if default in options else options[0]
    if st.session_state.get(key, fallback) not in options:
        st.session_state[key] = fallback
    return kept(key, fallback)


def run_names() -> dict[str, str]:
    """Return the title of every saved run that can be opened, by key; the default run first."""
    runs = [run for run in resources.runs() if isinstance(run, Run)]
    runs.sort(key=lambda run: (run.key != DEFAULT_RUN, run.info.name.lower()))
    return {run.key: run.info.name for run in runs}


def sidebar_controls() -> Choice | None:
    """Show the choice of network and detector in the sidebar and return it.

    Returns:
        The choice; None, with the reason shown, where there is no saved run to choose.
    """
    names = run_names()
    with st.sidebar:
        for broken in (run for run in resources.runs() if isinstance(run, BrokenRun)):
            show_error(broken.error)
    if not names:
        st.info(
            "**There is no saved run to predict with.** Train one with `python -m training train`, "
            "or point `EMOSCOPE_ARTIFACTS` at a folder of saved runs.",
            icon=":material/model_training:",
        )
        return None
    with st.sidebar:
        run_key = st.selectbox(
            "Network",
            list(names),
            format_func=lambda key: names.get(key, key),
            help="The saved run that reads the faces.",
            **kept_option("run_key", list(names), DEFAULT_RUN),
        )
        problems = {name: detector_problem(name) for name in DETECTOR_NAMES}
        detector_name = st.selectbox(
            "Face detector",
            list(DETECTOR_NAMES),
            format_func=lambda name: DETECTOR_TITLES.get(name, name) + (" (not installed)" if problems[name] else ""),
            help="Haar is quick and needs no download; YuNet and MTCNN find more faces and align the eyes.",
            **kept_option("detector_name", list(DETECTOR_NAMES), DETECTOR_NAMES[0]),
        )
    return Choice(run_key, detector_name)


DETECTOR_TITLES = {"haar": "Haar cascade", "yunet": "YuNet", "mtcnn": "MTCNN", "none": "Already a cropped face"}
