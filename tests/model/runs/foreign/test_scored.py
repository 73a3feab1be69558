"""Predictions, matrices and reports of other programs: every figure is scikit-learn's own."""

import json

import numpy as np
import pytest

from emoscope.model.errors import RunError
from emoscope.model.evaluation.calibration import calibration_data
from emoscope.model.evaluation.comparison import compare, pair_runs
from emoscope.model.evaluation.curves import roc_curve
from emoscope.model.evaluation.metrics import metrics_of
from emoscope.model.runs.archive import open_run_archive, pack_run
from emoscope.model.runs.foreign.merge import import_results
from emoscope.model.runs.foreign.registry import recognise
from emoscope.model.runs.foreign.results import Reading
from emoscope.model.runs.run import BrokenRun, iter_runs
from tests.factories import write_run
from tests.paths import ROOT

ASSETS = ROOT / "tests" / "assets" / "foreign"
NAMES = ("happy", "neutral", "sad")
EXPECTED = json.loads((ASSETS / "expected.json").read_text()) if (ASSETS / "expected.json").is_file() else {}
OVERALL = ("accuracy", "macro_f1", "balanced_accuracy")
OF_PROBABILITIES = ("top2", "log_loss")


def brought(tmp_path, *files, name="theirs", **reading):
    paths = [file if hasattr(file, "parent") else ASSETS / file for file in files]
    return import_results(paths, Reading(**reading), name, tmp_path / "runs")[0]


def written(tmp_path, name, content):
    file = tmp_path / name
    file.write_text(content)
    return file


@pytest.mark.parametrize(
    "file, classes",
    [
        ("predictions_numbers.csv", ()),
        ("predictions.parquet", ()),
        ("predictions.npz", NAMES),
        ("predictions.json", NAMES),
    ],
)
def test_predictions_with_probabilities_give_every_figure(tmp_path, file, classes):
    run = brought(tmp_path, file, class_names=classes)
    assert run.info.class_names == NAMES and run.splits == ("test",) and run.info.dataset.splits == {"test": 160}
    figures = metrics_of(run, "test")
    for name in (*OVERALL, *OF_PROBABILITIES):
        assert figures[name] == pytest.approx(EXPECTED[name], abs=2e-6), name
    assert figures["confusion"] == EXPECTED["confusion"]
    found = run.predictions("test")
    areas = [roc_curve(found.label == k, found.probabilities[:, k]).area for k in range(3)]
    np.testing.assert_allclose(areas, EXPECTED["roc_auc"], atol=1e-6)


@pytest.mark.parametrize(
    "file, classes, transposed",
    [
        ("predictions_names.csv", (), False),
        ("confusion.npy", NAMES, False),
        ("confusion_bare.csv", NAMES, False),
        ("confusion.txt", NAMES, False),
        ("confusion.json", (), False),
        ("confusion_names.csv", (), False),
        ("confusion_crosstab.csv", (), False),
    ],
)
def test_predicted_classes_give_what_follows_from_them_and_nothing_else(tmp_path, file, classes, transposed):
    run = brought(tmp_path, file, class_names=classes)
    figures = metrics_of(run, "test")
    for name in OVERALL:
        assert figures[name] == pytest.approx(EXPECTED[name], abs=1e-12), name
        low, high = figures["intervals"][name]
        assert low < figures[name] < high
    assert figures["confusion"] == EXPECTED["confusion"] and run.info.class_names == NAMES
    for name in ("top2", "log_loss", "ece"):
        assert np.isnan([figures[name], *figures["intervals"][name]]).all(), name
    with pytest.raises(RunError, match="Calibration needs a probability for each class"):
        calibration_data(run, "test")


def test_a_matrix_the_other_way_round_is_turned(tmp_path):
    figures = metrics_of(brought(tmp_path, "confusion.npy", transposed=True), "test")
    assert figures["confusion"] == np.array(EXPECTED["confusion"]).T.tolist()


@pytest.mark.parametrize("file, tolerance", [("report.json", 1e-12), ("report.txt", 5.1e-4)])
def test_a_report_gives_the_figures_that_it_states(tmp_path, file, tolerance):
    report = json.loads((ASSETS / "report.json").read_text())
    run = brought(tmp_path, file)
    figures = metrics_of(run, "test")
    for name in OVERALL:
        assert figures[name] == pytest.approx(EXPECTED[name], abs=tolerance), name
    for row in figures["per_class"]:
        theirs = report[row["name"]]
        stated = [theirs["precision"], theirs["recall"], theirs["f1-score"], theirs["support"]]
        np.testing.assert_allclose([row["precision"], row["recall"], row["f1"], row["support"]], stated, atol=tolerance)
    low, high = figures["intervals"]["accuracy"]
    assert low < figures["accuracy"] < high and high - low == pytest.approx(0.14, abs=0.03)
    assert np.isnan(figures["ece"]) and figures["confusion"] == []
    with pytest.raises(RunError, match="only a report of another program is known"):
        run.predictions("test")


