import re

import numpy as np

from emoscope.dashboard.charts.probabilities import emotion_counts, probability_bars
from emoscope.dashboard.charts.theme import EMOTION_COLORS

NAMES = ("happy", "sad", "neutral")


def test_bars_show_each_probability_in_network_order_and_colour():
    html = probability_bars(np.array([0.1, 0.7, 0.2]), ("sad", "happy", "bored"))
    assert re.findall(r"width:([\d.]+)%;height:100%;border-radius:.2rem;background:(#\w+)", html)[:2] == [
        ("10.0", EMOTION_COLORS["sad"]),
        ("70.0", EMOTION_COLORS["happy"]),
    ]
    assert re.findall(r'right(;font-weight:650)?">(\w+)<', html) == [
        ("", "sad"), (";font-weight:650", "happy"), ("", "bored"),
    ]  # fmt: skip


def test_bars_are_meters_to_a_screen_reader():
    html = probability_bars(np.array([0.126, 0.874]), ("sad", "happy"))
    assert re.findall(r'role="meter" aria-label="(\w+)".*?aria-valuenow="(\d+)" aria-valuetext="(\d+%)"', html) == [
        ("sad", "13", "13%"), ("happy", "87", "87%"),
    ]  # fmt: skip


def test_the_reference_is_marked_beside_the_bars():
    html = probability_bars(np.array([0.7, 0.2, 0.1]), NAMES, np.array([0.2, 0.7, 0.1]), "without baseline")
    assert re.findall(r"left:calc\(([\d.]+)%", html) == ["20.0", "70.0", "10.0"]
    assert html.count('title="without baseline: ') == 3


def test_names_of_classes_are_text():
    assert "<b>" not in probability_bars(np.array([0.5, 0.5]), ("<b>", '"'), np.array([0.5, 0.5]), "<b>")
    assert "<b>" not in emotion_counts(["<b>"], ("<b>",))


def test_counts_stack_in_class_order_and_leave_out_what_is_absent():
    html = emotion_counts(["happy", "sad", "happy"], ("angry", "sad", "happy"))
    assert re.findall(r"flex:(\d) 1 0.*?>(\w+) (\d)<", html) == [("1", "sad", "1"), ("2", "happy", "2")]
    assert 'role="img" aria-label="1 sad, 2 happy"' in html
