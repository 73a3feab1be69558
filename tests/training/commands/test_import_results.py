import pytest

from emoscope.model.runs.run import load_run
from emoscope.training.__main__ import main
from tests.paths import ROOT

ASSETS = ROOT / "tests" / "assets" / "foreign"


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(tmp_path / "runs"))
    return tmp_path / "runs"


def test_a_file_is_named_for_what_it_is(root, capsys):
    assert main(["import", str(ASSETS / "keras_history.json"), "--name", "mine"]) == 0
    assert "keras_history.json: a Keras history, 4 epochs, 6 metrics" in capsys.readouterr().out
    assert len(load_run(root / "mine").history["val_top2"]) == 4


def test_the_format_and_the_restarts_can_be_corrected(root, capsys):
    log = str(ASSETS / "keras_log_restarted.csv")
    assert main(["import", log, "--as", "csv-logger", "--restarts", "continue", "--name", "mine"]) == 0
    assert len(load_run(root / "mine").history["loss"]) == 5
    assert main(["import", log, "--as", "huggingface", "--name", "other"]) == 2
    assert "cannot be read as huggingface" in capsys.readouterr().err


def test_what_was_assumed_of_several_files_is_said(root, capsys):
    files = [str(ASSETS / name) for name in ("predictions_numbers.csv", "report.json")]
    assert main(["import", *files, "--name", "mine"]) == 0
    assert "report.json is left out: more is known of test." in capsys.readouterr().out


def test_an_imported_run_has_no_network_to_score(root, tmp_path, capsys):
    main(["import", str(ASSETS / "keras_history.json"), "--name", "mine"])
    for command in (["evaluate", "mine"], ["card", "mine"], ["robustness", "mine"]):
        assert main([*command, "--data", str(tmp_path)]) == 2
        assert "imported results" in capsys.readouterr().err


def test_a_network_is_sent_to_the_command_for_it(tmp_path, capsys):
    (tmp_path / "net.keras").write_bytes(b"PK")
    assert main(["import", str(tmp_path / "net.keras")]) == 2
    assert "python -m training evaluate" in capsys.readouterr().err


def test_epochs_with_steps_are_drawn_by_epoch(root, tmp_path):
    (tmp_path / "log.csv").write_text("epoch,step,train_loss,val_loss\n0,10,2.0,2.5\n1,20,1.5,2.25\n")
    main(["import", str(tmp_path / "log.csv"), "--name", "mine"])
    history = load_run(root / "mine").history
    assert history["epoch"].tolist() == [1, 2] and history["step"].tolist() == [10, 20]
