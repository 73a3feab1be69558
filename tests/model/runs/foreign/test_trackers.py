"""Folders and files of trackers, and TensorBoard's event files beside TensorFlow's own reading of them."""

import json
import shutil
import struct
import zlib

import numpy as np
import pytest

from emoscope.model.errors import RunError
from emoscope.model.runs.foreign.event_records import read_series
from emoscope.model.runs.foreign.merge import import_results
from emoscope.model.runs.foreign.registry import recognise
from emoscope.model.runs.foreign.results import Reading
from emoscope.model.runs.foreign.source import Source
from emoscope.model.runs.foreign.wandb_log import _records
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


COMET = [
    {"metricName": f"{side}_loss", "metricValue": str(value), "step": 10 * e, "epoch": e, "runContext": side}
    for e in range(3)
    for side, value in (("train", 1.5 - e / 4), ("validate", 1.75 - e / 4))
]  # fmt: skip
NEPTUNE = (
    "project_id,run_id,attribute_path,attribute_type,step,float_value\n"
    "w/p,RUN-1,config/lr,float,,0.1\n"
    "w/p,RUN-1,metrics/val/loss,float_series,1,1.75\nw/p,RUN-1,metrics/train/loss,float_series,1,1.5\n"
    "w/p,RUN-1,metrics/val/loss,float_series,2,1.5\nw/p,RUN-1,metrics/train/loss,float_series,2,1.25\n"
)


@pytest.mark.parametrize(
    ("name", "content", "what", "metrics"),
    [
        ("comet.json", json.dumps(COMET), "Comet, 3 epochs", {"loss": [1.5, 1.25, 1], "val_loss": [1.75, 1.5, 1.25]}),
        ("neptune.csv", NEPTUNE, "Neptune, 2 epochs, 2 metrics, 1 par", {"loss": [1.5, 1.25], "val_loss": [1.75, 1.5]}),
        (
            "run-train-tag-epoch_loss.csv",
            "Wall time,Step,Value\n1700.5,0,1.5\n1701.5,1,1.25\n",
            "logged values, 2 epochs",
            {"loss": [1.5, 1.25]},
        ),
        (
            "val_acc.csv",
            "step,value,timestamp\n100,0.25,a\n200,0.5,b\n",
            "2 logged steps",
            {"val_accuracy": [0.25, 0.5]},
        ),
        ("long.csv", "epoch,metric,value\n1,loss,1.5\n2,loss,\n3,loss,1\n", "3 epochs", {"loss": [1.5, np.nan, 1]}),
    ],
)
def test_a_table_with_a_value_a_row_gives_a_curve_a_metric(tmp_path, name, content, what, metrics):
    (tmp_path / name).write_text(content)
    found = recognise(tmp_path / name)
    assert what in found.what and found.curves.metrics.keys() == metrics.keys()
    for metric, values in metrics.items():
        np.testing.assert_array_equal(found.curves.metrics[metric], values)
    if name == "neptune.csv":
        assert found.settings == {"config/lr": "0.1"}


def test_rows_of_several_runs_need_a_name(tmp_path):
    file = tmp_path / "neptune.csv"
    file.write_text(NEPTUNE + "w/p,RUN-2,metrics/val/loss,float_series,1,9\n")
    with pytest.raises(RunError, match=r"the values of 2 runs\. Name one of them: RUN-1, RUN-2"):
        recognise(file)
    assert recognise(file, Reading(run="RUN-2")).curves.metrics["val_loss"].tolist() == [9]
    with pytest.raises(RunError, match=r"no run called RUN-3\. It holds RUN-1, RUN-2"):
        recognise(file, Reading(run="RUN-3"))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("step,name,value\n1,loss,much\n", "row 1: 'much' in column value is no number"),
        ("step,name,value\n,loss,1\n", "numbers no epochs or steps"),
        ("step,epoch,name,value\n1,,loss,1\n,2,loss,1\n", "some of its values by steps and the others by epochs"),
    ],
)
def test_a_broken_table_of_values_is_one_sentence(tmp_path, content, sentence):
    (tmp_path / "values.csv").write_text(content)
    with pytest.raises(RunError, match=sentence):
        recognise(tmp_path / "values.csv")


WANDB = ASSETS / "programs" / "wandb" / "run-owl.wandb"


def test_the_log_of_wandb_gives_settings_and_what_was_noted_without_its_user(tmp_path):
    run, [found] = import_results([WANDB], name="owl", root=tmp_path)
    assert found.what == "a run of Weights & Biases, 3 epochs logged 9 times, 3 metrics, 3 parameters"
    settings = {"learning_rate": 0.05, "optimizer.name": "Adam", "optimizer.betas": "[0.9, 0.999]"}
    noted = {"tag.project": "points", "tag.name": "brave-owl", "tag.notes": "a toy", "tag.tags": "test"}
    config = {name: value for name, value in run.info.config.items() if not name.startswith("source_")}
    assert config == settings | noted
    assert run.info.training_seconds == found.seconds > 0


def test_the_folder_of_a_run_of_wandb_is_read_and_several_are_named(tmp_path):
    for name in ("offline-run-1-a", "offline-run-2-b"):
        (tmp_path / "wandb" / name / "files").mkdir(parents=True)
        shutil.copy(WANDB, tmp_path / "wandb" / name)
    assert recognise(tmp_path / "wandb" / "offline-run-1-a").curves.rows == 9
    with pytest.raises(RunError, match=r"2 runs of Weights & Biases \(offline-run-1-a, offline-run-2-b\)"):
        recognise(tmp_path / "wandb")
    shutil.rmtree(tmp_path / "wandb" / "offline-run-2-b")
    (tmp_path / "wandb" / "latest-run").symlink_to("offline-run-1-a")
    assert recognise(tmp_path / "wandb").curves.rows == 9


def test_a_log_of_wandb_that_is_cut_off_or_damaged_keeps_what_stands_before(tmp_path):
    content, file = WANDB.read_bytes(), tmp_path / "run.wandb"
    whole = recognise(WANDB)
    assert not any("breaks off" in note for note in whole.notes)
    for place in (3_000, len(content) // 2, 33_000, len(content) - 3):
        for damaged in (content[:place], content[:place] + b"\xff" + content[place + 1 :]):
            file.write_bytes(damaged)
            found = recognise(file)
            assert any("breaks off" in note for note in found.notes)
            kept = found.curves.metrics["loss"] if found.curves else np.zeros(0)
            np.testing.assert_array_equal(kept, whole.curves.metrics["loss"][: len(kept)])
    file.write_bytes(content[:7])
    assert recognise(file).what == "a run of Weights & Biases without metrics, 0 parameters"


def test_records_of_wandb_that_hold_anything_are_read_or_refused(tmp_path):
    """Whole records of which one was changed, with the right checksum: what a program could write to do harm."""
    rng, file = np.random.default_rng(0), tmp_path / "run.wandb"
    records, _ = _records(WANDB.read_bytes())
    records = [record for record in records if len(record) < 4000]
    kept = 0
    for number in range(300):
        changed = list(map(bytearray, records))
        victim = changed[number % len(changed)]
        for place in rng.integers(0, len(victim), 1 + number % 3):
            victim[place] = rng.integers(256)
        parts = (struct.pack("<IHB", zlib.crc32(b"\x01" + one), len(one), 1) + one for one in changed)
        file.write_bytes(b":W&B\xe1\xbe\x00" + b"".join(parts))
        try:
            import_results([file], name="changed", root=tmp_path / "runs", overwrite=True)
            kept += 1
        except RunError as error:
            assert "\n" not in str(error)
    assert 30 < kept < 300, "some are read, some refused"
