"""The charts of the evaluation pages draw what they are given, whatever they are given."""

import numpy as np
import pandas as pd
import pytest

from emoscope.dashboard.charts.calibration import agreement_bars, coverage_curve, reliability_diagram
from emoscope.dashboard.charts.comparison import (
    accuracy_against_cost,
    class_differences,
    pareto_front,
    scores_with_intervals,
)
from emoscope.dashboard.charts.confusion import _ink, confusion_difference, confusion_matrix, normalized
from emoscope.dashboard.charts.curves import QUANTITIES, other_quantities, smooth, training_curves
from emoscope.dashboard.charts.dataset import class_balance, value_histogram, votes_beside_probabilities
from emoscope.dashboard.charts.palettes import (
    DARK_GROUND,
    DIVERGING,
    LIGHT_GROUND,
    RUN_PALETTE,
    SEQUENTIAL,
    over,
    run_colors,
)
from emoscope.dashboard.charts.ranking import precision_recall_curves, roc_curves
from emoscope.dashboard.charts.robustness import accuracy_by_severity, retained_accuracy
from emoscope.dashboard.charts.theme import class_colors
from emoscope.dashboard.ui.tables import change
from emoscope.model.drawing.palette import relative_luminance
from emoscope.model.evaluation import curves
from emoscope.model.evaluation.calibration import reliability
from emoscope.model.evaluation.label_errors import AgreementCurve
from emoscope.model.evaluation.robustness import CORRUPTION_NAMES, RobustnessRow, summarize_robustness
from tests.factories import FER7, make_history, make_predictions


def history(seed=0, epochs=12):
    rows = make_history(epochs, seed=seed)
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


@pytest.mark.parametrize("weight", [0.0, 0.5, 0.9])
def test_smoothing_is_pandas_adjusted_mean(weight):
    values = np.random.default_rng(0).normal(size=30)
    np.testing.assert_allclose(smooth(values, weight), pd.Series(values).ewm(alpha=1 - weight).mean())


def test_smoothing_skips_what_is_no_number():
    found = smooth(np.array([1.0, np.nan, 3.0]), 0.5)
    assert np.isnan(found[1])
    assert found[2] == pytest.approx((0.25 * 1 + 0.5 * 3) / 0.75)


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_smoothed_curves_keep_the_raw_line(quantity):
    plain = training_curves({"a": history(), "b": history(1)}, quantity)
    smoothed = training_curves({"a": history(), "b": history(1)}, quantity, smoothing=0.7)
    assert len(smoothed.data) == 2 * len(plain.data)
    np.testing.assert_array_equal(smoothed.data[0].y, plain.data[0].y)  # the faint line
    assert not np.array_equal(smoothed.data[1].y, plain.data[0].y)


def test_best_epoch_lies_on_the_validation_curve():
    found = history()
    figure = training_curves({"a": found}, "Accuracy", best_epochs={"a": 5})
    star = figure.data[-1]
    assert (star.x[0], star.y[0]) == (5, found["val_accuracy"][4])


def test_time_axis_sums_the_seconds():
    found = history()
    figure = training_curves({"a": found}, "Loss", axis="time")
    assert figure.data[0].x[-1] == pytest.approx(found["seconds"].sum() / 60)


def test_gap_is_validation_less_training_loss():
    found = history()
    np.testing.assert_allclose(
        training_curves({"a": found}, "Generalisation gap").data[0].y, found["val_loss"] - found["loss"]
    )


def test_confusion_shares_and_empty_rows():
    matrix = np.array([[3, 1], [0, 0]])
    np.testing.assert_allclose(normalized(matrix, "row"), [[0.75, 0.25], [np.nan, np.nan]])
    np.testing.assert_allclose(normalized(matrix, "column"), [[1, 1], [0, 0]])
    figure = confusion_matrix(matrix, ("a", "b"), "row")
    assert [text for trace in figure.data[1:] if trace.mode == "text" for text in trace.text] == [
        "75%",
        "25%",
        "–",
        "–",
    ]


def test_each_confusion_cell_can_be_chosen_and_the_chosen_one_is_framed():
    figure = confusion_matrix(np.arange(9).reshape(3, 3), ("a", "b", "c"), chosen=(2, 0))
    markers = next(trace for trace in figure.data[1:] if trace.mode == "markers")
    assert [(int(x), int(y)) for x, y in zip(markers.x, markers.y, strict=True)] == [
        (p, t) for t in range(3) for p in range(3)
    ]
    frame = figure.layout.shapes[0]
    assert (frame.x0, frame.y0) == (-0.5, 1.5)


def test_confusion_difference_is_in_points_of_the_true_class():
    a, b = np.array([[8, 2], [5, 5]]), np.array([[6, 4], [5, 5]])
    np.testing.assert_allclose(confusion_difference(a, b, ("x", "y"), ("A", "B")).data[0].z, [[20, -20], [0, 0]])


