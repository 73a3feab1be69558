"""Training curves of other programs: every value is the one that the program itself wrote."""

import json

import numpy as np
import pandas as pd
import pytest

from emoscope.model.errors import RunError
from emoscope.model.runs.foreign.merge import import_results
from emoscope.model.runs.foreign.registry import recognise
from emoscope.model.runs.foreign.results import Reading
from tests.paths import ROOT

ASSETS = ROOT / "tests" / "assets" / "foreign"


def written(tmp_path, name, content):
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def curves(file, **reading):
    return recognise(file, Reading(**reading)).curves


def test_a_keras_history_keeps_every_metric():
    found = recognise(ASSETS / "keras_history.json")
    assert str(found) == "keras_history.json: a Keras history, 4 epochs, 6 metrics"
    history = json.loads((ASSETS / "keras_history.json").read_text())
    assert {name: values.tolist() for name, values in found.curves.metrics.items()} == history


def test_the_log_of_the_same_training_holds_the_same_values():
    history = json.loads((ASSETS / "keras_history.json").read_text())
    found = recognise(ASSETS / "keras_log.csv")
    assert "CSVLogger table, 4 epochs, 6 metrics" in found.what
    for name, values in history.items():
        np.testing.assert_array_equal(found.curves.metrics[name], values)


def test_a_training_that_started_again_replaces_the_epochs_before():
    later = json.loads((ASSETS / "keras_log_restarted.second.json").read_text())
    found = recognise(ASSETS / "keras_log_restarted.csv")
    np.testing.assert_array_equal(found.curves.epoch, [1, 2, 3, 4])
    for name, values in later.items():
        np.testing.assert_array_equal(found.curves.metrics[name][2:], values)
    assert any("1 row written again" in note for note in found.notes)


def test_a_training_that_went_on_continues_the_count():
    table = pd.read_csv(ASSETS / "keras_log_restarted.csv", sep=";")
    found = curves(ASSETS / "keras_log_restarted.csv", restarts="continue")
    np.testing.assert_array_equal(found.metrics["loss"], table["loss"])
    np.testing.assert_array_equal(found.epoch, [1, 2, 3, 4, 5])


def test_a_second_header_is_no_row(tmp_path):
    file = written(tmp_path, "log.csv", "epoch,loss\n0,3\n1,2\nepoch,loss\n0,1.5\n1,1.25\n2,1\n")
    np.testing.assert_array_equal(curves(file).metrics["loss"], [1.5, 1.25, 1])
    np.testing.assert_array_equal(curves(file, restarts="continue").metrics["loss"], [3, 2, 1.5, 1.25, 1])


@pytest.mark.parametrize(
    "content",
    [
        {"val_acc": [0.25, 0.5], "acc": [0.5, 0.75], "loss": [2, 1]},
        [{"loss": 2, "acc": 0.5, "val_acc": 0.25}, {"val_acc": 0.5, "loss": 1, "acc": 0.75}],
        {"history": {"acc": ["0.5", "0.75"], "val_acc": [0.25, 0.5], "loss": [2, 1]}, "epoch": [0, 1]},
        [{"epoch": 0, "loss": 2, "acc": 0.5, "val_acc": 0.25}, {"epoch": 1, "val_acc": 0.5, "loss": 1, "acc": 0.75}],
    ],
)
def test_old_names_and_any_order_of_keys(tmp_path, content):
    found = curves(written(tmp_path, "h.json", json.dumps(content))).metrics
    assert {name: values.tolist() for name, values in found.items()} == {
        "loss": [2, 1],
        "accuracy": [0.5, 0.75],
        "val_accuracy": [0.25, 0.5],
    }


def test_both_names_of_one_metric_are_kept(tmp_path):
    found = curves(written(tmp_path, "h.json", '{"acc": [1], "accuracy": [2], "loss": [3]}')).metrics
    assert {name: values.tolist() for name, values in found.items()} == {
        "accuracy": [1],
        "accuracy (2)": [2],
        "loss": [3],
    }


