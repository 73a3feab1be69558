"""Cover a part of a face with the pointer, and see what the network predicts then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import streamlit as st

from emoscope.dashboard.charts.theme import GRID, OUTLINE, class_colors
from emoscope.dashboard.ui.notices import escape
from emoscope.model.entities import Prediction
from emoscope.model.explain import predict_covered
from emoscope.model.images import data_url, encode_png
from emoscope.model.networks.classifier import Classifier

_SIDE = 320
_MOST_CLASSES = 8
_COVERS = {"Large cover": 0.45, "Small cover": 0.25}
"""Side of each cover in sides of the face."""
_CSS = (
    f".why {{--grid: {GRID}; --outline: {OUTLINE}}}"
    + """
.why {display: grid; grid-template-columns: minmax(0, 20rem) minmax(14rem, 1fr); gap: 1.25rem; align-items: center;
  font: 400 .9rem var(--st-font); color: var(--st-text-color)}
@media (max-width: 640px) {.why {grid-template-columns: minmax(0, 1fr)} .face {max-width: 17rem; margin: 0 auto}}
.face {position: relative; aspect-ratio: 1; border-radius: .5rem; overflow: hidden; cursor: none; touch-action: none;
  width: 100%}
.face:focus-visible {outline: 3px solid var(--st-primary-color); outline-offset: 2px}
.face img {width: 100%; height: 100%; display: block; user-select: none; pointer-events: none}
.patch {position: absolute; pointer-events: none; box-shadow: 0 0 0 2px #fff, 0 0 0 3px #0009}
@media (prefers-reduced-motion: no-preference) {
  .patch {transition: left .08s, top .08s}
  .fill {transition: width .12s}
}
.row {display: grid; grid-template-columns: 5.2rem 1fr 2.8rem; gap: .6rem; align-items: center; padding: .12rem 0}
.row.top {font-weight: 650}
.row > :first-child {text-align: right; overflow: hidden; text-overflow: ellipsis}
.row > :last-child {font-variant-numeric: tabular-nums}
.bar {position: relative; height: .85rem; border-radius: .2rem; background: var(--grid)}
.fill {height: 100%; border-radius: .2rem; box-shadow: inset 0 0 0 1px var(--outline)}
.mark {position: absolute; top: -.15rem; bottom: -.15rem; width: 3px; background: var(--outline)}
.said {margin: 0 0 .6rem; min-height: 2.7em}
.sizes {display: flex; gap: .4rem; margin-top: .7rem}
.sizes button {font: inherit; font-size: .8rem; color: inherit; background: none; padding: .25rem .6rem;
  cursor: pointer; border: 1px solid var(--st-border-color); border-radius: .4rem}
.sizes button[aria-pressed=true] {border-color: var(--st-primary-color); font-weight: 650}
.note {font-size: .8rem; opacity: .75; margin-top: .5rem}
"""
)
_HTML = """
<div class="why">
  <div class="face" tabindex="0" role="application" aria-roledescription="face with a movable cover"
    aria-label="Face. Arrow keys move the cover." data-testid="covered-face"><img alt=""><div class="patch"></div></div>
  <div><p class="said" role="status"></p><div class="bars"></div>
    <div class="sizes"></div><div class="note">▏without the cover. Every place was predicted by the network.</div></div>
</div>
"""
_JS = Path(__file__).with_name("why.js").read_text(encoding="utf-8")

_component = st.components.v2.component("emoscope_why", html=_HTML, css=_CSS, js=_JS)


def show_why(prediction: Prediction, classifier: Classifier) -> None:
    """Open a dialog with a face, a cover that follows the pointer, and the network's probabilities with it.

    Args:
        prediction: With its crop.
        classifier: The network that made it.
    """

    def show() -> None:
        st.caption(
            f"Move over the face to cover a part of it. What {escape(prediction.label)} loses there is what the "
            "network went by."
        )
        _component(key="why", data=_data(prediction, classifier))

    st.dialog(f"Why {escape(prediction.label)}?", width="medium")(show)()


def _data(prediction: Prediction, classifier: Classifier) -> dict[str, Any]:
    face, names = prediction.face, prediction.class_names
    assert face is not None, "the pipeline keeps crops"
    height, width = face.shape[:2]
    covers = [predict_covered(face, classifier, share) for share in _COVERS.values()]
    highest = np.max([np.maximum(one.whole, one.covered.max((0, 1))) for one in covers], 0)
    likely = np.sort(np.argsort(-highest)[:_MOST_CLASSES])
    colors = class_colors(names)
    shown = face if face.ndim == 2 or face.shape[2] == 1 else cv2.cvtColor(face, cv2.COLOR_RGB2BGR)
    large = cv2.resize(shown, (_SIDE, round(_SIDE * height / width)), interpolation=cv2.INTER_CUBIC)
    return {
        "picture": data_url(encode_png(large), "image/png"),
        "fill": f"rgb({', '.join(str(v) for v in np.resize(covers[0].fill, 3))})",
        "classes": [{"name": names[i], "color": colors[names[i]]} for i in likely],
        "whole": covers[0].whole[likely].round(4).tolist(),
        "covers": [
            {
                "name": name,
                "rows": (one.rows / height).tolist(),
                "columns": (one.columns / width).tolist(),
                "patch": [one.patch[0] / height, one.patch[1] / width],
                "covered": one.covered[..., likely].round(4).tolist(),
            }
            for name, one in zip(_COVERS, covers, strict=True)
        ],
    }
