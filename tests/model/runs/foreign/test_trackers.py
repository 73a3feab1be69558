"""Folders and files of trackers, and TensorBoard's event files beside TensorFlow's own reading of them."""

import json
import shutil

import numpy as np
import pytest

from emoscope.model.errors import RunError
from emoscope.model.runs.foreign.event_records import read_series
from emoscope.model.runs.foreign.merge import import_results
from emoscope.model.runs.foreign.registry import recognise
from emoscope.model.runs.foreign.source import Source
from tests.paths import ROOT

ASSETS = ROOT / "tests" / "assets" / "foreign"
RUN = ASSETS / "mlruns" / "0" / "5f2c"


def test_a_run_of_mlflow_keeps_metrics_parameters_and_tags(tmp_path):
    found = recognise(RUN)
    assert found.what == "a run of MLflow, 3 epochs, 3 metrics, 2 parameters, 2 tags"
    for theirs, ours in (("loss", "loss"), ("val_loss", "val_loss"), ("val/f1", "val_f1")):
        values = [float(line.split()[1]) for line in (RUN / "metrics" / theirs).read_text().splitlines()]
        np.testing.assert_array_equal(found.curves.metrics[ours], values)
    assert found.seconds == 40
    run, _ = import_results([RUN], name="tracked", root=tmp_path)
    assert run.info.config["learning_rate"] == "0.001" and run.info.config["tag.purpose"] == "test"
    assert "someone" not in json.dumps(run.info.config)


def test_the_only_run_of_an_experiment_is_found_and_several_are_named(tmp_path):
    assert recognise(ASSETS / "mlruns").curves.rows == 3
    shutil.copytree(ASSETS / "mlruns", tmp_path / "mlruns")
    shutil.copytree(RUN, tmp_path / "mlruns" / "0" / "6a3d")
    with pytest.raises(RunError, match="holds 2 runs of MLflow"):
        recognise(tmp_path / "mlruns")
    (tmp_path / "mlruns" / "0" / "6a3d" / "metrics" / "loss").write_text("1700 0.5\n")
    with pytest.raises(RunError, match="the metric loss is broken"):
        recognise(tmp_path / "mlruns" / "0" / "6a3d")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunError, match="a folder of no training"):
        recognise(tmp_path / "empty")


def test_a_history_of_wandb_is_read_without_its_media():
    rows = [json.loads(line) for line in (ASSETS / "wandb-history.jsonl").read_text().splitlines()]
    found = recognise(ASSETS / "wandb-history.jsonl")
    assert found.what.startswith("a history of Weights & Biases, 3 epochs logged 6 times, 2 metrics")
    np.testing.assert_array_equal(found.curves.metrics["loss"], [row["train/loss"] for row in rows])
    np.testing.assert_array_equal(
        found.curves.metrics["val_loss"][1::2], [row["val/loss"] for row in rows if "val/loss" in row]
    )
    np.testing.assert_array_equal(found.curves.metrics["seconds"], 2.5)
    assert found.seconds == 15


def test_an_exported_chart_of_wandb_is_read():
    found = recognise(ASSETS / "wandb_export.csv")
    assert {name: values.tolist() for name, values in found.curves.metrics.items()} == {"val_loss": [1.5, 1.25, 1.0]}


def own_reading(file):
    """Return TensorFlow's reading of the scalars of an event file: (step, tag, value)."""
    import tensorflow as tf

    rows = []
    for event in tf.compat.v1.train.summary_iterator(str(file)):
        for value in event.summary.value:
            if value.HasField("simple_value"):
                rows.append((event.step, value.tag, value.simple_value))
            elif value.HasField("tensor") and not value.tensor.tensor_shape.dim:
                rows.append((event.step, value.tag, float(tf.make_ndarray(value.tensor))))
    return rows


@pytest.mark.slow
@pytest.mark.parametrize("file", sorted(ASSETS.rglob("*tfevents*")), ids=lambda file: file.parent.name)
def test_scalars_are_those_that_tensorflow_reads(file):
    series, is_whole = read_series(file.read_bytes())
    found = [(step, tag, value) for tag, one in series.items() for step, value in zip(one.step, one.value, strict=True)]
    assert is_whole and sorted(found) == sorted(own_reading(file))


def test_a_pair_of_folders_is_one_training():
    found = recognise(ASSETS / "tensorboard")
    assert found.what == "TensorBoard's event files, 4 epochs, 4 metrics"
    epochs = np.arange(4)
    expected = {
        "loss": 2 - epochs / 4, "accuracy": 0.5 + epochs / 16,
        "val_loss": 2.25 - epochs / 4, "val_accuracy": 0.25 + epochs / 16,
    }  # fmt: skip
    assert found.curves.metrics.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found.curves.metrics[name], values)


def test_steps_that_are_no_epochs_stay_steps(tmp_path):
    found = recognise(next((ASSETS / "tensorboard_tensors").iterdir()))
    np.testing.assert_array_equal(found.curves.step, [100, 200, 300])
    np.testing.assert_allclose(found.curves.metrics["loss"], [0.9, 0.8, 0.7], rtol=1e-6)
    run, _ = import_results([ASSETS / "tensorboard_tensors"], root=tmp_path)
    assert list(run.history) == ["step", "loss"]


def test_a_training_that_still_runs_is_read_up_to_its_last_whole_record(tmp_path):
    content = (ASSETS / "tensorboard" / "train" / "events.out.tfevents.0.host").read_bytes()
    file = tmp_path / "events.out.tfevents.1.host"
    file.write_bytes(content[:-5])
    found = recognise(file)
    assert any("breaks off" in note for note in found.notes)
    whole = recognise(ASSETS / "tensorboard" / "train" / "events.out.tfevents.0.host")
    np.testing.assert_array_equal(found.curves.metrics["loss"], whole.curves.metrics["loss"])


def test_several_trainings_and_broken_files_are_one_sentence(tmp_path):
    for name in ("first", "second"):
        shutil.copytree(ASSETS / "tensorboard", tmp_path / "logs" / name)
    with pytest.raises(RunError, match=r"holds 2 trainings \(first, second\)"):
        recognise(tmp_path / "logs")
    assert recognise(tmp_path / "logs" / "second").curves.rows == 4
    content = bytearray(Source(ASSETS / "tensorboard" / "train" / "events.out.tfevents.0.host").content)
    content[60:90] = b"\xff" * 30
    (tmp_path / "broken").write_bytes(content)
    with pytest.raises(RunError, match=r"breaks off|no event|no scalars") as caught:
        recognise(tmp_path / "broken")
    assert "\n" not in str(caught.value)
