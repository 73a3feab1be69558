"""No command changes what a run says of its own data by what another data set shows."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import pytest

from emoscope.model.dataset import load_dataset
from emoscope.model.evaluation.robustness import robustness_meta
from emoscope.model.runs.run import DatasetInfo, load_run
from emoscope.training.__main__ import main
from emoscope.training.evaluation.evaluate import evaluate_run
from emoscope.training.evaluation.other_data import is_own_data
from tests.training.made_up import make_dataset, make_run


def write_faces(folder: Path, light: int) -> Path:
    """Write a folder of faces, ``light`` to tell its pixels from another's."""
    for split in ("train", "validation", "test"):
        for label, name in enumerate(("happy", "sad")):
            file = folder / split / name / "a.png"
            file.parent.mkdir(parents=True)
            picture = make_dataset(1).splits["PublicTest"].images[label].copy()
            picture[0, 0] = light
            cv2.imwrite(str(file), picture)
    return folder


@pytest.fixture
def own(tmp_path):
    return write_faces(tmp_path / "own-faces", 10)


@pytest.fixture
def other(tmp_path):
    return write_faces(tmp_path / "their.faces", 20)


@pytest.fixture
def run(tmp_path, own, monkeypatch):
    """A run that was scored, measured and described on its own data."""
    root = tmp_path / "artifacts"
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(root))
    monkeypatch.setenv("EMOSCOPE_DATA", str(own))
    dataset = load_dataset(own)
    info = DatasetInfo(dataset.name, dict(dataset.split_sizes), dataset.fingerprint)
    made = make_run(root, class_names=("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"), dataset=info)
    for command in (["evaluate"], ["robustness", "--samples", "2"], ["card"]):
        assert main([command[0], "tiny", *command[1:]]) == 0
    return load_run(made.path)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("command", [["evaluate"], ["evaluate", "--flip"], ["robustness", "--samples", "2"]])
def test_figures_on_other_data_are_a_run_of_their_own(run, other, command, capsys):
    before = contents(run.path)
    assert main([command[0], "tiny", "--data", str(other), *command[1:]]) == 0
    assert contents(run.path) == before
    made = load_run(next(path for path in run.path.parent.glob("tiny-on-their-*") if not path.name.endswith("-flip")))
    dataset = load_dataset(other)
    assert made.key == f"tiny-on-their-{dataset.fingerprint[:6]}"
    assert made.info.dataset == DatasetInfo("their", dict(dataset.split_sizes), dataset.fingerprint)
    assert made.info.name == "tiny on their" and not made.has_network
    assert str(made.path) in capsys.readouterr().out


def test_both_evaluations_are_kept_and_each_can_be_made_again(run, other):
    for _ in range(2):
        assert main(["evaluate", "tiny", "--data", str(other)]) == 0
        assert main(["evaluate", "tiny"]) == 0
    assert len(list(run.path.parent.iterdir())) == 2
    [made] = [load_run(path) for path in run.path.parent.glob("tiny-on-*")]
    assert made.splits == run.splits
    assert not set(made.predictions("test").pixel_hash) & set(run.predictions("test").pixel_hash)


def test_flip_on_other_data_lies_beside_that_evaluation(run, other):
    assert main(["evaluate", "tiny", "--flip"]) == 0
    before = contents(run.path.with_name("tiny-flip"))
    assert main(["evaluate", "tiny", "--flip", "--data", str(other)]) == 0
    assert contents(run.path.with_name("tiny-flip")) == before
    [flipped] = [load_run(path) for path in run.path.parent.glob("tiny-on-*-flip")]
    assert flipped.info.dataset.name == "their" and flipped.metrics


@pytest.mark.parametrize("command", ["card", "export"])
def test_what_describes_a_run_refuses_other_data(run, other, command, capsys):
    before = contents(run.path)
    assert main([command, "tiny", "--data", str(other)]) == 2
    assert "tiny was made with other data" in capsys.readouterr().err
    assert contents(run.path) == before


def test_a_card_ignores_other_data_that_happen_to_lie_ready(run, other, monkeypatch):
    before = contents(run.path)
    monkeypatch.setenv("EMOSCOPE_DATA", str(other))
    assert main(["card", "tiny"]) == 0
    assert contents(run.path) == before


def test_other_settings_replace_measurements_only_when_told_to(run, capsys):
    before = contents(run.path)
    assert main(["robustness", "tiny", "--samples", "1"]) == 2
    assert "measurements on other samples (split validation, samples 2" in capsys.readouterr().err
    assert contents(run.path) == before
    assert main(["robustness", "tiny", "--samples", "1", "--overwrite"]) == 0
    assert robustness_meta(run)["samples"] == 1


def test_a_finished_pruned_run_is_not_replaced_unasked(run, capsys):
    pruned = run.path.with_name("tiny-pruned-50")
    shutil.copytree(run.path, pruned)
    before = contents(pruned)
    assert main(["prune", "tiny"]) == 2
    assert "already a run tiny-pruned-50" in capsys.readouterr().err
    assert contents(pruned) == before


def test_a_run_that_names_no_data_is_at_home_on_those_it_has_answered(tmp_path):
    run, dataset = make_run(tmp_path), make_dataset(3)
    assert is_own_data(run, dataset)
    evaluate_run(run, dataset)
    assert is_own_data(load_run(run.path), dataset)
    assert not is_own_data(load_run(run.path), make_dataset(4))


def test_another_run_of_that_name_is_left_alone(run, other, capsys):
    assert main(["evaluate", "tiny", "--data", str(other)]) == 0
    [made] = run.path.parent.glob("tiny-on-*")
    shutil.rmtree(made)
    make_run(made.parent, made.name)
    assert main(["evaluate", "tiny", "--data", str(other)]) == 2
    assert f"{made.name} exists and is another run" in capsys.readouterr().err


def test_data_that_cannot_be_scored_leave_nothing_behind(run, tmp_path, capsys):
    write_faces(tmp_path / "odd", 30)
    for split in ("train", "validation", "test"):
        (tmp_path / "odd" / split / "sad").rename(tmp_path / "odd" / split / "puzzled")
    assert main(["evaluate", "tiny", "--data", str(tmp_path / "odd")]) == 2
    assert "puzzled" in capsys.readouterr().err
    assert [path.name for path in run.path.parent.iterdir()] == ["tiny"]
