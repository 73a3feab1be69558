import numpy as np
import pytest

from emoscope.model.errors import BaselineError
from emoscope.model.faces.baseline import NEUTRAL_PROBABILITY, measure_baseline

NAMES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
RESTING = np.array([0.1, 0.02, 0.05, 0.03, 0.5, 0.05, 0.25])  # a resting face that reads as sad


def test_the_measured_face_becomes_neutral():
    baseline = measure_baseline(np.tile(RESTING, (30, 1)), NAMES)
    corrected = baseline.correct(RESTING)
    assert corrected[6] == pytest.approx(NEUTRAL_PROBABILITY, abs=0.02)
    assert corrected.sum() == pytest.approx(1)


def test_a_clear_expression_stays():
    baseline = measure_baseline(np.tile(RESTING, (30, 1)), NAMES)
    happy = np.array([0.01, 0.0, 0.01, 0.93, 0.02, 0.02, 0.01])
    assert baseline.correct(happy).argmax() == 3


def test_no_emotion_but_neutral_is_ever_raised():
    baseline = measure_baseline(np.random.default_rng(0).dirichlet(np.ones(7), 40), NAMES)
    assert (baseline.factors[:6] <= 1).all() and baseline.factors[6] >= 1


def test_a_face_read_as_neutral_is_hardly_corrected():
    neutral = np.array([0.02, 0.01, 0.02, 0.02, 0.05, 0.02, 0.86])
    baseline = measure_baseline(neutral[None], NAMES)
    assert np.abs(baseline.correct(neutral) - neutral).max() < 0.02


def test_batches_are_corrected_row_by_row():
    baseline = measure_baseline(RESTING[None], NAMES)
    rows = np.random.default_rng(1).dirichlet(np.ones(7), 5)
    assert np.allclose(baseline.correct(rows), [baseline.correct(row) for row in rows])


def test_a_network_without_a_neutral_class_says_so():
    with pytest.raises(BaselineError, match="no neutral face"):
        measure_baseline(np.full((3, 6), 1 / 6), NAMES[:6])


def test_a_clear_expression_is_not_taken_for_a_resting_face():
    happy = np.array([0.01, 0.0, 0.01, 0.94, 0.01, 0.02, 0.01])
    with pytest.raises(BaselineError, match=r"classified as happy, 94%.*Let your face rest"):
        measure_baseline(np.tile(happy, (30, 1)), NAMES)
