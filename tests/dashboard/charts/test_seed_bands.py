import numpy as np
import plotly.graph_objects as go
import pytest

from emoscope.dashboard.charts.curves import training_curves
from emoscope.dashboard.charts.seed_bands import add_band, mean_and_spread

EPOCHS = np.arange(1.0, 4.0)


def test_mean_and_spread_are_those_of_the_values_at_each_place():
    values = np.array([[1.0, 2, 3], [3, 4, 8], [2, 3, 1]])
    x, mean, deviation = mean_and_spread([(EPOCHS, one) for one in values])
    assert x == pytest.approx(EPOCHS)
    assert mean == pytest.approx(values.mean(0)) and deviation == pytest.approx(values.std(0, ddof=1))


def test_a_shorter_run_and_gaps_count_where_they_have_values():
    x, mean, deviation = mean_and_spread([(EPOCHS, np.array([1.0, np.nan, 3])), (EPOCHS[:2], np.array([3.0, 4]))])
    assert x == pytest.approx([1, 2, 3])
    assert mean == pytest.approx([2, 3, 3])  # at 2 the first one is half-way between 1 and 3
    assert deviation == pytest.approx([np.sqrt(2), np.sqrt(2), 0])


def test_nothing_known_draws_nothing():
    figure = go.Figure()
    add_band(figure, [(EPOCHS, np.full(3, np.nan))], "a", "a", "#112233", "solid")
    assert all(len(trace.x) == 0 for trace in figure.data)


def test_runs_of_a_band_share_a_line_and_others_keep_theirs():
    histories = {
        name: {"accuracy": EPOCHS / 10 + i / 10, "val_accuracy": EPOCHS / 20}
        for i, name in enumerate(("a-0", "a-1", "b"))
    }
    figure = training_curves(histories, "Accuracy", bands={"a": ["a-0", "a-1"]})
    names = [trace.name for trace in figure.data if trace.name]
    assert names == ["a · training · 2 seeds", "a · validation · 2 seeds", "b · training", "b · validation"]
    training = next(trace for trace in figure.data if trace.name == names[0])
    assert np.asarray(training.y) == pytest.approx(EPOCHS / 10 + 0.05)
