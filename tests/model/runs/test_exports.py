"""Other forms of a network: found beside their run, measured against it, and never taken for another network's."""

import json

import numpy as np
import pytest

from emoscope.model.errors import RunError
from emoscope.model.evaluation.agreement import agreement, stands_in
from emoscope.model.evaluation.comparison import compare, pair_runs
from emoscope.model.runs.exports import read_exports, variant_folder
from emoscope.model.runs.files import write_json
from emoscope.model.runs.predictions import Predictions, write_predictions
from emoscope.model.runs.run import load_run
from tests.factories import write_run


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path, "mine", n=200, splits=("PublicTest",))


def add_form(run, variant="int8", wrong=0, training_seconds=None):
    """Write a form that answers as the run does, but for some samples that it gives another run's wrong answer."""
    folder = variant_folder(run, variant)
    same = run.info.training_seconds if training_seconds is None else training_seconds
    write_run(folder.parent, variant, splits=(), origin=run.key, training_seconds=same)
    original = run.predictions("PublicTest")
    probabilities = original.probabilities.copy()
    right = np.flatnonzero(probabilities.argmax(1) == original.label)[:wrong]
    probabilities[right] = np.roll(probabilities[right], 1, axis=1)
    found = Predictions(original.index, original.pixel_hash, original.label, probabilities)
    write_predictions(folder, "PublicTest", found)
    return load_run(folder)


def test_a_run_without_exports_is_its_own_only_form(run):
    (form,) = read_exports(run)
    assert (form.variant, form.run, form.file, form.bytes) == ("float32", run, None, 0)
    assert np.isnan(form.milliseconds)


def test_forms_come_in_order_with_their_measurements(run):
    for variant in ("h5", "int8"):
        add_form(run, variant)
    (variant_folder(run, "int8") / "model.tflite").write_bytes(b"x" * 70)
    networks = {
        "float32": {"bytes": 300, "milliseconds": 4},
        "int8": {"bytes": 1, "zipped_bytes": 50, "milliseconds": 2},
    }
    write_json(run.path / "exports.json", {"networks": networks})
    original, int8, h5 = read_exports(run)
    assert (int8.variant, h5.variant) == ("int8", "h5")
    assert original.bytes == 300, "the measured size where the file was left out"
    assert (int8.bytes, int8.zipped_bytes, int8.milliseconds, int8.original_milliseconds) == (70, 50, 2, 4)
    assert not int8.stale


def test_a_pruned_run_is_timed_beside_its_origin(run):
    write_json(run.path / "exports.json", {"networks": {"origin": {"milliseconds": 3}, "float32": {"milliseconds": 2}}})
    assert read_exports(run)[0].original_milliseconds == 3


def test_a_form_of_an_earlier_training_is_stale(run):
    add_form(run, training_seconds=1.0)
    assert [form.stale for form in read_exports(run)] == [False, True]


def test_a_form_is_addressed_below_its_run(run, monkeypatch):
    form = add_form(run)
    assert form.key == "mine/exports/int8"
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(run.path.parent))
    assert load_run("mine/exports/int8").path == form.path


def test_a_folder_of_runs_may_be_called_exports(tmp_path):
    assert write_run(tmp_path / "exports", "mine", n=20).key == "mine"


@pytest.mark.parametrize("content", [[], {"networks": 3}, {"networks": {"int8": {"bytes": "many"}}}, {}])
def test_broken_measurements_are_one_sentence(run, content):
    (run.path / "exports.json").write_text(json.dumps(content))
    with pytest.raises(RunError, match=r"exports\.json"):
        read_exports(run)


def test_agreement_counts_answers_and_not_right_ones(run):
    found = agreement(pair_runs(add_form(run, wrong=10), run, "PublicTest"))
    assert found.same == pytest.approx(190 / 200)
    assert 0 < found.largest <= 1


@pytest.mark.parametrize(("wrong", "equal"), [(0, True), (2, True), (3, False)])
def test_a_form_that_loses_more_than_a_point_is_not_offered_as_equal(run, wrong, equal):
    assert stands_in(compare(pair_runs(add_form(run, wrong=wrong), run, "PublicTest"))) is equal
