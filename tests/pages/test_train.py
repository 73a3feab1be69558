"""The Train page without a browser; no training is started, what it would start is looked at."""

import json
import signal
import time
from dataclasses import replace

import pytest
import streamlit as st
import yaml
from streamlit.testing.v1 import AppTest

from emoscope.dashboard.train import jobs as training_jobs
from emoscope.dashboard.train.form import config_files, description
from emoscope.dashboard.train.jobs import TrainingJob, jobs, queue_root
from emoscope.dashboard.train.lock import held, note
from emoscope.model.runs.run import write_history
from tests.pages.evaluation_app import checked, texts
from tests.paths import ROOT

ROWS = [{"loss": 1.0, "accuracy": 0.5, "val_loss": 1.2, "val_accuracy": 0.45, "learning_rate": 0.1, "seconds": 8.0}]


@pytest.fixture
def root(tmp_path, monkeypatch, faces_folder):
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(tmp_path))
    monkeypatch.setenv("EMOSCOPE_DATA", str(faces_folder))
    monkeypatch.setenv("EMOSCOPE_TRAINING", "on")
    monkeypatch.setattr(training_jobs, "start_runner", lambda: queue_root().mkdir(parents=True, exist_ok=True))
    st.cache_data.clear()
    return tmp_path


def opened():
    """Open the page inside the app, so that its links lead somewhere."""
    app = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=60).run()
    return checked(app.switch_page("../pages/train.py").run())


def job(key, state, **fields):
    found = TrainingJob(queue_root() / key, key, "/data", 4, time.time(), state, started=1.0, **fields)
    found.folder.mkdir(parents=True)
    found.save()
    return found


def labels(page):
    return [button.label for button in page.button]


def submit(page):
    page.button(key="train-submit").click()
    return checked(page.run())


def test_a_training_is_queued_with_what_was_changed_and_nothing_else(root, faces_folder):
    page = opened()
    assert page.text_input(key="train-data").value == str(faces_folder)
    page.number_input(key="train-emoscope-epochs").set_value(3)
    page.text_area(key="train-emoscope-further").set_value("augmentation.rotation: 5\n")
    submit(page)
    [queued] = jobs()
    assert (queued.key, queued.epochs, queued.state) == ("emoscope-1", 3, "queued")
    assert queued.command[3] == "train"
    assert queued.command[5:] == (
        f"--data={faces_folder}", f"--output={root / 'emoscope-1'}",
    )  # fmt: skip
    before = yaml.safe_load(config_files()["emoscope"].read_text())
    wanted = before | {"epochs": 3, "augmentation": before["augmentation"] | {"rotation": 5}}
    assert yaml.safe_load((queued.folder / "config.yaml").read_text()) == wanted


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("train-data", "/nowhere/at/all", "There is no file or folder"),
        ("train-data", "", "No data set was named"),
        ("train-emoscope-further", "rotation 5", "cannot be read"),
        ("train-emoscope-further", "augmentation.rotatoin: 5", "Did you mean 'rotation'"),
        ("train-name-emoscope-1", "../../etc", "cannot be the name of a run"),
    ],
)
def test_what_cannot_be_trained_is_one_sentence_and_queues_nothing(root, field, value, sentence):
    page = opened()
    (page.text_area if "further" in field else page.text_input)(key=field).set_value(value)
    submit(page)
    assert sentence in texts(page).replace("\\", "")
    assert jobs() == []


def test_a_running_training_shows_its_curves_and_is_stopped(root, monkeypatch):
    running = job("toy", "running")
    write_history(training_jobs.checkpoint_of("toy").with_suffix(""), ROWS)
    sent = []
    monkeypatch.setattr("os.killpg", lambda group, kind: sent.append((group, kind)))
    with held(queue_root() / training_jobs.LOCK) as lock:
        note(lock, {"job": "toy", "group": 4711})
        page = opened()
        assert len(page.get("plotly_chart")) == 3
        assert {tile.label: tile.value for tile in page.metric} == {
            "Epoch": "1 / 4",
            "Best validation accuracy, epoch 1": "45.0 %",
            "Validation loss": "1.200",
            "An epoch takes": "8 s",
        }
        page.button(key="stop-toy-False").click()
        checked(page.run())
        assert sent == [(4711, signal.SIGINT)] and running.stop_file.exists()
        page.button(key="stop-toy-True").click()
        checked(page.run())
        assert sent[1:] == [(4711, signal.SIGKILL)]


def test_others_wait_with_a_message_and_can_be_removed(root):
    job("first", "running")
    job("second", "queued")
    with held(queue_root() / training_jobs.LOCK):
        page = opened()
        assert "One training runs at a time" in texts(page)
        assert "**second** · 4 epochs" in texts(page).replace("\\", "")
        assert "Add to the queue" in labels(page) and "Start training" not in labels(page)
        page.button(key="remove-second").click()
        checked(page.run())
    assert [found.key for found in jobs()] == ["first"]


def test_a_stopped_training_resumes_and_a_failed_one_says_why(root):
    job("half", "stopped")
    write_history(training_jobs.checkpoint_of("half").with_suffix(""), ROWS)
    failed = job("poor", "failed", status=1)
    (failed.folder / "output.log").write_text("epoch 1\nerror: The data are gone. Bring them.\n")
    page = opened()
    assert "1 of 4 epochs · best validation accuracy 45.0 %" in texts(page)
    assert "The data are gone. Bring them." in texts(page)
    page.button(key="resume-half").click()
    checked(page.run())
    assert {found.key: found.state for found in jobs()} == {"half": "queued", "poor": "failed"}


def test_a_finished_training_leads_to_its_evaluation_and_leaves_the_list_only(root):
    done = job("made", "finished", status=0)
    (root / "made").mkdir()
    page = opened()
    assert {"Evaluation", "Curves", "Compare"} <= {link.label for link in page.get("page_link")}
    page.button(key="discard-made").click()
    checked(page.run())
    assert not done.folder.exists() and (root / "made").is_dir()


@pytest.mark.parametrize(("setting", "sentence"), [("off", "switched off"), ("", "from other machines")])
def test_where_it_is_off_the_page_says_so_and_offers_nothing(root, monkeypatch, setting, sentence):
    monkeypatch.setenv("EMOSCOPE_TRAINING", setting)
    job("half", "stopped")
    page = opened()
    assert sentence in texts(page)
    assert not page.button and not page.text_input


def test_every_configuration_says_what_it_is():
    for name, file in config_files().items():
        assert len(description(file.read_text())) > 20, name


def test_a_job_is_data_that_survives_a_restart(root):
    saved = replace(job("toy", "stopped"), status=130)
    saved.save()
    assert json.loads((saved.folder / "job.json").read_text())["status"] == 130
    assert jobs() == [saved]