def test_a_whole_training_is_one_run(tmp_path):
    run = brought(tmp_path, "keras_history.json", "predictions_numbers.csv", "report.json")
    assert len(run.history["loss"]) == 4 and run.splits == ("test",)
    assert run.predictions("test").has_probabilities, "predictions tell more than the report"
    assert "report.json is left out" in run.info.note


def test_runs_of_one_file_of_ids_are_compared_image_by_image(tmp_path):
    one = brought(tmp_path, "predictions_names.csv")
    lines = (ASSETS / "predictions_names.csv").read_text().splitlines()
    shuffled = written(tmp_path, "other.csv", "\n".join([lines[0], *reversed(lines[1:])]))
    other = brought(tmp_path, shuffled, name="other")
    comparison = compare(pair_runs(one, other, "test"))
    assert comparison.accuracy.value == 0 and comparison.test.only_a == comparison.test.only_b == 0


def test_rows_in_the_same_order_are_the_same_images(tmp_path):
    one = brought(tmp_path, "predictions.npz", class_names=NAMES)
    other = brought(tmp_path, "predictions.json", class_names=NAMES, name="other")
    assert compare(pair_runs(one, other, "test")).both_right == round(160 * EXPECTED["accuracy"])
    lines = (ASSETS / "predictions_numbers.csv").read_text().splitlines()
    other_order = written(tmp_path, "rotated.csv", "\n".join([lines[0], *lines[2:], lines[1]]))
    with pytest.raises(RunError, match="scored on different images"):
        pair_runs(one, brought(tmp_path, other_order, name="rotated"), "test")


def test_a_matrix_is_not_compared_image_by_image(tmp_path):
    one, other = (brought(tmp_path, "confusion_names.csv", name=name) for name in ("one", "other"))
    with pytest.raises(RunError, match="of one only a confusion matrix is known"):
        pair_runs(one, other, "test")


def test_labels_in_the_order_of_a_known_split_are_its_images(tmp_path):
    known = write_run(tmp_path / "runs", "known", n=400, splits=("PrivateTest",))
    label = known.predictions("PrivateTest").label
    rows = "\n".join(f"{k},{(k + 1) % 7 if i % 3 == 0 else k}" for i, k in enumerate(label))
    run = brought(tmp_path, written(tmp_path, "mine.csv", f"emotion,pred\n{rows}\n"))
    assert run.info.class_names == known.info.class_names and run.splits == ("PrivateTest",)
    assert "those of FER-2013's PrivateTest in the same order" in run.info.note
    assert pair_runs(known, run, "PrivateTest").label.tolist() == label.tolist()
    assert metrics_of(run, "PrivateTest")["accuracy"] == pytest.approx(266 / 400)


def test_the_split_is_read_from_the_name_and_can_be_given(tmp_path):
    content = (ASSETS / "predictions_names.csv").read_text()
    val, test = (written(tmp_path, f"{name}_predictions.csv", content) for name in ("val", "test"))
    assert brought(tmp_path, val, test).splits == ("test", "validation")
    assert brought(tmp_path, val, name="given", split="PublicTest").splits == ("PublicTest",)
    with pytest.raises(RunError, match="is of holdout, as another"):
        brought(tmp_path, val, test, name="both", split="holdout")
    with pytest.raises(RunError, match="cannot name a split"):
        brought(tmp_path, val, name="bad", split="../x")


def test_columns_are_guessed_said_and_can_be_corrected(tmp_path):
    file = written(tmp_path, "p.csv", "label,gold,machine\nx,happy,sad\ny,sad,sad\nz,happy,happy\n")
    found = recognise(file, Reading(true="gold", predicted="machine"))
    assert "label from gold, predicted class from machine, without probabilities" in found.what
    assert found.scored.label.tolist() == [0, 1, 0] and found.scored.predicted.tolist() == [1, 1, 0]
    with pytest.raises(RunError, match="no column silver") as caught:
        recognise(file, Reading(true="silver"))
    assert "label, gold, machine" in caught.value.action
    with pytest.raises(RunError, match="is clearly the predicted class") as caught:
        recognise(file, Reading(true="gold"))


