"""What can be done with the running video: snapshot, recording, neutral baseline.

A button that is redrawn every second loses a click now and then, and a download whose file is registered anew every
second can be asked for too late. So these stand still, in a fragment without a clock, and are drawn again only where
something else can be done than before. After a press the whole page is drawn once more: Streamlit may lose the end of a
fragment's run where the clock of another begins one at that moment (``AppSession`` ignores what a script runner that it
has replaced still tells), and what was pressed away would go on standing there.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from emoscope.dashboard.live.neutral import BASELINE_SECONDS
from emoscope.dashboard.live.processor import LiveProcessor
from emoscope.dashboard.live.snapshot import show_snapshot, show_snapshot_button, snapshot_state
from emoscope.dashboard.ui.notices import show_warning
from emoscope.dashboard.ui.state import kept

_DRAWN = "live_tools_drawn"


def _possible(processor: LiveProcessor) -> tuple[Any, ...]:
    """Return what decides which tools there are."""
    measuring = processor.view().baseline_progress is not None
    recording = processor.is_recording, processor.recording
    return processor.has_camera, *recording, measuring, processor.baseline, *snapshot_state()


def show_tools(processor: LiveProcessor) -> None:
    """Show the buttons, a finished recording and a snapshot."""
    st.session_state[_DRAWN] = _possible(processor)  # not where a press has them alone drawn again
    _show_tools(processor)


@st.fragment
def _show_tools(processor: LiveProcessor) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        show_snapshot_button(processor)
        if processor.is_recording:
            st.button(
                "Stop recording",
                icon=":material/stop_circle:",
                on_click=processor.stop_recording,
                key="live_stop_recording",
            )
        else:
            st.button(
                "Record",
                icon=":material/fiber_manual_record:",
                on_click=processor.start_recording,
                disabled=not processor.has_camera,
                key="live_record",
                help="Notes the emotions, never pictures, until you stop.",
            )
        _show_baseline_buttons(processor)
    if processor.recording is not None and not processor.is_recording:
        _show_recording(processor)
    show_snapshot(processor)


def redraw_tools(processor: LiveProcessor) -> None:
    """Draw the page again if other tools are possible than those that are shown; for a fragment with a clock."""
    if st.session_state.get(_DRAWN) != _possible(processor):
        st.rerun()


def show_tool_progress(processor: LiveProcessor) -> None:
    """Show how far the recording and the baseline are; for a fragment with a clock."""
    if processor.recording is not None and processor.is_recording:
        st.markdown(f":red[:material/fiber_manual_record:] Recording, {processor.recording.seconds():.0f} s")
    view = processor.view()
    progress = view.baseline_progress
    if view.baseline_problem is not None:
        show_warning(view.baseline_problem.message, view.baseline_problem.action)
    if progress is not None:
        st.progress(progress, "Keep a neutral face …" if progress else "Look into the camera with a neutral face.")


def _show_baseline_buttons(processor: LiveProcessor) -> None:
    if processor.view().baseline_progress is not None:
        st.button("Cancel baseline", icon=":material/close:", on_click=processor.drop_baseline, key="live_cancel")
        return
    if processor.baseline is None:
        st.button(
            "Neutral baseline",
            icon=":material/face:",
            on_click=processor.measure_baseline,
            disabled=not processor.has_camera,
            key="live_baseline",
            help=f"Look neutral for {BASELINE_SECONDS:.0f} seconds: what the network predicts for your resting face "
            "is then taken off.",
        )
        return
    wanted = st.toggle(
        "Use baseline", help="Marks in the bars show the prediction without it.", **kept("live_correct", True)
    )
    processor.use_baseline(wanted)
    st.button("Forget it", icon=":material/backspace:", on_click=processor.drop_baseline, key="live_forget")


def _show_recording(processor: LiveProcessor) -> None:
    recording = processor.recording
    if recording is None or not recording.moments:
        st.caption("The recording holds no face.")
        return
    st.caption(
        f"Recorded {recording.seconds():.0f} s, {len(recording.moments)} predictions; numbers only, no pictures."
    )
    st.dataframe(recording.summary(), hide_index=True)
    st.download_button(
        "Timeline as CSV",
        recording.to_csv(),
        "emoscope-timeline.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="live_csv",
    )
