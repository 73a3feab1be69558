"""How trainings are doing: the running one with its curves, those that wait, and those that have ended."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import streamlit as st

from emoscope.dashboard.charts.curves import has_quantity, training_curves
from emoscope.dashboard.train import jobs as training_jobs
from emoscope.dashboard.train.jobs import TrainingJob
from emoscope.dashboard.train.progress import Progress, duration, progress
from emoscope.dashboard.ui.notices import escape, show_error
from emoscope.dashboard.ui.tables import percent
from emoscope.model.places import HOME

PAGES = HOME / "pages"
SHOWN = ("Loss", "Accuracy", "Learning rate")
LOG_LINES = 40


def show_running(job: TrainingJob) -> None:
    """Show the training that runs: how far it is, its curves, and how to stop it."""
    now = time.time()
    history = job.history()
    found = progress(job, history, now)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(escape(job.key), anchor=False, width="stretch")
            _show_stop(job)
        st.progress(found.share, text=found.text)
        _show_figures(found, history)
        _show_curves(job.key, history)
        _show_output(job)


def show_waiting(waiting: Sequence[TrainingJob]) -> None:
    """Show the queue."""
    if not waiting:
        return
    st.subheader("Waiting", anchor=False)
    for job in waiting:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{escape(job.key)}** · {_epochs(job.epochs)}", width="stretch")
            if st.button("Remove", icon=":material/close:", key=f"remove-{job.folder.name}"):
                training_jobs.stop(job)
                training_jobs.discard(job)
                st.rerun()


def show_ended(ended: Sequence[TrainingJob]) -> None:
    """Show trainings that have ended, the last one first, and what can be done with each."""
    if not ended:
        return
    st.subheader("Ended", anchor=False)
    for job in sorted(ended, key=lambda job: job.ended or job.queued, reverse=True):
        with st.container(border=True):
            _show_one_ended(job)


def _show_one_ended(job: TrainingJob) -> None:
    history = job.history()
    done = len(next(iter(history.values()), ()))
    words = {
        "finished": ":green-badge[:material/check: finished]",
        "stopped": ":gray-badge[:material/pause: stopped]",
        "failed": ":red-badge[:material/error: failed]",
    }
    detail = f"{done} of {_epochs(job.epochs)}"
    if done and "val_accuracy" in history:
        detail += f" · best validation accuracy {percent(history['val_accuracy'].max())}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{escape(job.key)}** {words[job.state]}  \n{detail}", width="stretch")
        if job.state == "finished":
            for page, title, icon, query in (
                ("evaluation.py", "Evaluation", ":material/analytics:", {"run": job.key}),
                ("training_curves.py", "Curves", ":material/show_chart:", {"runs": job.key}),
                ("compare.py", "Compare", ":material/compare_arrows:", None),
            ):
                st.page_link(PAGES / page, label=title, icon=icon, query_params=query)
        else:
            label = "Resume" if done else "Start again"
            if st.button(label, icon=":material/play_arrow:", key=f"resume-{job.folder.name}"):
                training_jobs.resume(job)
                st.rerun()
        _show_discard(job, done)
    if job.state == "failed":
        show_error(training_jobs.problem_of(job))
        _show_output(job)


def _epochs(count: int) -> str:
    return "1 epoch" if count == 1 else f"{count} epochs"


def _show_discard(job: TrainingJob, done: int) -> None:
    if job.state == "finished":
        if st.button("", icon=":material/close:", key=f"discard-{job.folder.name}", help="Take it off this list"):
            training_jobs.discard(job)
            st.rerun()
        return
    with st.popover("Discard", icon=":material/delete:"):
        st.markdown(f"Delete this training and its {_epochs(done)}?" if done else "Delete this training?")
        if st.button("Delete", type="primary", key=f"discard-{job.folder.name}"):
            training_jobs.discard(job)
            st.rerun()


def _show_stop(job: TrainingJob) -> None:
    asked = job.stop_file.exists()
    st.button(
        "Stop now" if asked else "Stop training",
        icon=":material/stop:",
        key=f"stop-{job.folder.name}-{asked}",
        help="Ends it at once." if asked else "Every finished epoch is kept, and Resume goes on from there.",
        on_click=training_jobs.stop,
        args=(job, asked),
    )


def _show_figures(found: Progress, history: dict[str, np.ndarray]) -> None:
    tiles = [("Epoch", f"{found.done} / {found.epochs}")]
    if "val_accuracy" in history:
        best = int(history["val_accuracy"].argmax())
        tiles.append((f"Best validation accuracy, epoch {best + 1}", percent(history["val_accuracy"][best])))
    if "val_loss" in history:
        tiles.append(("Validation loss", f"{history['val_loss'][-1]:.3f}"))
    if found.pace:
        tiles.append(("An epoch takes", duration(found.pace)))
    grid = st.grid(4, min_column_width=150, gap="small")
    for label, value in tiles:
        grid.metric(label, value)


def _show_curves(key: str, history: dict[str, np.ndarray]) -> None:
    grid = st.grid(3, min_column_width=280, gap="medium")
    for quantity in SHOWN:
        if not has_quantity(history, quantity):
            continue
        figure = training_curves({key: history}, quantity)
        figure.for_each_trace(lambda trace: trace.update(name=trace.name.removeprefix(f"{key} · ")))
        figure.update_traces(mode="lines+markers" if len(history["loss"]) < 30 else "lines")
        figure.update_layout(height=280, showlegend=quantity != "Learning rate", dragmode=False)
        figure.update_layout(legend={"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0})
        with grid.container():
            st.plotly_chart(
                figure, key=f"live-{quantity}", config={"displayModeBar": False}, alt=f"{quantity} of {key} so far."
            )


def _show_output(job: TrainingJob) -> None:
    with st.expander("What it prints"):
        lines = [line.rsplit("\r", 1)[-1] for line in job.output.splitlines()]
        st.code("\n".join(lines[-LOG_LINES:]) or "Nothing yet.", language=None, wrap_lines=True)
        st.caption("The command, which does the same in a terminal:")
        st.code(" ".join(("python", *job.command[1:])), language="sh", wrap_lines=True)