def test_a_metric_by_class_has_a_curve_per_class(tmp_path):
    found = curves(written(tmp_path, "h.json", '{"loss": [2, 1], "f1": [[0.1, 0.2], [0.3, 0.4]]}')).metrics
    np.testing.assert_array_equal(found["f1_0"], [0.1, 0.3])
    np.testing.assert_array_equal(found["f1_1"], [0.2, 0.4])


def test_epochs_without_a_value_are_gaps(tmp_path):
    found = curves(written(tmp_path, "h.json", '{"loss": [2, NaN], "val_loss": [null, 3]}')).metrics
    np.testing.assert_array_equal(found["loss"], [2, np.nan])
    np.testing.assert_array_equal(found["val_loss"], [np.nan, 3])


def test_lightning_joins_the_rows_of_a_step():
    found = recognise(ASSETS / "lightning_metrics.csv")
    assert found.what == "a Lightning table of metrics, 3 epochs logged 6 times, 6 metrics"
    table = pd.read_csv(ASSETS / "lightning_metrics.csv")
    names = {
        "lr-Adam": "learning_rate", "train_acc": "accuracy", "train_loss_epoch": "loss",
        "train_loss_step": "loss_step", "val_acc": "val_accuracy", "val_loss": "val_loss",
    }  # fmt: skip
    for theirs, ours in names.items():
        values = found.curves.metrics[ours]
        np.testing.assert_array_equal(values[np.isfinite(values)], table[theirs].dropna())
    np.testing.assert_array_equal(found.curves.epoch, [0.5, 1, 1.5, 2, 2.5, 3])
    np.testing.assert_array_equal(np.isfinite(found.curves.metrics["val_loss"]), [False, True] * 3)


def test_fastai_measures_all_but_the_training_loss_on_validation():
    table = pd.read_csv(ASSETS / "fastai_history.csv")
    found = recognise(ASSETS / "fastai_history.csv")
    names = {"train_loss": "loss", "valid_loss": "val_loss", "accuracy": "val_accuracy", "f1_score": "val_f1_score"}
    for theirs, ours in names.items():
        np.testing.assert_array_equal(found.curves.metrics[ours], table[theirs])
    np.testing.assert_array_equal(found.curves.metrics["seconds"], [70, 71, 72])
    assert found.seconds == 213


def test_a_trainer_state_keeps_its_fractions_of_epochs():
    state = json.loads((ASSETS / "trainer_state.json").read_text())
    found = recognise(ASSETS / "trainer_state.json")
    np.testing.assert_array_equal(found.curves.epoch, [0.5, 1, 1.5, 2, 2.5, 3])
    np.testing.assert_array_equal(
        found.curves.metrics["loss"], [row["loss"] for row in state["log_history"] if "loss" in row]
    )
    evaluated = [row["eval_accuracy"] for row in state["log_history"] if "eval_accuracy" in row]
    np.testing.assert_array_equal(found.curves.metrics["val_accuracy"][1::2], evaluated)
    assert found.seconds == 61.5
    assert found.settings["num_train_epochs"] == 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_of_a_spreadsheet_is_read(tmp_path, encoding):
    file = written(tmp_path, "log.csv", "epoch;loss;val_loss\r\n0;1,5;2\r\n1;1,25;1,75\r\n".encode(encoding))
    np.testing.assert_array_equal(curves(file).metrics["val_loss"], [2, 1.75])


