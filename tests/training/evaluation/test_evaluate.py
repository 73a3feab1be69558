"""Scoring runs and models from elsewhere whose right answers are known."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import pytest

from emoscope.model.dataset import FERPLUS_CLASSES, Dataset
from emoscope.model.errors import DataError, RunError
from emoscope.model.runs.run import DatasetInfo, Run, load_run
from emoscope.training.commands import arguments, calibrate
from emoscope.training.commands import evaluate as evaluate_command
from emoscope.training.evaluation.evaluate import evaluate_run, metrics_table
from emoscope.training.foreign import importing as import_module
from emoscope.training.foreign.importing import ImportOptions, import_model
from tests.factories import FER7
from tests.training.made_up import ASSETS, make_dataset, make_run


def test_evaluating_a_run_saves_predictions_and_metrics(tmp_path: Path) -> None:
    run, dataset = make_run(tmp_path), make_dataset()
    evaluate_run(run, dataset)
    run = load_run(run.path)
    assert run.splits == ("PrivateTest", "PublicTest")
    predictions = run.predictions("PrivateTest")
    split = dataset.splits["PrivateTest"]
    np.testing.assert_array_equal(predictions.pixel_hash, split.pixel_hash)
    np.testing.assert_array_equal(predictions.label, split.labels)
    assert run.metrics["PrivateTest"]["accuracy"] == 1.0
    assert run.metrics["PrivateTest"]["n"] == 40
    assert "100.00 % [100.00, 100.00]" in metrics_table(run)


def test_classes_in_another_order_and_other_words_are_matched_by_name(tmp_path: Path) -> None:
    names = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
    run = make_run(tmp_path, class_names=names)
    reordered = make_dataset(class_names=("neutral", "sad", "fear", "happy", "angry", "surprise", "disgust"))
    splits = {
        name: type(s)(s.images, np.where(s.labels == 3, 3, 1), s.pixel_hash, s.names)
        for name, s in reordered.splits.items()
    }
    evaluate_run(run, Dataset("x", reordered.class_names, splits, "f"))
    assert load_run(run.path).metrics["PublicTest"]["accuracy"] == 1.0


def test_ferplus_runs_are_scored_on_votes_without_the_dropped_rows(tmp_path: Path) -> None:
    order = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
    run = make_run(tmp_path, class_names=order, label_source="ferplus-majority")
    with pytest.raises(RunError, match="contempt"):  # the network has no output for it
        evaluate_run(run, make_dataset(votes=True))
    assert FERPLUS_CLASSES[7] == "contempt"
    with pytest.raises(DataError, match="came without the vote file"):
        evaluate_run(run, make_dataset())


def test_only_the_named_split_is_scored(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    evaluate_run(run, make_dataset(4), ["Training"])
    assert load_run(run.path).splits == ("Training",)
    with pytest.raises(DataError, match="no split Nope"):
        evaluate_run(run, make_dataset(4), ["Nope"])


@pytest.mark.parametrize("network", ["logits.tflite", "cam.tflite", "int8.tflite"])
def test_a_tflite_network_becomes_a_run(tmp_path: Path, network: str, capsys: pytest.CaptureFixture) -> None:
    asked = []

    def open_data(size: tuple[int, int], channels: int) -> Dataset:
        asked.append((size, channels))
        return make_dataset()

    run = import_model(ASSETS / network, open_data, ImportOptions(name="mine"), root=tmp_path)
    assert asked == [((48, 48), 1)]
    assert run.key == "mine" and run.info.architecture == "foreign"
    assert run.info.class_names == FER7
    assert run.info.dataset == DatasetInfo("Made up", {"Training": 40, "PublicTest": 40, "PrivateTest": 40}, "f" * 32)
    assert run.metrics["PrivateTest"]["accuracy"] == 1.0
    assert run.litert_file is not None and run.info.config["source_file"] == network
    assert "normalisation 0..1" in capsys.readouterr().out
    assert not (tmp_path / ".importing").exists()


def test_a_network_that_does_not_convert_runs_on_keras_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path)

    def differs(run: Run, dataset: Dataset) -> float:
        raise RunError("tiny/model.tflite differs from the Keras network by 0.1.")

    monkeypatch.setattr(import_module, "export_litert", lambda run: run.path / "model.tflite")
    monkeypatch.setattr(import_module, "check_agreement", differs)
    (note,) = import_module._convert(run, make_dataset(2))
    assert "runs on Keras only" in note and "differs" in note
    assert run.litert_file is None


def test_what_is_given_is_not_tried(tmp_path: Path) -> None:
    options = ImportOptions(class_names=FER7, normalization="0..1", splits=["PrivateTest"])
    run = import_model(ASSETS / "cam.tflite", lambda size, channels: make_dataset(), options, root=tmp_path)
    assert run.info.config["class_order"] == "given" and run.splits == ("PrivateTest",)


def test_a_run_is_never_overwritten_unasked(tmp_path: Path) -> None:
    make_run(tmp_path, "cam")
    with pytest.raises(RunError, match="already a run cam"):
        import_model(ASSETS / "cam.tflite", lambda size, channels: make_dataset(), ImportOptions(), root=tmp_path)
    run = import_model(
        ASSETS / "cam.tflite", lambda size, channels: make_dataset(), ImportOptions(overwrite=True), root=tmp_path
    )
    assert run.metrics


def test_data_without_validation_needs_both_flags(tmp_path: Path) -> None:
    whole = make_dataset()
    only_test = Dataset("x", FER7, {"test": whole.splits["PrivateTest"]}, "f")
    with pytest.raises(DataError, match="no validation split"):
        import_model(ASSETS / "cam.tflite", lambda size, channels: only_test, ImportOptions(), root=tmp_path)
    assert not list(tmp_path.glob("*"))  # nothing half-made is left


@pytest.mark.parametrize(
    "name", ["absent.keras", "notes.txt", "broken.keras", "broken.h5", "broken.tflite", "broken.onnx"]
)
def test_files_that_are_no_networks_are_one_sentence(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    if not name.startswith("absent"):
        file.write_bytes(b"this is no network")
    with pytest.raises(RunError) as caught:
        import_model(file, lambda size, channels: make_dataset(), ImportOptions(), root=tmp_path / "runs")
    assert caught.value.message.endswith(".")


def test_the_command_scores_runs_and_imports_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(tmp_path))
    monkeypatch.setattr(arguments, "load_dataset", lambda *args, **options: make_dataset())
    parser = ArgumentParser()
    evaluate_command.add_arguments(parser)

    def command(*words: str) -> str:
        assert evaluate_command.run(parser.parse_args([*words, "--data", "x"])) == 0
        return capsys.readouterr().out

    assert "PrivateTest (n=40)" in command(str(ASSETS / "cam.tflite"), "--name", "fresh")
    again = command("fresh", "--splits", "PrivateTest")
    assert "Accuracy" in again and "other data" not in again
    make_run(tmp_path, "elsewhere", dataset=DatasetInfo("Theirs", {}, "0" * 32))
    assert "elsewhere was made with other data and keeps its figures" in command("elsewhere")
    with pytest.raises(RunError, match="There is no file nowhere"):
        command("nowhere")
    with pytest.raises(SystemExit):
        parser.parse_args(["x", "--input-size", "huge"])


def test_calibrate_command_prints_both_splits(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    run = make_run(tmp_path)
    evaluate_run(run, make_dataset())
    parser = ArgumentParser()
    calibrate.add_arguments(parser)
    assert calibrate.run(parser.parse_args([str(run.path)])) == 0
    out = capsys.readouterr().out
    assert "PublicTest (fitted here" in out and "PrivateTest (not fitted here" in out
    assert load_run(run.path).calibration["temperature"] > 0
