"""A run written for other programs says there what it says here."""

import csv
import io
import json
import zipfile

import numpy as np
import pytest
import yaml
from sklearn.metrics import classification_report

from emoscope.model.errors import NotKnownError, OutputError
from emoscope.model.runs.foreign.merge import import_results
from emoscope.model.runs.predictions import Predictions, write_predictions
from emoscope.model.runs.run import load_run, write_history
from emoscope.model.sharing.class_report import class_report
from emoscope.model.sharing.formats import FORMATS, formats_of, write_shared, zip_shared
from tests.factories import write_run
from tests.paths import ROOT


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(tmp_path / "artifacts"))
    found = write_run(tmp_path / "artifacts", "mine", n=300, epochs=6, licence="Weights: MIT. Trained on FER-2013.")
    (found.path / "model.tflite").write_bytes(b"litert")
    (found.path / "model.keras").write_bytes(b"keras")
    return found


@pytest.mark.parametrize("name", ["tensorboard", "csv"])
def test_curves_are_read_back_as_they_were(run, tmp_path, name):
    files = write_shared(run, name, tmp_path / "out")
    source = tmp_path / "out" if name == "tensorboard" else files[0]
    again, _ = import_results([source], name="again")
    metrics = {column: values for column, values in run.history.items() if column != "epoch"}  # 1, 2, 3 is left out
    assert set(again.history) == set(metrics) and len(metrics) == 6
    for column, values in metrics.items():
        np.testing.assert_array_equal(again.history[column].astype(np.float32), values.astype(np.float32))


def test_tensorboard_gets_a_file_for_each_split(run, tmp_path):
    files = write_shared(run, "tensorboard", tmp_path / "out")
    assert [file.parent.name for file in files] == ["train", "validation"]
    assert all(file.name.startswith("events.out.tfevents.") for file in files)


@pytest.mark.parametrize("name", ["tensorboard", "csv"])
def test_steps_and_values_that_are_not_there_are_kept(run, tmp_path, name):
    nan = float("nan")
    rows = [{"step": 10, "loss": 2.0, "val_loss": nan}, {"step": 30, "loss": nan, "val_loss": 1.5}]
    write_history(run.path, rows)
    files = write_shared(load_run(run.path), name, tmp_path / "out")
    again, _ = import_results([tmp_path / "out" if name == "tensorboard" else files[0]], name="again")
    np.testing.assert_equal(
        {key: values.tolist() for key, values in again.history.items()},
        {"step": [10, 30], "loss": [2.0, nan], "val_loss": [nan, 1.5]},
    )


def test_rows_within_epochs_are_numbered(run, tmp_path):
    write_history(run.path, [{"epoch": 0.5, "loss": 2.0}, {"epoch": 1.0, "loss": 1.0}])
    wide, long, _ = write_shared(load_run(run.path), "csv", tmp_path / "out")
    assert wide.read_text() == "epoch,loss\n1,2\n2,1\n"
    assert long.read_text() == "step,metric,value\n1,loss,2\n2,loss,1\n"


def test_the_long_table_holds_every_value(run, tmp_path):
    _, long, config = write_shared(run, "csv", tmp_path / "out")
    with long.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    found = {(int(row["step"]), row["metric"]): float(row["value"]) for row in rows}
    wanted = {(i + 1, name): v for name, values in run.history.items() for i, v in enumerate(values)}
    wanted = {key: value for key, value in wanted.items() if key[1] != "epoch"}
    assert found == wanted and len(rows) == len(wanted)
    assert json.loads(config.read_text()) == run.info.config


def test_the_report_is_scikit_learns(run):
    found = run.predictions("PrivateTest")
    label = found.label.copy()
    probabilities = found.probabilities.copy()
    kept = (label != 1) & (probabilities.argmax(1) != 1)  # disgust does not occur
    kept &= probabilities.argmax(1) != 2  # nobody is taken for afraid
    taken = Predictions(found.index[kept], found.pixel_hash[kept], label[kept], probabilities[kept])
    write_predictions(run.path, "PrivateTest", taken)
    files = FORMATS["sklearn"].files(load_run(run.path))
    names = np.array(run.info.class_names)
    true, predicted = names[taken.label], names[taken.probabilities.argmax(1)]
    order = [name for name in names if name in {*true, *predicted}]
    options = {"labels": order, "digits": 4, "zero_division": 0}
    text = files["classification_report-PrivateTest.txt"].decode()
    assert text == classification_report(true, predicted, **options)
    report = json.loads(files["classification_report-PrivateTest.json"])
    wanted = classification_report(true, predicted, output_dict=True, **options)
    assert set(report) == set(wanted) and "disgust" not in report
    for name, row in wanted.items():
        assert report[name] == pytest.approx(row)


