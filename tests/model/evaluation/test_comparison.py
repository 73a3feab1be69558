"""Comparing two runs: against the plain paired bootstrap, and refusing what must not be compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emoscope.model.errors import RunError
from emoscope.model.evaluation.comparison import Pair, compare, flips, format_p, pair_runs, verdict, why_not_comparable
from emoscope.model.evaluation.metrics import compute_metrics
from emoscope.model.runs.predictions import Predictions, write_predictions
from emoscope.model.runs.run import Run, load_run
from tests.factories import FER7, make_predictions, write_run

SPLIT = "PrivateTest"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    root = tmp_path_factory.mktemp("runs")
    return write_run(root, "a", accuracy=0.70, seed=1), write_run(root, "b", accuracy=0.72, seed=2)


def test_differences_agree_with_the_plain_paired_bootstrap(runs: tuple[Run, Run]) -> None:
    pair = pair_runs(*runs, SPLIT)
    comparison = compare(pair, resamples=4000)
    rng, n = np.random.default_rng(0), len(pair.label)

    def figures(p: Predictions, drawn: np.ndarray) -> tuple[float, float, float]:
        result = compute_metrics(
            Predictions(p.index[drawn], p.pixel_hash[drawn], p.label[drawn], p.probabilities[drawn]), FER7, resamples=0
        )
        return result["accuracy"], result["macro_f1"], result["per_class"][2]["recall"]

    everything = np.arange(n)
    value = np.subtract(figures(pair.predictions_a, everything), figures(pair.predictions_b, everything))
    replicates = []
    for _ in range(400):
        drawn = rng.integers(0, n, n)
        replicates.append(np.subtract(figures(pair.predictions_a, drawn), figures(pair.predictions_b, drawn)))
    low, high = np.percentile(replicates, [2.5, 97.5], axis=0)
    found = [comparison.accuracy, comparison.macro_f1, comparison.per_class["fear"]["recall"]]
    assert [d.value for d in found] == pytest.approx(value)
    np.testing.assert_array_less(np.abs([d.low for d in found] - low), 0.12 * (high - low))
    np.testing.assert_array_less(np.abs([d.high for d in found] - high), 0.12 * (high - low))


def test_counts_add_up_and_flips_are_those_of_mcnemar(runs: tuple[Run, Run]) -> None:
    pair = pair_runs(*runs, SPLIT)
    c = compare(pair)
    assert c.both_right + c.both_wrong + c.test.only_a + c.test.only_b == c.n == 3589
    assert (c.both_right + c.test.only_a) / c.n == pytest.approx(c.accuracy.a)
    only_a, only_b = flips(pair)
    assert (len(only_a), len(only_b)) == (c.test.only_a, c.test.only_b)
    predicted_a, predicted_b = pair.predicted
    assert (predicted_a[only_a] == pair.label[only_a]).all() and (predicted_b[only_a] != pair.label[only_a]).all()
    assert (np.diff(pair.predictions_b.probabilities[only_a].max(1)) <= 0).all()


def test_swapping_the_runs_mirrors_the_comparison(runs: tuple[Run, Run]) -> None:
    a, b = runs
    forth, back = compare(pair_runs(a, b, SPLIT)), compare(pair_runs(b, a, SPLIT))
    assert forth.accuracy.value == pytest.approx(-back.accuracy.value)
    assert forth.test.p_exact == back.test.p_exact


def pair_from(right_a: list[bool], right_b: list[bool]) -> Pair:
    def answers(right: list[bool]) -> Predictions:
        n = len(right)
        probabilities = np.array([[0.9, 0.1] if r else [0.1, 0.9] for r in right], np.float32)
        return Predictions(np.arange(n), np.arange(n, dtype=np.uint64), np.zeros(n, np.int64), probabilities)

    return Pair("first", "second", ("x", "y"), answers(right_a), answers(right_b))


@pytest.mark.parametrize(
    ("right_a", "right_b", "expected"),
    [
        ([True] * 90 + [False] * 10, [True] * 90 + [False] * 10, "exactly the same samples (n = 100)"),
        (
            [True] * 90 + [False] * 10,
            [True] * 89 + [False] * 11,
            "not distinguishable at n = 100: first minus second is 1.0",
        ),
        ([True] * 90 + [False] * 10, [True] * 60 + [False] * 40, "first is better than second by 30.0 points"),
        ([True] * 60 + [False] * 40, [True] * 90 + [False] * 10, "second is better than first by 30.0 points"),
        ([True], [False], "not distinguishable at n = 1:"),
    ],
)
def test_verdict_is_one_plain_sentence(right_a: list[bool], right_b: list[bool], expected: str) -> None:
    sentence = verdict(compare(pair_from(right_a, right_b)))
    assert expected in sentence
    assert sentence.endswith(").") and "\n" not in sentence


def test_verdict_orders_the_interval_towards_the_better_run() -> None:
    sentence = verdict(compare(pair_from([True] * 60 + [False] * 40, [True] * 90 + [False] * 10)))
    low, high = sentence.split("interval ")[1].split(",")[0].split(" to ")
    assert 0 < float(low) < 30 < float(high)


@pytest.mark.parametrize(
    ("p", "text"), [(0.5, "p = 0.50"), (0.032, "p = 0.032"), (1e-9, "p < 0.001"), (1.0, "p = 1.00")]
)
def test_p_values_are_written_as_people_do(p: float, text: str) -> None:
    assert format_p(p) == text


@pytest.mark.parametrize("words", [{}, {"happy": "Happiness", "sad": "sadness", "angry": "anger"}])
def test_classes_in_another_order_or_in_other_words_are_lined_up(tmp_path: Path, words: dict[str, str]) -> None:
    a = write_run(tmp_path, "a", n=300, seed=1)
    order = [3, 0, 6, 1, 5, 2, 4]
    b = write_run(tmp_path, "b", n=300, seed=1, class_names=[words.get(FER7[i], FER7[i]) for i in order])
    p = a.predictions(SPLIT)
    write_predictions(
        b.path, SPLIT, Predictions(p.index, p.pixel_hash, np.argsort(order)[p.label], p.probabilities[:, order])
    )
    pair = pair_runs(a, b, SPLIT)
    np.testing.assert_array_equal(pair.predictions_b.probabilities, p.probabilities)
    assert compare(pair).accuracy.value == 0


def test_samples_in_another_order_are_lined_up_even_with_duplicates(tmp_path: Path) -> None:
    a, b = write_run(tmp_path, "a", n=300, seed=1), write_run(tmp_path, "b", n=300, seed=1)
    p = a.predictions(SPLIT)
    p.pixel_hash[10:14] = p.pixel_hash[0]  # one image under several labels
    shuffled = np.random.default_rng(0).permutation(300)
    write_predictions(a.path, SPLIT, p)
    write_predictions(
        b.path,
        SPLIT,
        Predictions(p.index[shuffled], p.pixel_hash[shuffled], p.label[shuffled], p.probabilities[shuffled]),
    )
    pair = pair_runs(a, b, SPLIT)
    np.testing.assert_array_equal(pair.predictions_a.label, pair.predictions_b.label)
    np.testing.assert_array_equal(pair.predictions_a.pixel_hash, pair.predictions_b.pixel_hash)


def test_other_images_other_labels_other_classes_are_refused_with_a_reason(tmp_path: Path) -> None:
    a = write_run(tmp_path, "a", n=300)
    assert why_not_comparable(a, write_run(tmp_path, "same", n=300, seed=5), SPLIT) == ""
    assert "different images (300 and 200, 200 in both)" in why_not_comparable(
        a, write_run(tmp_path, "fewer", n=200), SPLIT
    )
    assert "not shared: neutral, calm" in why_not_comparable(
        a, write_run(tmp_path, "classes", n=300, class_names=(*FER7[:6], "calm")), SPLIT
    )
    assert "no predictions for" in why_not_comparable(a, write_run(tmp_path, "none", splits=()), SPLIT)
    relabelled = write_run(tmp_path, "relabelled", n=300, label_source="ferplus-majority")
    p = relabelled.predictions(SPLIT)
    write_predictions(relabelled.path, SPLIT, replace(p, label=(p.label + (np.arange(300) < 30)) % 7))
    reason = why_not_comparable(a, load_run(relabelled.path), SPLIT)
    assert "different labels (fer2013 and ferplus-majority; 30 of 300 samples differ)" in reason


def test_broken_predictions_are_refused_as_themselves(tmp_path: Path) -> None:
    a, b = write_run(tmp_path, "a", n=30), write_run(tmp_path, "b", n=30)
    (b.path / "predictions" / f"{SPLIT}.npz").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(RunError, match=r"b/predictions/PrivateTest\.npz cannot be read"):
        pair_runs(a, b, SPLIT)


def test_large_runs_agree_with_scikit_learn() -> None:
    from sklearn.metrics import accuracy_score, f1_score

    a, b = (make_predictions(20_000, 20, accuracy=q, seed=s) for q, s in ((0.6, 1), (0.62, 2)))
    names = tuple(map(str, range(20)))
    c = compare(Pair("a", "b", names, a, b), resamples=100)
    predicted = b.probabilities.argmax(1)
    assert c.accuracy.b == pytest.approx(accuracy_score(b.label, predicted))
    assert c.macro_f1.b == pytest.approx(f1_score(b.label, predicted, average="macro"))
