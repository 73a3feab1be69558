"""Conventions of networks whose truth is known are found again."""

from __future__ import annotations

import numpy as np
import pytest

from emoscope.model.errors import RunError
from emoscope.training.foreign.class_order import USUAL_ORDERS, find_conventions
from tests.factories import FER7, make_predictions

FERPLUS_ORDER = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")


def answers(order: tuple[str, ...], accuracy: float = 0.6) -> tuple[np.ndarray, np.ndarray]:
    """Return FER-2013 labels, and a network's probabilities in another order of outputs."""
    p = make_predictions(1500, accuracy=accuracy)
    columns = [FER7.index(name) if name in FER7 else None for name in order]
    tiny = np.full(1500, 1e-4, np.float32)
    return p.label, np.stack([tiny if k is None else p.probabilities[:, k] for k in columns], 1)


@pytest.mark.parametrize(("source", "order"), USUAL_ORDERS.items())
def test_usual_orders_are_recognised(source: str, order: tuple[str, ...]) -> None:
    label, probabilities = answers(order)
    reading = find_conventions(lambda name: probabilities, label, FER7, len(order), ["0..1"])
    assert reading.class_names == order
    assert reading.order == ("the data's own" if order == FER7 else source)
    assert reading.accuracy == pytest.approx(0.6, abs=0.02)


def test_an_unusual_order_is_fitted() -> None:
    order = ("surprise", "happy", "angry", "neutral", "fear", "disgust", "sad")
    label, probabilities = answers(order, accuracy=0.75)
    reading = find_conventions(lambda name: probabilities, label, FER7, 7, ["0..1"])
    assert (reading.class_names, reading.order) == (order, "fitted")


def test_outputs_beyond_the_data_are_named_and_never_doubled() -> None:
    order = ("surprise", "happy", "x", "angry", "neutral", "y", "fear", "disgust", "sad")
    label, probabilities = answers(order, accuracy=0.75)
    reading = find_conventions(lambda name: probabilities, label, FER7, 9, ["0..1"])
    assert reading.class_names == (
        "surprise",
        "happy",
        "contempt",
        "angry",
        "neutral",
        "other 1",
        "fear",
        "disgust",
        "sad",
    )


def test_the_normalisation_that_is_most_often_right_is_taken() -> None:
    label, good = answers(FER7, accuracy=0.6)
    _, poor = answers(FER7, accuracy=0.4)
    reading = find_conventions(lambda name: good if name == "-1..1" else poor, label, FER7, 7)
    assert reading.normalization == "-1..1"
    assert set(reading.tried) == {"0..1", "-1..1", "0..255", "standardize"}
    assert "Taken: -1..1" in str(reading)


def test_equally_right_normalisations_are_told_apart_by_log_loss() -> None:
    label, good = answers(FER7)
    sharp = good**4 / (good**4).sum(1, keepdims=True)
    reading = find_conventions(lambda name: good if name == "0..255" else sharp, label, FER7, 7)
    assert reading.normalization == "0..255"


def test_a_given_order_is_kept_and_synonyms_match() -> None:
    label, probabilities = answers(USUAL_ORDERS["FER+'s columns"])
    reading = find_conventions(lambda name: probabilities, label, FER7, 8, ["0..1"], FERPLUS_ORDER)
    assert reading.class_names == FERPLUS_ORDER and reading.order == "given"
    assert reading.accuracy == pytest.approx(0.6, abs=0.02)


def test_normalisations_that_overflow_are_left_out() -> None:
    label, probabilities = answers(FER7)
    reading = find_conventions(lambda name: None if name == "0..255" else probabilities, label, FER7, 7)
    assert "0..255" not in reading.tried
    with pytest.raises(RunError, match="not numbers"):
        find_conventions(lambda name: None, label, FER7, 7)


@pytest.mark.parametrize(("outputs", "names", "match"), [(5, None, "5 outputs"), (7, ("a", "b"), "names 2")])
def test_too_few_outputs_or_names_are_one_sentence(outputs: int, names: tuple[str, ...] | None, match: str) -> None:
    label, probabilities = answers(FER7)
    with pytest.raises(RunError, match=match):
        find_conventions(lambda name: probabilities[:, :outputs], label, FER7, outputs, class_names=names)
