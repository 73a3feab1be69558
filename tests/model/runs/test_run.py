"""The saved run: what is written is read back; what is broken or foreign is one sentence and harms no other run."""

import io
import json
from zipfile import ZIP_BZIP2, ZIP_LZMA, ZipFile

import numpy as np
import pytest

from emoscope.model.errors import RunError
from emoscope.model.runs.files import write_json
from emoscope.model.runs.predictions import Predictions, write_predictions
from emoscope.model.runs.run import (
    BrokenRun,
    Normalization,
    RunInfo,
    iter_runs,
    load_run,
    read_history,
    write_history,
    write_run_info,
)
from tests.factories import write_run


def rewrite(run, **changes):
    """Change keys of run.json; None removes one."""
    file = run.path / "run.json"
    values = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({key: value for key, value in values.items() if value is not None}))
    return load_run(run.path)


def test_run_json_is_read_back_as_written(tmp_path):
    info = RunInfo(
        "Größe",
        "residual",
        ("sad", "happy"),
        (64, 48),
        3,
        Normalization("rescale", 1 / 127.5, -1.0),
        label_source="fer2013",
        config={"epochs": 3, "augmentation": {"flip": True}},
        seed=4,
        parameters=12,
        best_epoch=2,
    )
    write_run_info(tmp_path / "mine", info)
    assert load_run(tmp_path / "mine").info == info


def test_keys_that_a_later_version_added_are_left_alone(tmp_path):
    assert rewrite(write_run(tmp_path, "run", n=10), colour="green").info.architecture


@pytest.mark.parametrize(
    "changes, word",
    [
        ({"schema_version": 2}, "schema version 2"),
        ({"schema_version": None}, "schema version"),
        ({"class_names": None}, "lacks class_names"),
        ({"class_names": ["a", "a"]}, "different class names"),
        ({"class_names": ["a"]}, "at least two"),
        ({"input_size": [48]}, "impossible value"),
        ({"input_size": [48, 4]}, "outside 8..1024"),
        ({"channels": 2}, "2 channels"),
        ({"normalization": {"kind": "magic"}}, "magic"),
        ({"normalization": {"spell": 1}}, "impossible value"),
        ({"dataset": {"name": "x", "size": 3}}, "impossible value"),
        ({"dataset": {"splits": {"test": "many"}}}, "dataset.splits.test is 'many', where a whole number"),
        ({"class_names": [1, 2]}, "class_names is 1, where a text"),
        ({"class_names": [str(n) for n in range(1001)]}, "1,001 classes, over the limit of 1000"),
        ({"name": "half a character: \ud800"}, "surrogates not allowed"),
        ({"seed": 10**30}, "seed is 1000"),
        ({"seed": True}, "seed is True"),
        ({"training_seconds": float("nan")}, "training_seconds is nan, where a number of at least 0"),
        ({"config": [1]}, "config is .1., where values by name"),
        ({"environment": {"python": 3.11}}, "environment.python is 3.11, where a text"),
        ({"is_training": "yes"}, "true or false"),
    ],
)
def test_a_foreign_run_json_is_refused_in_a_sentence(tmp_path, changes, word):
    run = write_run(tmp_path, "run", n=10)
    with pytest.raises(RunError, match=word):
        rewrite(run, **changes)


def test_a_broken_run_does_not_hide_the_others(tmp_path, monkeypatch):
    for key in ("a", "b", "c"):
        write_run(tmp_path, key, n=10)
    (tmp_path / "b" / "run.json").write_text('{"name": "cut off')
    (tmp_path / "notes").mkdir()
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(tmp_path))
    found = {run.key: run for run in iter_runs()}
    assert sorted(found) == ["a", "b", "c"]
    assert isinstance(found["b"], BrokenRun) and "run.json" in str(found["b"].error)


def test_a_run_json_with_configuration_keys_of_before_opens_under_todays(tmp_path):
    run = rewrite(write_run(tmp_path, "run", n=10), config={"average": 0.9, "stored_views": 2, "epochs": 3})
    assert run.info.config == {"ema_decay": 0.9, "cached_views": 2, "epochs": 3}


