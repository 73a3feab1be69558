"""Logs that training programs wrote themselves, beside the values that they held in memory."""

import json
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from emoscope.model.errors import RunError
from emoscope.model.runs.foreign.merge import import_results
from emoscope.model.runs.foreign.registry import recognise
from emoscope.model.runs.foreign.results import Reading
from tests.paths import ROOT

PROGRAMS = ROOT / "tests" / "assets" / "foreign" / "programs"
DATABASE = PROGRAMS / "mlflow" / "mlflow.db"


@pytest.mark.parametrize(
    ("path", "what", "names"),
    [
        ("lightning/csv/metrics.csv", "a Lightning table", {"val_loss": "val_loss", "val_acc": "val_accuracy"}),
        ("lightning/tensorboard", "TensorBoard", {"val_loss": "val_loss", "val_acc": "val_accuracy"}),
        (
            "fastai/history.csv",
            "fastai",
            {"train_loss": "loss", "valid_loss": "val_loss", "accuracy": "val_accuracy", "f1_score": "val_f1_score"},
        ),
        (
            "transformers/trainer_state.json",
            "Hugging Face",
            {"loss": "loss", "eval_loss": "val_loss", "eval_accuracy": "val_accuracy"},
        ),
        ("mlflow/mlruns", "MLflow", {"loss": "loss", "val_loss": "val_loss", "val/f1": "val_f1"}),
        ("mlflow/mlflow.db", "MLflow", {"loss": "loss", "val_loss": "val_loss", "val/f1": "val_f1"}),
        ("torch", "TensorBoard", {"Loss/train": "loss", "Loss/val": "val_loss"}),
        ("wandb", "Weights & Biases", {"train/loss": "loss", "val/loss": "val_loss", "val/accuracy": "val_accuracy"}),
        ("aim/metrics.csv", "Aim", {"train/loss": "loss", "val/loss": "val_loss", "val/accuracy": "val_accuracy"}),
    ],
)
def test_curves_hold_what_the_program_held(path, what, names):
    found = recognise(PROGRAMS / path)
    expected = json.loads((PROGRAMS / path.split("/")[0] / "expected.json").read_text())
    assert what in found.what
    for theirs, ours in names.items():
        values = found.curves.metrics[ours]
        np.testing.assert_allclose(values[~np.isnan(values)], expected[theirs], rtol=1e-5, err_msg=theirs)


def test_the_loss_of_lightnings_last_epoch_is_the_one_it_reports():
    curves = recognise(PROGRAMS / "lightning/csv/metrics.csv").curves
    [last] = json.loads((PROGRAMS / "lightning/expected.json").read_text())["train_loss"]
    assert curves.metrics["loss"][-1] == pytest.approx(last, rel=1e-5)


def test_settings_and_tags_of_mlflows_database_are_kept_but_not_its_user(tmp_path):
    run, _ = import_results([DATABASE], name="tracked", root=tmp_path)
    assert run.info.config["learning_rate"] == "0.05" and run.info.config["tag.purpose"] == "test"
    assert not any("user" in name for name in run.info.config)


def test_one_run_of_several_in_a_database_is_chosen_by_name(tmp_path):
    file = tmp_path / "mlflow.db"
    file.write_bytes(DATABASE.read_bytes())
    with closing(sqlite3.connect(file)) as database:
        columns = "source_type, status, lifecycle_stage, experiment_id, start_time"
        database.execute(f"INSERT INTO runs (run_uuid, name, {columns}) SELECT 'b', 'old', {columns} - 1 FROM runs")
        database.execute("INSERT INTO metrics VALUES ('loss', 0.25, 1, 'b', 0, 0), ('loss', 9.0, 2, 'b', 1, 1)")
        database.commit()
    assert recognise(file).notes[0] == "The newest of 2 runs, brave-owl, was taken."
    values = recognise(file, Reading(run="old")).curves.metrics["loss"]
    assert values[0] == 0.25 and np.isnan(values[1])
    with pytest.raises(RunError, match=r"no run called new\. It holds brave-owl, old"):
        recognise(file, Reading(run="new"))


def test_other_and_broken_databases_are_one_sentence(tmp_path):
    file = tmp_path / "other.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE runs (a)")
        database.commit()
    with pytest.raises(RunError, match="not MLflow's"):
        recognise(file)
    content = bytearray(DATABASE.read_bytes())
    content[4096:12000] = bytes(7904)
    file.write_bytes(content)
    with pytest.raises(RunError, match=r"other\.db"):
        recognise(file)


def test_a_view_that_never_ends_is_no_table_of_mlflow(tmp_path):
    file = tmp_path / "endless.db"
    with closing(sqlite3.connect(file)) as database:
        for table in ("runs", "params", "tags"):
            database.execute(f"CREATE TABLE {table} (run_uuid, name, lifecycle_stage, start_time)")
        endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n"
        database.execute(f"CREATE VIEW metrics AS {endless}")
        database.commit()
    with pytest.raises(RunError, match="not MLflow's"):
        recognise(file)
