import re

import numpy as np

from emoscope.dashboard.charts.theme import class_colors
from emoscope.dashboard.live.charts import BIN_SECONDS, MAX_FACES, binned, timeline
from emoscope.dashboard.live.statistics import Moment

NAMES = ("happy", "sad", "neutral")


def moments(face: int, start: float, end: float, probabilities, warning: str = "") -> list[Moment]:
    times = np.arange(start, end, 0.1)
    return [Moment(float(t), face, "happy", NAMES, np.array(probabilities), warning) for t in times]


def test_bins_average_and_absence_is_a_gap():
    found = moments(1, 90, 95, (0.8, 0.1, 0.1)) + moments(1, 95, 97, (0.2, 0.2, 0.6), "The face is blurred.")
    seconds, shares = binned(found, now=100)
    assert seconds[0] == -60 + BIN_SECONDS / 2 and len(seconds) == 60
    assert np.allclose(shares[(seconds > -10) & (seconds < -5)], (0.8, 0.1, 0.1))
    assert np.isnan(shares[(seconds > -5)]).all() and np.isnan(shares[seconds < -11]).all()


def test_the_timeline_has_a_row_a_face_and_the_latest_faces_only():
    found = [m for face in range(1, 6) for m in moments(face, 90 + face, 92 + face, (0.5, 0.3, 0.2))]
    html = timeline(sorted(found, key=lambda m: m.at), now=100)
    assert MAX_FACES == 3 and re.findall(r"Face (\d)", html) == ["3", "4", "5"]
    assert [html.count(f">{name}</span>") for name in NAMES] == [1, 1, 1]
    assert html.count('flex:1"></div>') + html.count("linear-gradient") == 60 * MAX_FACES


def test_a_second_is_stacked_in_the_order_of_the_classes_and_told_in_words():
    html = timeline(moments(1, 97, 98, (0.25, 0.25, 0.5)), now=100)
    colors = class_colors(NAMES)
    stops = f"{colors['happy']} 0% 25%,{colors['sad']} 25% 50%,{colors['neutral']} 50% 100%"
    assert html.count("linear-gradient") == 1 and f"linear-gradient(to top,{stops})" in html
    assert 'title="2 s ago: neutral 50%, happy 25%, sad 25%"' in html


def test_after_a_change_of_network_only_its_classes_are_shown():
    old = [Moment(99.0, 1, "yes", ("yes", "no"), np.array([0.5, 0.5]))]
    html = timeline(old + moments(2, 99.1, 99.9, (0.5, 0.3, 0.2)), now=100)
    assert "happy" in html and "yes" not in html and "Face 1" not in html


def test_names_of_classes_are_text():
    html = timeline([Moment(99.0, 1, "<b>", ("<b>", '"'), np.array([0.5, 0.5]))], now=100)
    assert "<b>" not in html and '""' not in html


def test_an_empty_timeline_is_empty():
    assert timeline([], now=100) == ""