def test_a_stated_report_keeps_what_it_states(run, tmp_path):
    assets = ROOT / "tests" / "assets" / "foreign"
    stated, _ = import_results([assets / "report.json"], name="stated")
    [split] = stated.splits
    files = FORMATS["sklearn"].files(stated)
    again = json.loads(files[f"classification_report-{split}.json"])
    original = json.loads((assets / "report.json").read_text())
    for name in stated.info.class_names:
        assert again[name] == pytest.approx(original[name])
    assert again["weighted avg"] == pytest.approx(original["weighted avg"])


def test_an_accuracy_that_is_not_known_is_left_out(run):
    figures = {"per_class": [], "accuracy": float("nan")}
    assert class_report(figures) == {
        name: {"precision": 0.0, "recall": 0.0, "f1-score": 0.0, "support": 0} for name in ("macro avg", "weighted avg")
    }


def test_a_model_repository_holds_card_configuration_and_weights(run, tmp_path):
    files = write_shared(run, "huggingface", tmp_path / "out")
    assert [file.name for file in files] == ["README.md", "config.json", "model.keras", "model.tflite"]
    _, header, body = files[0].read_text().split("---\n", 2)
    values = yaml.safe_load(header)
    assert values["license"] == "mit" and values["library_name"] == "keras"
    assert body.startswith("\n# Mine\n") and "&id" not in header
    [index] = values["model-index"]
    assert index["name"] == "Mine"
    results = {result["dataset"]["split"]: result for result in index["results"]}
    assert list(results) == ["PrivateTest", "PublicTest"]
    assert results["PrivateTest"]["dataset"] == {"name": "FER-2013", "type": "fer-2013", "split": "PrivateTest"}
    assert results["PrivateTest"]["task"]["type"] == "image-classification"
    measured = {metric["type"]: metric["value"] for metric in results["PrivateTest"]["metrics"]}
    found = run.predictions("PrivateTest")
    assert measured["accuracy"] == round(float((found.probabilities.argmax(1) == found.label).mean()), 6)
    assert {"accuracy", "f1", "log_loss", "ece"} <= set(measured)
    config = json.loads(files[1].read_text())
    assert config["id2label"]["0"] == run.info.class_names[0] and config["image_size"] == [48, 48]
    assert files[2].read_bytes() == b"keras" and files[3].read_bytes() == b"litert"


def test_the_runs_own_card_becomes_the_repositorys(run):
    (run.path / "README.md").write_text("# Model card: Mine\n", encoding="utf-8")
    card = FORMATS["huggingface"].files(run)["README.md"].decode()
    assert card.endswith("---\n\n# Model card: Mine\n")


@pytest.mark.parametrize(("licence", "wanted"), [("", "unknown"), ("Unknown: ask.", "unknown"), ("CC BY", "other")])
def test_other_licences_are_not_called_mit(run, tmp_path, licence, wanted):
    write_run(tmp_path / "artifacts", "mine", n=300, licence=licence)
    card = FORMATS["huggingface"].files(load_run("mine"))["README.md"].decode()
    assert yaml.safe_load(card.split("---\n")[1])["license"] == wanted


def test_what_a_run_does_not_hold_is_not_offered_and_refused(run, tmp_path):
    assert formats_of(run) == list(FORMATS)
    bare = write_run(tmp_path / "artifacts", "bare", splits=(), epochs=0)
    assert formats_of(bare) == []
    sentences = {
        "tensorboard": "bare has no training curves",
        "csv": "bare has no training curves",
        "huggingface": "bare holds no network",
        "sklearn": "bare has no predictions",
    }
    for name, sentence in sentences.items():
        with pytest.raises(NotKnownError, match=sentence):
            write_shared(bare, name, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_something_is_left_alone(run, tmp_path):
    (tmp_path / "out").mkdir()
    assert write_shared(run, "sklearn", tmp_path / "out")
    with pytest.raises(OutputError, match=r"out is there already. Name another --output"):
        write_shared(run, "csv", tmp_path / "out")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        write_shared(run, "csv", tmp_path / "file" / "below")


@pytest.mark.parametrize("name", FORMATS)
def test_a_zip_holds_the_same_files_in_one_folder(run, tmp_path, name):
    written = write_shared(run, name, tmp_path / "out")
    with zipfile.ZipFile(io.BytesIO(zip_shared(run, name))) as archive:
        zipped = {entry: archive.read(entry) for entry in archive.namelist()}
    assert zipped == {f"mine-{name}/{f.relative_to(tmp_path / 'out').as_posix()}": f.read_bytes() for f in written}