@pytest.mark.parametrize(
    "content, label, predicted, names",
    [
        ("y_true;y_pred\n0;1\n2;2\n", [0, 2], [1, 2], ("0", "1", "2")),
        ("Actual\tPredicted\nsad\thappy\nhappy\thappy\n", [1, 0], [0, 0], ("happy", "sad")),
        ("label,happy,sad\nsad,0.25,0.75\nhappy,0.5,0.5\n", [1, 0], [1, 0], ("happy", "sad")),
        ("label,sad_prob,happy_prob\nhappy,25,75\nsad,90,10\n", [1, 0], [1, 0], ("sad", "happy")),
        ("label,y_score\n1,0.75\n0,0.25\n", [1, 0], [1, 0], ("0", "1")),
    ],
)
def test_names_and_numbers_and_any_usual_columns(tmp_path, content, label, predicted, names):
    found = recognise(written(tmp_path, "p.csv", content)).scored
    assert (found.label.tolist(), found.predicted.tolist(), found.class_names) == (label, predicted, names)


def test_one_hot_labels_and_logits(tmp_path):
    logits = np.array([[2.0, 0, -1], [0, 1, 3]])
    np.savez(tmp_path / "p.npz", y_true=np.eye(3)[[0, 2]], logits=logits)
    found = recognise(tmp_path / "p.npz").scored
    assert found.label.tolist() == [0, 2]
    np.testing.assert_allclose(found.probabilities, np.exp(logits) / np.exp(logits).sum(1, keepdims=True), rtol=1e-6)


@pytest.mark.parametrize(
    "name, content, sentence",
    [
        ("p.csv", "y_true,y_pred\n0,1\n,1\n", "column y_true is empty in row 2"),
        ("p.csv", "y_true,y_pred\n0,1\n1,nan\n", "column y_pred is empty in row 2"),
        ("p.csv", "y_true,y_pred\n", "holds no samples"),
        ("p.csv", "y_true,y_pred\nhappy,0\nsad,1\n", "names for classes in one column and numbers in the other"),
        ("p.csv", "label,prob_a,prob_b\na,0.5,0.9\nb,0.2,0.8\n", "row 1 sum to 1.4, not to 1"),
        ("p.csv", "label,prob_a,prob_b\na,nan,0.5\nb,0.2,0.8\n", "a probability in row 1 is no number"),
        ("p.csv", "label,prob_a,prob_b\nc,0.5,0.5\n", "'c' in column label, row 1, is not among a, b"),
        ("p.json", '{"y_true": [0, 1]}', "None of the columns of p.json is clearly the predicted class"),
        ("p.json", '[{"width": 3, "height": 4}]', "no result that is recognised"),
        ("p.json", '{"y_true": [0, 1], "y_pred": [0, 1, 1]}', "differ in length"),
        ("m.csv", "a,b\n3,x\n", "no result that is recognised"),
        ("m.json", "[[1, 2], [3]]", "a confusion matrix is square"),
        ("m.json", "[[0.9, 0.1], [0.25, 0.75]]", "holds shares"),
        ("m.json", "[[1, -2], [3, 4]]", "negative"),
        ("m.json", "[[0, 0], [0, 0]]", "counts 0 samples"),
        ("r.txt", "   precision    recall  f1-score   support\n\n  a   0.50  0.50  0.50   2\n", "cut off"),
        (
            "r.json",
            '{"a": {"precision": 2, "recall": 1, "f1-score": 1, "support": 3}}',
            "precision of the class a is 2",
        ),
        ("p.npz", "PK\x03\x04broken", "broken archive"),
        ("p.parquet", "PAR1broken", "broken Parquet file"),
        ("m.npy", "\x93NUMPY", "no result that is recognised|no NumPy array"),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path, name, content, sentence):
    file = tmp_path / name
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(RunError, match=sentence) as caught:
        recognise(file)
    assert "\n" not in str(caught.value)


def test_objects_in_an_archive_are_not_unpickled(tmp_path):
    np.savez(tmp_path / "p.npz", y_true=np.array(["a", "b"], object), y_pred=np.array(["a", "b"], object))
    with pytest.raises(RunError, match="Python objects, which are not opened"):
        recognise(tmp_path / "p.npz")


def test_an_archive_carries_imported_runs(tmp_path):
    for files in (("report.json",), ("confusion_names.csv", "keras_log.csv"), ("predictions_names.csv",)):
        run = brought(tmp_path, *files, name=files[0])
        back = open_run_archive(pack_run(run), tmp_path / "unpacked")
        assert metrics_of(back, "test", 0)["accuracy"] == metrics_of(run, "test", 0)["accuracy"]


def test_a_broken_report_is_one_sentence_and_harms_no_other_run(tmp_path):
    run = brought(tmp_path, "report.json")
    (run.path / "reports.json").write_text('{"test": {"classes": []}}')
    (found,) = iter_runs(tmp_path / "runs")
    assert isinstance(found, BrokenRun) and "reports.json holds no reports" in str(found.error)
