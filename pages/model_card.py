"""What a network is for, what it is not for, and how far it can be trusted."""

import streamlit as st

from emoscope.dashboard.evaluation.run_choice import available_runs, choose_run
from emoscope.dashboard.ui.notices import escape, show_error
from emoscope.model.errors import NotKnownError, RunError
from emoscope.model.runs.run import CARD_FILE

run = choose_run(available_runs())
file = run.path / CARD_FILE
try:
    text = file.read_text(encoding="utf-8")
except FileNotFoundError:
    st.title(f"Model card: {run.info.name}", anchor=False)
    if not run.info.knows_input:
        st.markdown(escape(run.info.note))
        show_error(NotKnownError("A model card describes a network, and this run holds imported results.", ""))
        st.stop()
    show_error(RunError(f"{run.key} has no model card.", f"Write one: python -m training card {run.key}"))
    st.stop()
except (OSError, UnicodeDecodeError):
    show_error(RunError(f"{run.key}/{CARD_FILE} cannot be read.", f"Write it again: python -m training card {run.key}"))
    st.stop()
st.markdown(text)
st.download_button(
    "Save as Markdown", text, f"{run.key}-model-card.md", "text/markdown", icon=":material/download:", on_click="ignore"
)