@pytest.mark.parametrize(
    "name, content, sentence",
    [
        ("h.json", '{"loss": [1, 2], "acc": [0.5', "cut off or no valid JSON"),
        ("h.json", "", "is empty"),
        ("h.json", "\n \n", "is empty"),
        ("h.json", '{"loss": [1, 2], "val_loss": [1]}', r"differ in length \(loss 2, val_loss 1\)"),
        ("h.json", '{"loss": [1, "much"]}', "'much', which is no number"),
        ("h.json", '{"loss": []}', "no values of any metric"),
        ("log.csv", "epoch,loss\n0,1\n1\n", "line 3 has 1 cells where the header names 2"),
        ("log.csv", "epoch,loss\n", "a header and no rows"),
        ("log.csv", 'epoch,loss\n0,"1,234.5"\n', r"line 2: '1,234.5' in column loss has separators"),
        ("log.csv", "epoch;loss\n0;1.234,5\n", "has separators between its thousands"),
        ("log.csv", "epoch,loss\n0,1\n1,high\n", "'high' in column loss is no number"),
        ("log.csv", "epoch,loss,loss\n0,1,1\n", "two columns named loss"),
        ("log.csv", "epoch,loss,größe\n0,1,1\n".encode("latin-1"), "not in UTF-8"),
        ("log.csv", "epoch,loss\n0,\n1,nan\n", "no values of any metric"),
        ("trainer_state.json", '{"log_history": []}', "empty log_history"),
        ("notes.txt", "It went well.\n", "no result that is recognised"),
        ("x.bin", bytes(range(256)), "no result that is recognised"),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path, name, content, sentence):
    with pytest.raises(RunError, match=sentence) as caught:
        recognise(written(tmp_path, name, content))
    assert "\n" not in str(caught.value)


def test_a_pickle_is_refused_with_the_command_that_turns_it_into_json(tmp_path):
    import pickle
    import subprocess
    import sys

    history = {"loss": [2.0, 1.0], "acc": [np.float32(0.5), np.float32(0.75)]}
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        file = written(tmp_path, "history.pkl", pickle.dumps(history, protocol))
        with pytest.raises(RunError, match="is a pickle, which runs code") as caught:
            recognise(file)
    code = caught.value.action.partition('-c "')[2].rpartition('"')[0]
    subprocess.run([sys.executable, "-c", code, file], cwd=tmp_path, check=True)
    np.testing.assert_array_equal(curves(tmp_path / "history.json").metrics["accuracy"], [0.5, 0.75])


def test_a_run_of_curves_alone_opens(tmp_path):
    run, found = import_results([ASSETS / "keras_history.json"], name="My first CNN", root=tmp_path)
    assert run.key == "My-first-CNN" and run.info.name == "My first CNN"
    assert run.info.class_names == () and not run.info.knows_input and not run.splits and not run.has_network
    history = json.loads((ASSETS / "keras_history.json").read_text())
    assert {name: values.tolist() for name, values in run.history.items()} == history, "no digit is lost"
    assert found[0].source == "keras_history.json"
    with pytest.raises(RunError, match="already a run My-first-CNN"):
        import_results([ASSETS / "keras_history.json"], name="My first CNN", root=tmp_path)
    import_results([ASSETS / "keras_log.csv"], name="My first CNN", root=tmp_path, overwrite=True)


def test_epochs_that_are_not_counted_from_one_keep_their_place(tmp_path):
    run, _ = import_results([ASSETS / "trainer_state.json"], name="fine-tuned", root=tmp_path)
    np.testing.assert_array_equal(run.history["epoch"], [0.5, 1, 1.5, 2, 2.5, 3])
    np.testing.assert_array_equal(run.history["step"], [5, 10, 15, 20, 25, 30])


def test_several_files_are_joined_by_epoch(tmp_path):
    one = written(tmp_path, "a.csv", "epoch,loss\n0,3\n1,2\n2,1\n")
    other = written(tmp_path, "b.csv", "epoch,val_f1\n2,0.5\n3,0.75\n")
    run, _ = import_results([one, other], root=tmp_path / "runs")
    np.testing.assert_array_equal(run.history["loss"], [3, 2, 1])
    np.testing.assert_array_equal(run.history["val_f1"], [np.nan, 0.5, 0.75])
    with pytest.raises(RunError, match=r"a\.csv holds loss, as another"):
        import_results([one, one], name="twice", root=tmp_path / "runs")
    assert not list((tmp_path / "runs").glob(".importing/*"))


def test_a_folder_of_one_name_does_not_leave_the_root(tmp_path):
    run, _ = import_results([ASSETS / "keras_log.csv"], name="../../../etc/x", root=tmp_path / "runs")
    assert run.path.parent == (tmp_path / "runs").resolve()
