"""Sweeps with a stand-in for the training, and one with a real one."""

import json
from pathlib import Path

import pytest

from emoscope.model.errors import ConfigError
from emoscope.model.runs.run import iter_runs, load_run
from emoscope.training.__main__ import main
from emoscope.training.commands import sweep
from emoscope.training.commands.sweep_space import Range, grid, read_space
from tests.factories import write_run


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(tmp_path))
    return tmp_path


@pytest.fixture
def trained(root, monkeypatch):
    """Write, instead of training, a run that is the better the nearer its rate is to 0.1; keep the configurations."""
    seen = []

    def finish(command):
        config = json.loads(Path(command[3]).read_text())
        seen.append(config)
        key = Path(command[4].removeprefix("--output=")).name
        if config["batch_size"] == 13:
            return 1
        write_run(root, key, n=20, accuracy=0.9 - abs(config["learning_rate"] - 0.1), splits=(), epochs=30, seed=1)
        return 0

    monkeypatch.setattr(sweep, "_finish", finish)
    return seen


def rows(capsys):
    printed = capsys.readouterr().out.split("\n\n")[-1].strip().splitlines()
    return [line.split() for line in printed]


def test_a_grid_trains_every_combination_and_names_the_best_first(trained, capsys):
    grid = ["--set", "learning_rate=0.1,0.3,0.6", "--set", "batch_size=8,16"]
    assert main(["sweep", *grid, "--epochs", "3", "--monitor", "val_accuracy"]) == 0
    tried = {(config["learning_rate"], config["batch_size"]) for config in trained}
    assert tried == {(rate, size) for rate in (0.1, 0.3, 0.6) for size in (8, 16)}
    assert all(config["epochs"] == 3 for config in trained)
    title, *table = rows(capsys)
    assert title == ["run", "val_accuracy", "learning_rate", "batch_size"]
    assert [row[2] for row in table] == ["0.1", "0.1", "0.3", "0.3", "0.6", "0.6"]
    assert sorted(row[0] for row in table) == [f"emoscope-sweep-{n:03d}" for n in range(1, 7)]
    run = load_run(table[0][0])
    assert table[0][1] == f"{run.history['val_accuracy'][run.info.best_epoch - 1]:.4f}"


def test_a_failed_trial_is_named_and_the_others_go_on(trained, capsys):
    assert main(["sweep", "--set", "batch_size=8,13,16"]) == 0
    assert len(trained) == 3
    captured = capsys.readouterr()
    assert "emoscope-sweep-002 failed: The training ended with status 1." in captured.err
    assert captured.out.strip().splitlines()[-1].split() == ["emoscope-sweep-002", "failed", "13"]


def test_a_stopped_sweep_goes_on_with_the_trial_it_was_stopped_in(trained, monkeypatch, capsys):
    command = ["sweep", "--set", "learning_rate=0.1,0.2,0.3"]
    whole = sweep._finish

    def stopped(arguments):
        if len(trained) == 1:
            raise KeyboardInterrupt
        return whole(arguments)

    with monkeypatch.context() as patch:
        patch.setattr(sweep, "_finish", stopped)
        assert main(command) == 130
    assert main(command) == 0
    assert [config["learning_rate"] for config in trained] == [0.1, 0.2, 0.3]
    assert main(command) == 0
    assert len(trained) == 3, "what is done is not done again"
    assert len(rows(capsys)) == 4


def test_random_trials_stay_inside_the_space_and_more_can_be_added(trained, root):
    (root / "space.yaml").write_text(
        "learning_rate: {low: 1e-3, high: 1, log: true}\nbatch_size: {low: 8, high: 12}\n"
        "augmentation.flip: [true, false]"
    )
    command = ["sweep", "--space", f"{root}/space.yaml", "--trials"]
    assert main([*command, "3"]) == 0
    assert main([*command, "5"]) == 0
    assert len(trained) == 5
    assert len({config["learning_rate"] for config in trained}) == 5
    for config in trained:
        assert 1e-3 <= config["learning_rate"] <= 1
        assert config["batch_size"] in range(8, 13)
        assert config["augmentation"]["flip"] in (True, False)


def test_the_same_seed_draws_the_same_trials(trained, root):
    for name in ("one", "two"):
        assert (
            main(["sweep", "--output", f"{root}/{name}", "--set", "batch_size=8,9,10,11,12,14", "--trials", "4"]) == 0
        )
    drawn = [config["batch_size"] for config in trained]
    assert drawn[:4] == drawn[4:]


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ([], "There is nothing to try"),
        (["--set", "batch_size"], "names no choices"),
        (["--set", "batchsize=8,16"], "Did you mean 'batch_size'"),
        (["--set", "optimizer=adam,adamm"], "optimizer cannot be 'adamm'"),
        (["--set", "batch_size=8,-3"], "batch_size must be positive"),
        (["--set", "batch_size=8", "--trials", "0"], "--trials must be positive"),
        (["--space", "nowhere.yaml"], "nowhere.yaml is not readable YAML"),
    ],
)
def test_what_cannot_be_tried_is_one_sentence_before_anything_is_trained(trained, capsys, flags, sentence):
    assert main(["sweep", *flags]) != 0
    assert sentence in capsys.readouterr().err
    assert trained == []


def test_another_sweep_does_not_go_on_with_the_first(trained, capsys):
    assert main(["sweep", "--set", "batch_size=8"]) == 0
    assert main(["sweep", "--set", "batch_size=8,16"]) != 0
    assert "There is already another sweep emoscope-sweep." in capsys.readouterr().err
    assert len(trained) == 1


def test_a_space_is_choices_and_ranges(tmp_path):
    file = tmp_path / "space.yaml"
    file.write_text("a: [1, 2, 2]\nb: {low: 1, high: 8}\nc: {low: 1e-3, high: 0.1, log: true}")
    space = read_space(file, ["d=x,1e-3"])
    assert space == {"a": (1, 2), "b": Range(1, 8, integer=True), "c": Range(1e-3, 0.1, log=True), "d": ("x", 1e-3)}
    with pytest.raises(ConfigError, match="b is a range, of which no grid can be made"):
        grid(space)
    for wrong in ("a: 3", "a: []", "a: {low: 2, high: 1}", "a: {low: 0, high: 1, log: true}", "a: {low: 1}", "- a"):
        file.write_text(wrong)
        with pytest.raises(ConfigError):
            read_space(file, [])


@pytest.mark.slow
def test_a_real_trial_is_a_saved_run(root, tmp_path):
    from tests.training.commands.test_train import CONFIG, folder

    data = folder.__wrapped__(tmp_path)
    (data / "toy.yaml").write_text(CONFIG)
    command = ["sweep", f"{data}/toy.yaml", "--data", f"{data}/data", "--set", "learning_rate=0.05"]
    assert main(command) == 0
    found = list(iter_runs())
    assert [run.key for run in found] == ["toy-sweep-001"]
    assert [run.info.config["learning_rate"] for run in found] == [0.05]
    assert all(run.missing == () for run in found)