@pytest.mark.parametrize("ground", [LIGHT_GROUND, DARK_GROUND])
@pytest.mark.parametrize("scale", [SEQUENTIAL, DIVERGING], ids=["sequential", "diverging"])
def test_figures_in_cells_can_be_read_everywhere_on_the_scale(ground, scale):
    for share in np.linspace(0, 1, 41):
        cell = over(ground, scale, share)
        dark, light = sorted((relative_luminance(cell), relative_luminance(_ink(cell))))
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (share, cell)  # WCAG 2.2, level AA


def test_scales_begin_at_the_ground_itself():
    assert over(DARK_GROUND, SEQUENTIAL, 0) == DARK_GROUND
    assert over(LIGHT_GROUND, DIVERGING, 0.5) == LIGHT_GROUND


def test_runs_keep_apart_beyond_the_palette():
    names = [f"run {i}" for i in range(len(RUN_PALETTE))]
    assert len(set(run_colors(names).values())) == len(names)


def test_pareto_front_against_brute_force():
    random = np.random.default_rng(4)
    for _ in range(50):
        cost, score = random.integers(0, 6, (2, 12)).astype(float)
        cost[3] = np.nan
        front = pareto_front(cost, score)
        points = {(cost[i], score[i]) for i in range(12) if i != 3}
        best = {p for p in points if not any(q != p and q[0] <= p[0] and q[1] >= p[1] for q in points)}
        assert {(cost[i], score[i]) for i in front} == best


def test_front_turns_round_where_less_is_better():
    intervals = np.array([[0.1, 0.3], [0.3, 0.5]])
    figure = accuracy_against_cost(
        ["a", "b"],
        np.array([1.0, 2.0]),
        np.array([0.2, 0.4]),
        intervals,
        cost_title="ms",
        score_title="loss",
        direction=-1,
    )
    assert list(figure.data[0].x) == [1.0]


def test_only_intervals_clear_of_zero_are_called_better():
    figure = class_differences(
        ("a", "b", "c"),
        np.array([0.1, -0.1, 0.02]),
        np.array([[0.05, 0.15], [-0.2, -0.01], [-0.01, 0.05]]),
        ("A", "B"),
        "F1",
    )
    assert {trace.name: list(trace.y) for trace in figure.data} == {
        "A better": ["a"],
        "B better": ["b"],
        "not distinguishable": ["c"],
    }


def test_scores_are_drawn_best_at_the_top():
    figure = scores_with_intervals({"a": (0.5, 0.4, 0.6), "b": (0.7, 0.6, 0.8)}, "Accuracy")
    assert list(figure.data[0].y) == ["a", "b"]
    np.testing.assert_allclose(figure.data[0].error_x.array, [0.1, 0.1])


@pytest.mark.parametrize("n", [30, 20_000])
def test_threshold_curves_are_thinned_but_keep_their_ends(n):
    found = make_predictions(n)
    sides = {name: (found.label == i, found.probabilities[:, i]) for i, name in enumerate(FER7)}
    colors = class_colors(FER7)
    roc = roc_curves({name: curves.roc_curve(*side) for name, side in sides.items()}, colors)
    pr = precision_recall_curves({name: curves.precision_recall_curve(*side) for name, side in sides.items()}, colors)
    for trace in (*roc.data[1:], *pr.data):
        assert len(trace.x) < 1500
        assert (trace.x[0], trace.x[-1]) == (0, pytest.approx(1, abs=0.01))


def test_reliability_and_coverage_draw_what_was_counted():
    found = make_predictions(500)
    diagram = reliability(found.label, found.probabilities)
    figure = reliability_diagram({"as trained": diagram})
    assert f"{diagram.ece:.3f}" in figure.data[1].name
    assert sum(figure.data[2].y) == 500
    coverage = curves.coverage_curve(found.label, found.probabilities)
    assert len(coverage_curve(coverage, 0.5).data) == 2
    assert len(coverage_curve(coverage, 1.1).data) == 1  # nothing is answered: no mark


def test_empty_agreement_groups_are_left_out():
    nan = np.array([0.5, np.nan])
    figure = agreement_bars(
        AgreementCurve(np.array([0, 0.5]), np.array([0.5, 1]), np.array([4, 0]), nan, nan - 0.1, nan + 0.1)
    )
    assert len(figure.data[0].y) == 1


def test_class_balance_shares_sum_to_one_a_split():
    figure = class_balance({"train": np.array([3, 1]), "test": np.array([0, 0])}, ("a", "b"))
    assert [sum(bar.y) for bar in figure.data] == [1, 0]


def test_histograms_of_groups_of_any_size_are_shares():
    figure = value_histogram({"sad": np.array([1.0, 2.0, 250.0]), "happy": np.array([])}, "brightness")
    assert [sum(line.y) for line in figure.data] == [pytest.approx(1), 0]


