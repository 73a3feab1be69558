"""Frames of the film over the timeline: pointing at a moment shows it."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import streamlit as st

from emoscope.model.video.stills import Still

MOST_STILLS = 100

_CSS = """
.still {position: fixed; z-index: 1000; pointer-events: none; display: none; padding: 4px; border-radius: 8px;
  background: var(--st-background-color); border: 1px solid var(--st-border-color);
  box-shadow: 0 4px 16px rgba(0, 0, 0, .25)}
.still img {display: block; width: 208px; border-radius: 5px}
.still span {display: block; text-align: center; font: 600 13px var(--st-font); color: var(--st-text-color);
  padding-top: 3px; font-variant-numeric: tabular-nums}
"""
_HTML = '<div class="still" data-testid="video-still"><img alt=""><span></span></div>'
# Plotly tells its own events to whoever asks the chart's element, which a new run of the page may replace.
_JS = """
export default function ({data, parentElement}) {
  if (parentElement.stop) parentElement.stop();  // new data come in a new call, before which nothing is cleaned up
  const box = parentElement.querySelector(".still");
  const picture = box.querySelector("img");
  const caption = box.querySelector("span");
  const stills = data.stills;
  let chart = null;
  const clock = (t) => {
    const s = Math.floor(t), two = (n) => String(n).padStart(2, "0");
    return s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`
                     : `${Math.floor(s / 60)}:${two(s % 60)}`;
  };
  const nearest = (t) => stills.reduce((a, b) => (Math.abs(b.at - t) < Math.abs(a.at - t) ? b : a));
  const show = (event) => {
    const at = event.points[0].x, pointer = event.event;
    picture.src = nearest(at).url;
    caption.textContent = clock(at);
    box.style.display = "block";
    const frame = chart.getBoundingClientRect(), width = box.offsetWidth;
    const x = Math.min(Math.max(pointer.clientX - width / 2, 8), window.innerWidth - width - 8);
    const above = frame.top - box.offsetHeight - 4;
    box.style.left = `${x}px`;
    box.style.top = `${above > 8 ? above : Math.min(frame.bottom + 4, window.innerHeight - box.offsetHeight - 8)}px`;
  };
  const hide = () => { box.style.display = "none"; };
  const leave = () => {
    if (!chart || !chart.removeListener) return;
    chart.removeListener("plotly_hover", show);
    chart.removeListener("plotly_unhover", hide);
    chart.removeListener("plotly_click", hide);
  };
  const watch = () => {
    const found = document.querySelector(`.st-key-${data.chart} .js-plotly-plot`);
    if (found === chart || (found && !found.on)) return;
    leave();
    hide();
    chart = found;
    if (!chart) return;
    chart.on("plotly_hover", show);
    chart.on("plotly_unhover", hide);
    chart.on("plotly_click", hide);
    chart.dataset.stills = stills.length;
  };
  watch();
  const timer = setInterval(watch, 300);
  parentElement.stop = () => { clearInterval(timer); leave(); };
  return () => parentElement.stop();
}
"""

_component = st.components.v2.component("video_hover", html=_HTML, css=_CSS, js=_JS)


def show_stills_over(chart: str, stills: Sequence[Still]) -> None:
    """Show frames where one points at a timeline.

    Args:
        chart: Key of the container that holds the chart; its x axis is in seconds.
        stills: The frames to choose from.
    """
    some = stills[:: -(-len(stills) // MOST_STILLS) or 1]
    pictures = [
        {"at": round(still.at, 2), "url": "data:image/jpeg;base64," + base64.b64encode(still.jpeg).decode()}
        for still in some
    ]
    if pictures:
        _component(data={"chart": chart, "stills": pictures}, key=f"{chart}_stills")
