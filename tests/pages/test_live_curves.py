"""Training curves follow a training: of ``emoscope.RunLogger`` and of ``python -m training``."""

import os
import time
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

import emoscope
from emoscope.dashboard.evaluation.trainings import trainings, unfinished_runs
from emoscope.model.runs.files import checkpoint_of
from emoscope.model.runs.run import load_run, write_history, write_run_info
from tests.pages.evaluation_app import checked, open_page, texts

ROW = {"loss": 1.0, "accuracy": 0.5, "val_loss": 1.5, "val_accuracy": 0.5, "seconds": 10.0}


@pytest.fixture
def log(world):
    found = emoscope.RunLogger("mine", config={"epochs": 9})
    yield found
    found.close()


def unfinished(world, key, rows):
    """Write what a training leaves after some epochs."""
    folder = checkpoint_of(world / key).with_suffix("")
    write_run_info(folder, replace(load_run(world / "emoscope").info, config={"epochs": 4}, is_training=True))
    write_history(folder, [ROW] * rows)
    return folder


def age(folder, seconds):
    then = time.time() - seconds
    for file in (folder / "history.csv", folder / "run.json"):
        os.utime(file, (then, then))


def test_a_logged_training_is_followed_until_it_is_closed(log, world):
    page = open_page("training_curves")
    assert page.multiselect(key="runs").value[0] == "mine"  # a training that goes on comes first
    assert "mine: training, epoch 1 of 9" in texts(page)
    assert "mine has no history.csv" not in texts(page)
    for _ in range(6):
        log.epoch(accuracy=0.5)
    assert "mine: training, epoch 7 of 9" in texts(checked(page.run()))
    log.close()
    assert "training, epoch" not in texts(checked(page.run()))


def test_how_far_a_training_is_changes_with_each_row(log, world):
    runs = {key: load_run(key) for key in ("mine", "emoscope")}
    assert set(trainings(runs)) == {"mine"}
    seen = trainings(runs)
    assert trainings(runs) == seen
    log.epoch(loss=1.0)
    after = trainings(runs)
    assert after["mine"][0] == "training, epoch 2 of 9" and after["mine"][1] > seen["mine"][1]


def test_a_new_row_draws_the_page_anew(log):
    def page():
        import streamlit as st

        from emoscope.dashboard.evaluation.trainings import follow, trainings
        from emoscope.model.runs.run import load_run

        st.session_state["drawn"] = st.session_state.get("drawn", 0) + 1
        runs = {"mine": load_run("mine")}
        follow(runs, trainings(runs) if st.session_state["drawn"] > 1 else {"mine": ("training, epoch 0", 0)})

    app = checked(AppTest.from_function(page).run())
    assert app.session_state["drawn"] == 2
    assert "mine: training, epoch 1 of 9" in texts(app)


def test_steps_are_told_as_steps(world):
    with emoscope.RunLogger("steps") as log:
        log.step(1200, loss=1.0)
        assert trainings({"steps": load_run("steps")})["steps"][0] == "training, step 1,200"


def test_a_training_that_is_quiet_for_long_counts_as_cut_off(log, world):
    log.epoch(loss=1.0, seconds=10.0)
    runs = {"mine": load_run("mine")}
    age(log.path, 590)
    assert trainings(runs)
    age(log.path, 610)
    assert not trainings(runs)
    log.epoch(loss=1.0, seconds=3600.0)
    age(log.path, 10000)
    assert trainings(runs)  # its epochs take an hour
    age(log.path, 11000)
    assert not trainings(runs)


def test_a_training_of_our_own_is_followed_before_its_run_is_saved(world):
    folder = unfinished(world, "own-1", 2)
    page = open_page("training_curves", runs="own-1")
    assert "own-1: training, epoch 3 of 4" in texts(page)
    assert page.get("plotly_chart")
    write_history(folder, [ROW] * 4)
    assert "own-1: training, all 4 epochs are done" in texts(checked(page.run()))


def test_a_training_that_is_saved_stopped_or_broken_is_not_followed(world):
    saved = unfinished(world, "emoscope", 4)
    age(saved, 60)
    assert unfinished_runs() == {}  # the saved run is newer
    age(saved, -60)
    assert set(unfinished_runs()) == {"emoscope"}  # it is trained anew
    write_run_info(saved, replace(load_run(saved).info, is_training=False))
    assert unfinished_runs() == {}
    (saved / "run.json").write_text("{")
    assert unfinished_runs() == {}
    assert "broken" not in texts(open_page("training_curves"))


def test_a_training_is_all_that_there_is(world, monkeypatch, tmp_path):
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(tmp_path / "none"))
    assert "There is no saved run yet" in texts(open_page("training_curves"))
    with emoscope.RunLogger("first") as log:
        log.epoch(accuracy=0.5)
        assert "first: training, epoch 2" in texts(open_page("training_curves"))