def test_a_name_that_is_no_run_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(tmp_path))
    with pytest.raises(RunError, match="nowhere"):
        load_run("nowhere")


@pytest.mark.parametrize(
    "field, change, word",
    [
        ("probabilities", lambda p: p * 0.5, "do not sum to 1"),
        ("probabilities", lambda p: np.where(p == p.max(), np.nan, p), "not numbers"),
        ("probabilities", lambda p: p[:, :-1], "classes"),
        ("probabilities", lambda p: p[:-1], "differ in length"),
        ("label", lambda label: label + 7, "outside the run's"),
        ("label", lambda label: label - 8, "outside the run's"),
    ],
)
def test_inconsistent_predictions_are_named(tmp_path, field, change, word):
    run = write_run(tmp_path, "run", n=20)
    file = run.path / "predictions" / "PublicTest.npz"
    with np.load(file) as archive:
        arrays = dict(archive)
    np.savez(file, **(arrays | {field: change(arrays[field])}))
    with pytest.raises(RunError, match=word):
        run.predictions("PublicTest")


@pytest.mark.parametrize(
    "field, change, sentence",
    [
        ("label", lambda label: label[:, None], "label has shape .20, 1., where 1 dimensions"),
        ("label", lambda label: label.astype(float), "label holds float64, where whole numbers"),
        ("label", lambda label: np.array(3), r"label has shape \(\)"),
        ("index", lambda index: index.astype([("a", "i8")]), "index holds .*, where whole numbers"),
        ("pixel_hash", lambda hashes: hashes.astype(object), "pixel_hash holds object"),
        ("probabilities", lambda p: p.astype(complex), "probabilities holds complex128"),
        ("probabilities", lambda p: p[0], "probabilities has shape .7,., where 2 dimensions"),
        ("votes", lambda _: np.full((20, 10), 300), "votes range from 300 to 300"),
        ("votes", lambda _: np.ones((20, 9), np.uint8), "10 columns are expected"),
    ],
)
def test_arrays_of_another_kind_are_named(tmp_path, field, change, sentence):
    run = write_run(tmp_path, "run", n=20)
    file = run.path / "predictions" / "PublicTest.npz"
    with np.load(file) as archive:
        arrays = dict(archive)
    np.savez(file, **(arrays | {field: change(arrays.get(field))}))
    with pytest.raises(RunError, match=sentence):
        run.predictions("PublicTest")


def test_an_array_that_claims_more_than_its_file_holds_is_not_read(tmp_path, monkeypatch):
    run = write_run(tmp_path, "run", n=20)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<i8", "fortran_order": False, "shape": (2**25,)})
    with ZipFile(run.path / "predictions" / "PublicTest.npz", "w") as archive:
        archive.writestr("label.npy", header.getvalue())
    monkeypatch.setattr(np.lib.format, "read_array", lambda *_, **__: pytest.fail("it was read"))
    with pytest.raises(RunError, match="more than the file holds"):
        run.predictions("PublicTest")


@pytest.mark.parametrize("method", [ZIP_BZIP2, ZIP_LZMA])
def test_arrays_compressed_in_another_way_are_refused(tmp_path, method):
    run = write_run(tmp_path, "run", n=20)
    file = run.path / "predictions" / "PublicTest.npz"
    with ZipFile(file) as old:
        entries = {name: old.read(name) for name in old.namelist()}
    with ZipFile(file, "w", method) as new:
        for name, content in entries.items():
            new.writestr(name, content)
    with pytest.raises(RunError, match="compressed in a way that is not read"):
        run.predictions("PublicTest")


@pytest.mark.parametrize(
    "content, sentence",
    [
        ('{"PublicTest": 3}', "PublicTest is 3, where values by name"),
        ('{"PublicTest": {"n": 3}}', "PublicTest lacks per_class, confusion, accuracy"),
        ("[" * 100_000, "cannot be read"),
    ],
)
def test_figures_of_another_form_are_refused(tmp_path, content, sentence):
    run = write_run(tmp_path, "run", n=20)
    (run.path / "metrics.json").write_text(content)
    with pytest.raises(RunError, match=sentence):
        _ = run.metrics


