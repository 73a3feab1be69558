"""From a folder of pictures to an exported, evaluated run, as a user gives the command."""

import shutil

import cv2
import numpy as np
import pytest

from emoscope.model.runs.run import load_run
from emoscope.training.__main__ import main

CONFIG = """
name: Toy
options: {stem: [4, 4], widths: [4, 8], blocks: [1, 1]}
input_size: 16
epochs: 1
batch_size: 16
"""


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for split, count in {"train": 40, "test": 12}.items():
        for label, name in enumerate(("down", "up")):
            for i in range(count):
                image = rng.integers(0, 90, (20, 20), np.uint8)
                image[10 * label : 10 * label + 10] += 120
                file = tmp_path / "data" / split / name / f"{i}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(file), image)
    (tmp_path / "toy.yaml").write_text(CONFIG)
    return tmp_path


def command(folder, *flags):
    return main(["train", f"{folder}/toy.yaml", "--data", f"{folder}/data", "--output", f"{folder}/runs/toy", *flags])


@pytest.mark.slow
def test_one_command_leaves_a_complete_run(folder, capsys):
    assert command(folder) == 0
    run = load_run(folder / "runs" / "toy")
    assert run.missing == ()
    assert run.info.class_names == ("down", "up")
    assert run.info.input_size == (16, 16)
    assert run.info.dataset.splits == {"train": 80, "test": 24}
    assert run.splits == ("test",)
    assert run.metrics["test"]["n"] == 24
    assert len(run.history["val_loss"]) == 1
    printed = capsys.readouterr().out
    assert "epoch 1/1 at 16 px" in printed
    assert "of Keras" in printed

    from emoscope.model.networks.load import load_classifier

    answer = load_classifier(run).classify([np.zeros((30, 30), np.uint8)])
    assert answer.activation_maps is not None, "the class activation map leaves with the export"
    logits = answer.activation_maps.mean((1, 2))
    softmax = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(answer.probabilities, softmax, atol=1e-4)


@pytest.mark.slow
def test_the_default_configuration_trains_on_any_classes_without_a_teacher(folder):
    small = ["--options", "{stem: [4, 4], widths: [4], blocks: [1]}", "--epochs", "1", "--mild_epochs", "0"]
    small += ["--batch_size", "16", "--warmup_epochs", "0"]
    output = folder / "runs" / "own"
    assert main(["train", "--data", f"{folder}/data", "--output", str(output), *small]) == 0
    run = load_run(output)
    assert run.info.class_names == ("down", "up") and run.info.config["labels"] == "fer"
    assert not run.info.config["teacher"] and not run.info.config["initial"]
    assert not output.with_name("own-ferplus").exists()


@pytest.mark.slow
def test_a_candidate_leaves_the_test_split_out(folder, capsys):
    for name in ("up", "down"):
        shutil.copytree(folder / "data" / "test" / name, folder / "data" / "validation" / name)
    assert command(folder, "--splits", "validation") == 0
    assert load_run(folder / "runs" / "toy").splits == ("validation",)
    assert command(folder, "--splits", "validaton") == 2
    assert "validaton" in capsys.readouterr().err


def test_a_typo_is_one_sentence(folder, capsys):
    (folder / "toy.yaml").write_text("epochz: 3")
    assert command(folder) == 2
    assert capsys.readouterr().err.strip() == "error: epochz is not a configuration key. Did you mean 'epochs'?"


def test_data_that_are_not_there_are_one_sentence(folder, capsys):
    assert main(["train", f"{folder}/toy.yaml", "--data", f"{folder}/nothing"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1


def test_help_lists_the_commands(capsys):
    assert main([]) == 2
    printed = capsys.readouterr().out
    assert all(word in printed for word in ("train", "evaluate", "export", "robustness", "report", "calibrate"))


def trained(config, dataset, checkpoint, fresh=False):
    """Stand in for a training of no epoch."""
    from types import SimpleNamespace

    return SimpleNamespace(best_epoch=1, history=[{}], classes={})


def test_a_full_disk_while_saving_is_one_sentence(folder, capsys, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("emoscope.training.loop.train.train", trained)
    monkeypatch.setattr("emoscope.training.loop.save.save_runs", full)
    assert command(folder) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: The run could not be written (No space left on device). Free some space")
    assert error.count("\n") == 1


def test_ctrl_c_says_how_to_go_on(folder, capsys, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("emoscope.training.loop.train.train", stopped)
    assert command(folder) == 130
    assert "The same command resumes after the last finished epoch." in capsys.readouterr().out
