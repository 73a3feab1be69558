import numpy as np

from emoscope.dashboard.charts.probabilities import emotion_counts, probability_bars
from emoscope.dashboard.charts.theme import EMOTION_COLORS


def test_bars_show_each_probability_in_network_order_and_colour():
    fig = probability_bars(np.array([0.1, 0.7, 0.2]), ("sad", "happy", "bored"))
    [bar] = fig.data
    assert list(bar.x) == [0.1, 0.7, 0.2]
    assert list(bar.y) == ["sad", "<b>happy</b>", "bored"]
    assert list(bar.text) == ["10%", "70%", "20%"]
    assert bar.marker.color[:2] == (EMOTION_COLORS["sad"], EMOTION_COLORS["happy"])
    assert fig.layout.yaxis.autorange == "reversed"


def test_counts_stack_in_class_order_and_leave_out_what_is_absent():
    fig = emotion_counts(["happy", "sad", "happy"], ("angry", "sad", "happy"))
    assert [(bar.name, list(bar.x)) for bar in fig.data] == [("sad", [1]), ("happy", [2])]
    assert list(fig.layout.xaxis.range) == [0, 3]
