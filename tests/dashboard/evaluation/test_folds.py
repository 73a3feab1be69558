from dataclasses import replace

import numpy as np
import pytest

from emoscope.dashboard.evaluation.folds import Fold, fold, over_seeds, spread
from emoscope.model.runs.notes import Note
from tests.factories import write_run


def trained(root, key, seed, rate=0.1, **fields):
    config = {"name": key, "optimizer": {"rate": rate, "seed": seed}, "seed": seed}
    return write_run(
        root, key, n=10, splits=(), epochs=0, seed=seed, parameters=5, multiply_adds=5, **fields, config=config
    )


def by_key(*runs):
    return {run.key: run for run in runs}


def test_runs_that_differ_by_seed_alone_share_a_row(tmp_path):
    runs = by_key(
        *(trained(tmp_path, f"wide-{seed}", seed) for seed in (8, 9, 10)), trained(tmp_path, "slow-8", 8, 0.01)
    )
    assert fold(runs, "Seeds", {}) == [Fold("wide", ("wide-8", "wide-9", "wide-10")), Fold("slow-8", ("slow-8",))]
    assert over_seeds(runs) == {"wide": ("wide-8", "wide-9", "wide-10")}
    assert all(one.is_single for one in fold(runs, "Nothing", {}))


@pytest.mark.parametrize(
    "other", [{"config": {}}, {"seed": None}, {"seed": 1}, {"parameters": 6}, {"label_source": "ferplus-majority"}]
)
def test_what_differs_otherwise_or_is_not_known_stands_alone(tmp_path, other):
    one, two = trained(tmp_path, "a-1", 1), trained(tmp_path, "a-2", 2)
    two = replace(two, info=replace(two.info, **other))
    assert all(found.is_single for found in fold(by_key(one, two), "Seeds", {}))


def test_a_row_has_a_name_that_no_run_has(tmp_path):
    runs = by_key(trained(tmp_path, "a", 1), trained(tmp_path, "a-seed-2", 2))
    (row,) = fold(runs, "Seeds", {})
    assert row.name == "a (seeds)"


def test_a_run_stands_in_the_row_of_each_of_its_tags(tmp_path):
    runs = by_key(trained(tmp_path, "a", 1), trained(tmp_path, "b", 2), trained(tmp_path, "c", 3))
    rows = fold(runs, "Tag", {"a": Note(("old", "wide")), "b": Note(("wide",))})
    assert rows == [Fold("old", ("a",)), Fold("wide", ("a", "b")), Fold("no tag", ("c",))]


def test_spread_leaves_out_what_is_not_known():
    assert spread([1.0, float("nan"), 3.0]) == (2.0, pytest.approx(np.sqrt(2)))
    assert np.isnan(spread([1.0])[1]) and np.isnan(spread([])[0])
