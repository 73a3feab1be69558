"""What a session remembers from page to page: which network and which face detector are in use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from emoscope.dashboard.ui import resources
from emoscope.dashboard.ui.notices import show_error
from emoscope.model.errors import RunError
from emoscope.model.faces.detectors import DETECTOR_NAMES, DETECTORS, detector_problem
from emoscope.model.faces.quality import SURE_FROM
from emoscope.model.runs.exports import ORIGINAL, VARIANTS, read_exports
from emoscope.model.runs.run import DEFAULT_RUN, BrokenRun, Run

DETECTOR_TITLES = {name: entry.title for name, entry in DETECTORS.items()}


@dataclass(frozen=True)
class Choice:
    """Which saved run and which face detector are in use.

    Attributes:
        run_key: The run's folder name.
        detector_name: One of ``DETECTOR_NAMES``, or ``none`` where pictures are cropped faces already.
        calibrated: Whether the temperature saved with a run is applied to the probabilities.
        sure_from: Confidence of the detector below which a face is called doubtful, 0..1.
    """

    run_key: str
    detector_name: str
    calibrated: bool = False
    sure_from: float = SURE_FROM


def kept(key: str, default: Any, options: Sequence[Any] | None = None) -> dict[str, Any]:
    """Return widget arguments that keep its value for the whole session, on whichever page it is shown.

    Use as ``st.toggle("Heat maps", **kept("heat_maps", False))``.

    Args:
        key: Session key, unique in the app.
        default: Value until another is chosen.
        options: Where given, a remembered value that is no longer among them gives way to the default.
    """
    if key not in st.session_state or (options is not None and st.session_state[key] not in options):
        st.session_state[key] = default
    return {"key": key, "persist_state": "session"}


def choose(key: str, value: Any) -> None:
    """Set what :func:`kept` keeps; for callbacks of buttons that propose a choice."""
    st.session_state[key] = value


def presence() -> Callable[[], bool]:
    """Return a function that tells, on any thread, whether this session's browser is connected.

    A page that is closed or reloaded leaves its session behind; Streamlit forgets that minutes later.
    """
    context = get_script_run_ctx()
    if context is None or not runtime.exists():
        return lambda: True
    return partial(runtime.get_instance().is_active_session, context.session_id)


def run_names() -> dict[str, str]:
    """Return the title of every saved run that can predict, by key; the default run first."""
    runs = [run for run in resources.runs() if isinstance(run, Run) and run.has_network]
    runs.sort(key=lambda run: (run.key != DEFAULT_RUN, run.info.name.lower()))
    titles = [run.info.name for run in runs]
    return {run.key: run.info.name + (f" ({run.key})" if titles.count(run.info.name) > 1 else "") for run in runs}


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
    problems = {name: detector_problem(name) for name in DETECTOR_NAMES}
    keys, detectors = list(names), list(DETECTOR_NAMES)
    with st.sidebar:
        run_key = st.selectbox(
            "Run",
            keys,
            format_func=lambda key: names.get(key, key),
            help="The saved run whose network classifies the faces.",
            **kept("run_key", DEFAULT_RUN if DEFAULT_RUN in names else keys[0], keys),
        )
        run_key = _form_control(run_key)
        calibrated = _calibration_control(run_key)
        detector_name = st.selectbox(
            "Face detector",
            detectors,
            format_func=lambda name: DETECTOR_TITLES[name] + (" (cannot run here)" if problems[name] else ""),
            help="BlazeFace finds tilted, dark and partly hidden faces, too, and sets the eyes level. The Haar cascade "
            "finds upright faces, for comparison with older work. YuNet fetches 0.2 MB the first time, MTCNN loads "
            "TensorFlow.",
            **kept("detector_name", detectors[0], detectors),
        )
        if problems[detector_name]:
            st.caption(f":material/warning: {problems[detector_name]}")
        sure_from = st.slider(
            "A face is doubtful below",
            0,
            100,
            step=5,
            format="%d %%",
            help="Where the detector is less confident than this, the box is dashed and named “perhaps a face”.",
            **kept("sure_from", round(100 * SURE_FROM)),
        )
    return Choice(run_key, detector_name, calibrated, sure_from / 100)


def _form_control(run_key: str) -> str:
    """Show the choice among the forms of a network that the app can run, if there are several; return its key."""
    try:
        forms = {form.variant: form for form in read_exports(resources.run(run_key)) if not form.stale}
    except RunError as error:
        show_error(error)
        return run_key
    keys = {variant: form.run.key for variant, form in forms.items() if form.run.litert_file}
    if len(keys) < 2:
        return run_key
    variant = st.selectbox(
        "Format",
        list(keys),
        format_func=lambda name: VARIANTS[name].title,
        help="The same network in smaller files. The Export page says what each costs in accuracy.",
        **kept("variant", ORIGINAL if ORIGINAL in keys else next(iter(keys)), list(keys)),
    )
    return keys[variant]


def _calibration_control(run_key: str) -> bool:
    """Show the choice between the network's own and calibrated probabilities, where the run has a temperature."""
    try:
        run = resources.run(run_key)
        temperature, abstain_below = run.temperature, run.abstain_below
    except RunError as error:
        show_error(error)
        return False
    if temperature is None:
        return False
    marked = (
        f" In pictures, faces below {abstain_below:.0%} are marked as unsure: from there on, 9 answers of 10 are right."
        if abstain_below is not None
        else ""
    )
    return st.toggle(
        "Calibrated probabilities",
        help=f"Divides the logits by {temperature:.2f}, fitted on the validation split, so that faces called 70 % sure "
        f"are right 70 % of the time. The order of the emotions stays.{marked}",
        **kept("calibrated", False),
    )