@pytest.mark.parametrize(
    "content, sentence",
    [
        ("loss,loss\n1,2\n", "a column has no name, or that of another"),
        ("loss,\n1,2\n", "a column has no name"),
        ("loss,accuracy\n1\n", "more or fewer cells"),
        ("loss\nx\n", "not a table of numbers"),
        ("epoch,loss\nnan,1\n", "lacks the epoch of a row"),
    ],
)
def test_a_history_of_another_form_is_refused(tmp_path, content, sentence):
    (tmp_path / "history.csv").write_text(content)
    with pytest.raises(RunError, match=sentence):
        read_history(tmp_path)


def test_truncated_and_absent_predictions_are_named(tmp_path):
    run = write_run(tmp_path, "run", n=20)
    file = run.path / "predictions" / "PublicTest.npz"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(RunError, match=r"PublicTest\.npz cannot be read"):
        run.predictions("PublicTest")
    with pytest.raises(RunError, match="has no predictions for Holidays"):
        run.predictions("Holidays")


def test_no_samples_are_a_problem(tmp_path):
    run = write_run(tmp_path, "run", n=20)
    np.savez(run.path / "predictions" / "PublicTest.npz", label=np.zeros(0, int), predicted=np.zeros(0, int))
    with pytest.raises(RunError, match="there are no samples"):
        run.predictions("PublicTest")


def test_the_temperature_is_the_stored_one(tmp_path):
    run = write_run(tmp_path, "run", n=20)
    assert run.temperature is None
    write_json(run.path / "calibration.json", {"temperature": 1.25})
    assert load_run(run.path).temperature == 1.25


@pytest.mark.parametrize("value", [0, -1, "hot", True, float("nan"), float("inf"), None])
def test_a_temperature_that_is_none_is_refused(tmp_path, value):
    run = write_run(tmp_path, "run", n=20)
    (run.path / "calibration.json").write_text(json.dumps({"temperature": value}))
    with pytest.raises(RunError, match="holds no temperature"):
        _ = run.temperature


def test_predicted_classes_alone_are_kept_as_such(tmp_path):
    run = write_run(tmp_path, "run", n=20)
    full = run.predictions("PublicTest")
    hard = Predictions.of_classes(full.label, full.probabilities.argmax(1), 7, full.pixel_hash, "")
    write_predictions(run.path, "PublicTest", hard)
    found = load_run(run.path).predictions("PublicTest")
    assert found.detail == "classes" and found.take(np.arange(3)).detail == "classes"
    np.testing.assert_array_equal(found.probabilities.argmax(1), full.probabilities.argmax(1))
    np.testing.assert_array_equal(found.pixel_hash, full.pixel_hash)
    with np.load(run.path / "predictions" / "PublicTest.npz") as archive:
        assert "probabilities" not in archive


def test_predicted_classes_outside_the_runs_are_named(tmp_path):
    run = write_run(tmp_path, "run", n=20)
    np.savez(run.path / "predictions" / "PublicTest.npz", label=np.zeros(3, int), predicted=np.array([0, 7, 1]))
    with pytest.raises(RunError, match="inconsistent"):
        load_run(run.path).predictions("PublicTest")


def test_more_samples_and_classes_than_fit_are_refused():
    label = np.zeros(1 << 20, np.int64)
    with pytest.raises(RunError, match="more than can be opened"):
        Predictions.of_classes(label, label, 1000, None, "")


def test_a_history_keeps_the_digits_that_are_asked_for(tmp_path):
    write_history(tmp_path, [{"loss": 0.123456789012345, "f1, macro": float("nan")}], digits=17)
    found = read_history(tmp_path)
    assert found["loss"] == [0.123456789012345] and np.isnan(found["f1, macro"]).all()
    write_history(tmp_path, [{"loss": 0.123456789012345}])
    assert read_history(tmp_path)["loss"] == [0.123457]
