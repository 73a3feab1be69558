"""Train a network: choose, start, watch, stop, go on; the training itself is a process of its own."""

import streamlit as st

from emoscope.dashboard.train import jobs as training_jobs
from emoscope.dashboard.train.form import show_form
from emoscope.dashboard.train.gate import training_refusal
from emoscope.dashboard.train.view import show_ended, show_running, show_waiting
from emoscope.dashboard.ui.notices import show_error

st.title("Train")
refusal = training_refusal()
if refusal is not None:
    show_error(refusal)
    st.stop()
st.caption("A training goes on when you close this page or the app; come back to see how far it is.")

jobs = training_jobs.jobs()
waiting = [job for job in jobs if job.state == "queued"]
running = next((job for job in jobs if job.state == "running"), None)
if waiting and running is None:
    training_jobs.start_runner()  # none was left to do so: the machine went down, or it is just about to begin


@st.fragment(run_every=2.0)
def watch(seen: dict[str, str]) -> None:
    """Follow the queue; draw the whole page anew where a training has begun or ended."""
    now = training_jobs.jobs()
    if {job.folder.name: job.state for job in now} != seen:
        st.rerun()
    for job in now:
        if job.state == "running":
            show_running(job)


if running or waiting:
    watch({job.folder.name: job.state for job in jobs})
show_waiting(waiting)
if running or waiting:
    # Its state is kept here, or the form would close while it is filled in, as the page above it changes.
    with st.expander("Train another", icon=":material/add:", key="train-another", on_change="rerun"):
        show_form(busy=True)
else:
    show_form(busy=False)
show_ended([job for job in jobs if job.state in ("stopped", "failed", "finished")])
