import numpy as np
import pytest

from emoscope.dashboard.charts import labels
from emoscope.dashboard.charts.comparison import accuracy_against_cost
from emoscope.dashboard.charts.labels import label_places


def boxes(x, y, names):
    """Where the names stand, in pixels."""
    found = []
    points = zip(x * labels.WIDTH, (1 - y) * labels.HEIGHT, names, label_places(x, y, names), strict=True)
    for px, py, name, place in points:
        left, top, gap_x, gap_y = labels._PLACES[place]
        x0 = px + left * labels.CHARACTER * len(name) + gap_x * labels.GAP
        y0 = py + top * labels.LINE + gap_y * labels.GAP
        found.append((x0, y0, x0 + labels.CHARACTER * len(name), y0 + labels.LINE))
    return found


@pytest.mark.parametrize("seed", range(20))
def test_seven_names_cover_neither_each_other_nor_leave_the_chart(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, 1, (2, 7))
    found = boxes(x, y, ["classic_cnn"] * 7)
    for i, one in enumerate(found):
        assert one[0] > -9 and one[2] < labels.WIDTH + 9 and one[1] > -20 and one[3] < labels.HEIGHT + 20
        assert all(labels._overlap(one, other) < 60 for other in found[:i]), "a sliver of a box of 1,100 pixels"


def test_a_name_stands_on_the_free_side():
    near = np.array([0.5, 0.58])
    assert label_places(near, np.array([0.5, 0.5]), ["left", "right"]) == ["middle left", "middle right"]


def test_points_of_the_chart_are_named_without_a_legend():
    scores = np.array([0.6, 0.7, np.nan])
    figure = accuracy_against_cost(
        ["a", "b", "unknown"], np.array([1.0, 30.0, 2.0]), scores, np.stack([scores, scores], 1),
        cost_title="ms", score_title="Accuracy",
    )  # fmt: skip
    assert [list(trace.text) for trace in figure.data[1:]] == [["a"], ["b"]]
    assert figure.layout.showlegend is False