def test_votes_and_probabilities_share_their_rows():
    figure = votes_beside_probabilities({"sad": 0.7, "fear": 0.3}, {"sad": 0.5, "angry": 0.5}, "sad", "run")
    assert list(figure.data[0].y) == list(figure.data[1].y) == ["angry", "fear", "sad"]
    assert "<b>sad (label)</b>" in figure.layout.yaxis.ticktext


def test_robustness_draws_each_corruption_from_the_clean_image_on():
    rows = [RobustnessRow("none", 0, 10, 0.8, 0.7)]
    rows += [RobustnessRow(name, s, 10, 0.8 - 0.1 * s, 0.5) for name in CORRUPTION_NAMES for s in range(1, 6)]
    figure = accuracy_by_severity({"a": rows})
    assert len(figure.data) == len(CORRUPTION_NAMES)
    assert (figure.data[0].x, figure.data[0].y[0]) == ((0, 1, 2, 3, 4, 5), 0.8)
    kept = retained_accuracy({"a": summarize_robustness(rows)})
    assert kept.data[0].x[-1] == pytest.approx(0.5 / 0.8)  # the mean


def test_a_small_learning_rate_is_drawn_off_the_axis():
    small, large = {"learning_rate": np.full(3, 0.001)}, {"learning_rate": np.array([0.1, 0.05, 0.0])}
    assert training_curves({"a": small, "b": large}, "Learning rate").layout.yaxis.type == "log"
    assert training_curves({"a": small}, "Learning rate").layout.yaxis.type == "linear"
    assert training_curves({"a": small, "b": {"learning_rate": np.full(3, np.nan)}}, "Learning rate").data


@pytest.mark.parametrize("shift", [1, 30])
def test_a_difference_of_some_points_has_the_same_shade_in_every_chart(shift):
    a, b = np.array([[100, 0], [0, 100]]), np.array([[100 - shift, shift], [0, 100]])
    heat = confusion_difference(a, b, ("x", "y"), ("A", "B")).data[0]
    assert (heat.zmin, heat.zmax) == (-25, 25)
    assert abs(heat.z[0][1]) == pytest.approx(shift)


def test_shares_have_the_same_shade_in_every_matrix():
    assert confusion_matrix(np.array([[60, 40], [50, 50]]), ("x", "y"), "row").data[0].zmax == 1
    assert confusion_matrix(np.zeros((2, 2), int), ("x", "y"), "row").data[0].zmax == 1


def test_bins_of_few_images_are_faint_and_their_interval_is_wide():
    label = np.zeros(503, int)
    confidence = np.concatenate([np.full(3, 0.55), np.full(500, 0.95)])
    found = reliability(label, np.stack([confidence, 1 - confidence], 1))
    curve = reliability_diagram({"as trained": found}).data[1]
    assert curve.marker.opacity[0] < 0.5 < curve.marker.opacity[1] == 1
    assert curve.error_y.arrayminus[0] > 0.5 > 0.05 > curve.error_y.arrayminus[1]
    assert curve.customdata[0][0] == 3


@pytest.mark.parametrize(("value", "text"), [(0.0, "±0.000"), (-0.0004, "±0.000"), (0.0004, "±0.000")])
def test_a_change_that_rounds_to_nothing_is_neutral(value, text):
    assert change(value, "{:+.3f}") == {"delta": text, "delta_color": "off", "delta_arrow": "off"}


def test_a_change_says_whether_it_is_good():
    assert change(0.2, "{:+.1f} points") == {"delta": "+0.2 points", "delta_color": "normal"}
    assert change(-0.2, "{:+.1f}", lower=True) == {"delta": "-0.2", "delta_color": "inverse"}


@pytest.mark.parametrize("classes", [2, 7, 40])
def test_matrices_of_any_size_name_every_class(classes):
    names = [f"a class with a long name {i}" for i in range(classes)]
    figure = confusion_matrix(np.eye(classes, dtype=int), names, "row")
    assert list(figure.layout.yaxis.ticktext) == names


def test_gaps_are_left_out_and_rows_stand_at_their_epoch():
    history = {"epoch": np.array([0.5, 1, 1.5, 2]), "loss": np.array([4.0, 3, 2, 1])}
    history["val_loss"] = np.array([np.nan, 3.5, np.nan, 1.5])
    training, validation = training_curves({"run": history}, "Loss").data
    np.testing.assert_array_equal(training.x, [0.5, 1, 1.5, 2])
    np.testing.assert_array_equal(validation.x, [1, 2])
    np.testing.assert_array_equal(validation.y, [3.5, 1.5])


def test_other_metrics_are_quantities_of_their_own():
    history = {name: np.ones(2) for name in ("loss", "val_loss", "f1", "val_f1", "val_auc", "seconds", "step")}
    assert other_quantities([history, {"top2": np.ones(2)}]) == ["f1", "auc", "top2"]
    assert [curve.line.dash for curve in training_curves({"run": history}, "f1").data] == ["dash", "solid"]
    figure = training_curves({"run": history}, "auc")
    assert figure.layout.xaxis.title.text == "Step"
