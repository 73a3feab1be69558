"""What the live page shows beside and below the video."""

from __future__ import annotations

import math
from dataclasses import asdict
from time import monotonic

import streamlit as st

from emoscope.dashboard.charts.probabilities import probability_bars
from emoscope.dashboard.charts.theme import class_colors
from emoscope.dashboard.live import charts
from emoscope.dashboard.live.processor import LiveProcessor, LiveSettings, LiveView
from emoscope.dashboard.live.statistics import Performance
from emoscope.dashboard.ui.notices import show_error, show_warning
from emoscope.dashboard.ui.state import kept
from emoscope.model.drawing.annotate import short_warning
from emoscope.model.drawing.annotated_picture import annotated_picture
from emoscope.model.emotions import class_places
from emoscope.model.errors import EmoscopeError
from emoscope.model.faces.quality import BLACK_CAMERA
from emoscope.model.faces.tracking import TrackedFace
from emoscope.model.images import decode_image

STAGES = {"decode": "decode", "detect": "detect", "classify": "classify", "second": "classify B", "draw": "draw"}


def show_now(processor: LiveProcessor) -> None:
    """Show the current faces, with their predicted emotions."""
    view = processor.view()
    if view.error:
        show_warning(view.error)
    if view.busy:
        show_warning(
            "The server is busy: all places for live analysis are taken.",
            "Your picture comes back without boxes; analysis starts by itself when somebody leaves.",
        )
    if not view.faces:
        looking = BLACK_CAMERA if view.is_black else "Looking for a face …"
        st.caption(looking if view.is_running else "Press Start and allow the camera.")
        return
    for face in sorted(view.faces, key=lambda f: f.track_id)[: charts.MAX_FACES]:
        _show_face(face, view)


def _show_face(face: TrackedFace, view: LiveView) -> None:
    prediction = face.prediction
    if prediction.warnings:
        with st.container(key=f"live_face_{face.track_id}"):
            st.markdown(f"**Face {face.track_id}** :gray-badge[{short_warning(prediction.warnings[0])}]")
            st.caption(prediction.warnings[0] + " It is not judged.")
        return
    color = class_colors(prediction.class_names)[face.label]
    share = float(prediction.probabilities[face.label_index])
    st.html(
        f'<div style="display:flex;align-items:baseline;gap:.6rem" data-testid="live-label" data-label="{face.label}">'
        f'<span style="width:.9rem;height:.9rem;border-radius:50%;background:{color};align-self:center"></span>'
        f'<span style="font-size:1.6rem;font-weight:650">{face.label}</span>'
        f'<span style="font-size:1.15rem;opacity:.75">{share:.0%}</span>'
        f'<span style="margin-left:auto;opacity:.6">face {face.track_id}</span></div>'
    )
    reference, name = None, ""
    if face.track_id in view.uncorrected:
        reference, name = view.uncorrected[face.track_id], "without baseline"
    elif face.other is not None and (places := class_places(face.other.class_names, prediction.class_names)):
        reference, name = face.other.probabilities[places], "network B"
    st.html(probability_bars(prediction.probabilities, prediction.class_names, reference, name))
    if face.other is not None:
        st.caption(f"B predicts **{face.other.label}** {face.other.confidence:.0%}")


def show_performance(processor: LiveProcessor) -> None:
    """Show rates, age of results and stage times as one strip, once there is a picture."""
    view = processor.view()
    if not view.is_running:
        return
    performance = view.performance
    figures = [
        ("camera", _number(performance.camera_fps), "fps"),
        ("shown", _number(performance.shown_fps), "fps"),
        ("analyses", _number(performance.analyses_per_second), "/s"),
        ("age p50", _number(performance.age_p50), "ms"),
        ("age p95", _number(performance.age_p95), "ms"),
        ("dropped", str(performance.dropped), ""),
        *((STAGES[name], _number(value, 1), "ms") for name, value in performance.stages.items()),
    ]
    if not math.isnan(share := processor.agreement()):
        figures.append(("A and B agree", f"{share:.0%}", ""))
    cells = "".join(
        f'<div style="min-width:4.4rem"><div style="font-size:.75rem;opacity:.65">{name}</div>'
        f'<div style="font-variant-numeric:tabular-nums;font-weight:600">{value}'
        f'<span style="font-weight:400;opacity:.65;font-size:.8rem"> {unit}</span></div></div>'
        for name, value, unit in figures
    )
    look = "display:flex;flex-wrap:wrap;gap:.35rem 1.1rem;padding:.6rem .9rem"
    border = "border:1px solid rgba(128,134,150,.3);border-radius:.6rem"
    figures_data = _as_data(performance)
    st.html(f'<div data-testid="live-performance" data-figures="{figures_data}" style="{look};{border}">{cells}</div>')


def _number(value: float, digits: int = 0) -> str:
    return "–" if math.isnan(value) else f"{value:.{digits}f}"


def _as_data(performance: Performance) -> str:
    """Write the figures in full for programs that look at the page, as ``name=value`` pairs."""
    figures = asdict(performance)
    stages = figures.pop("stages")
    pairs = {**figures, **{f"{name}_ms": value for name, value in stages.items()}}
    return " ".join(f"{name}={value:.3f}" for name, value in pairs.items())


def show_timeline(processor: LiveProcessor) -> None:
    """Show the last minute of every face."""
    now = monotonic()
    moments = processor.timeline.moments(now)
    if not moments and not processor.view().is_running:
        return
    st.subheader("Last minute", anchor=False)
    if not moments:
        st.caption("The emotions of each face appear here, as they change.")
        return
    st.html(charts.timeline(moments, now))


def show_single_picture(settings: LiveSettings) -> None:
    """Analyse single pictures from the camera, on request: works wherever the page itself does."""
    st.toggle(
        "Use single pictures instead of video",
        help="For networks that let no video through.",
        **kept("live_single", False),
    )
    if not st.session_state["live_single"]:
        return
    taken = st.camera_input("Take a picture", key="live_picture", help="It is classified and shown, and not stored.")
    if taken is None:
        return
    try:
        frame = decode_image(taken.getvalue())
        predictions = settings.pipeline.analyze(frame)
    except EmoscopeError as error:
        show_error(error)
        return
    drawn = annotated_picture(frame, predictions, bars=settings.bars, heat_maps=settings.heat_maps)
    st.image(drawn, channels="BGR")
    if not predictions:
        st.caption("No face was found. Look straight at the camera, with light on your face.")
