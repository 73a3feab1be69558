"""The queue of trainings, with a stand-in for the training: a process that does as a training does, only quicker."""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from emoscope.dashboard.train import jobs as training_jobs
from emoscope.dashboard.train.jobs import LOCK, TrainingJob, jobs, queue_root, read_job
from emoscope.dashboard.train.lock import held, holder, is_held, note
from emoscope.dashboard.train.runner import work
from emoscope.model.errors import ConfigError
from emoscope.model.runs.files import read_json, write_json
from emoscope.model.runs.run import write_history
from tests.paths import ROOT

SLEEP = "import time; print('on', flush=True); time.sleep(60)"


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(tmp_path))
    # Every process that a test starts reads this first, so that its jobs run a stand-in of the training.
    (tmp_path / "stand-in").mkdir()
    (tmp_path / "stand-in" / "sitecustomize.py").write_text(STAND_IN)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(tmp_path / "stand-in"), str(ROOT))))
    command = property(lambda job: (sys.executable, "-c", (job.folder / "code.py").read_text()))
    monkeypatch.setattr(TrainingJob, "command", command)
    yield tmp_path
    for job in jobs():  # leave no process behind, whatever failed
        training_jobs.stop(job, hard=True)
    until(lambda: not is_held(queue_root() / LOCK))


STAND_IN = """
import os, sys
from pathlib import Path
from emoscope.dashboard.train import jobs
jobs.TrainingJob.command = property(lambda job: (sys.executable, "-c", (job.folder / "code.py").read_text()))
"""


def put(key, code="print('done')", queued=None):
    queued = time.time() if queued is None else queued
    job = TrainingJob(queue_root() / f"{queued}-{key}", key, "/data", 3, queued)
    job.folder.mkdir(parents=True)
    (job.folder / "code.py").write_text(code)
    job.save()
    return job


def state(job):
    return next(found for found in jobs() if found.folder == job.folder).state


def until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def test_the_queue_is_worked_off_in_order_one_at_a_time(root):
    code = "import time; print(time.time()); time.sleep(0.3); print(time.time())"
    second, first = put("second", code, queued=2.0), put("first", code, queued=1.0)
    work(queue_root())
    (_, first_ended), (second_began, _) = ([float(t) for t in job.output.split()] for job in (first, second))
    assert first_ended <= second_began
    assert [(job.key, job.state, job.status) for job in jobs()] == [("first", "finished", 0), ("second", "finished", 0)]


def test_a_second_runner_leaves_the_queue_to_the_first(root):
    job = put("one")
    with held(queue_root() / LOCK):
        work(queue_root())
    assert state(job) == "queued"


def test_a_training_outlives_whoever_started_it_and_is_stopped_from_elsewhere(root):
    job = put("long", SLEEP)
    code = "from emoscope.dashboard.train.jobs import start_runner; start_runner()"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)  # as an app that is closed at once
    until(lambda: "on" in job.output)
    [running] = jobs()
    assert running.state == "running"
    training_jobs.stop(running)
    until(lambda: state(job) == "stopped")
    assert "KeyboardInterrupt" in job.output, "it was interrupted as Ctrl-C would"


def test_what_ignores_the_stop_is_ended_by_the_second(root):
    job = put("deaf", "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN);" + SLEEP)
    training_jobs.start_runner()
    until(lambda: "on" in job.output)
    training_jobs.stop(job)
    time.sleep(0.3)
    assert state(job) == "running"
    training_jobs.stop(job, hard=True)
    until(lambda: state(job) == "stopped")


def test_a_job_taken_out_of_the_queue_is_not_run(root):
    job = put("one")
    training_jobs.stop(job)
    work(queue_root())
    assert (state(job), job.output) == ("stopped", "")


def test_a_resumed_training_runs_the_same_command_again(root):
    job = put("again", "import sys, pathlib; p = pathlib.Path('" + str(root / "ran") + "'); sys.exit(1 - p.exists())")
    work(queue_root())
    assert state(job) == "failed"
    (root / "ran").touch()
    training_jobs.resume(read_job(job.folder))
    until(lambda: state(job) == "finished")


def test_a_training_that_lost_its_runner_still_counts_as_running_and_can_be_stopped(root):
    job = put("orphan", SLEEP)
    runner = subprocess.Popen([sys.executable, "-m", "emoscope.dashboard.train.runner", str(queue_root())], cwd=ROOT)
    until(lambda: "on" in job.output)
    runner.kill()
    runner.wait()
    assert state(job) == "running"
    training_jobs.stop(job)
    until(lambda: state(job) == "stopped")


def test_a_process_of_another_time_is_never_signalled(root):
    bystander = subprocess.Popen([sys.executable, "-c", SLEEP], start_new_session=True)
    job = replace(put("old"), state="running", started=1.0)
    job.save()
    with (queue_root() / LOCK).open("w+") as file:  # as a machine leaves it that goes down: noted, and held by nobody
        note(file.fileno(), {"job": job.folder.name, "group": bystander.pid})
    assert state(job) == "stopped"
    training_jobs.stop(job)
    time.sleep(0.2)
    assert bystander.poll() is None
    os.killpg(bystander.pid, signal.SIGKILL)
    bystander.wait()


def test_a_training_whose_end_nobody_noted_is_known_by_its_figures(root):
    job = replace(put("done"), state="running", started=time.time() - 5)
    job.save()
    assert state(job) == "stopped"
    write_json(root / "done" / "metrics.json", {})
    assert state(job) == "finished"


def test_the_next_runner_notes_what_was_cut_off(root):
    cut = replace(put("cut"), state="running", started=time.time())
    cut.save()
    put("next")
    work(queue_root())
    assert {job.key: read_job(job.folder).state for job in jobs()} == {"cut": "stopped", "next": "finished"}


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("import sys; print('epoch'); print('error: The data are gone. Bring them.', file=sys.stderr); sys.exit(2)",
         "The data are gone. Bring them."),
        ("raise ValueError('a defect')", "ended unexpectedly (status 1)"),
        ("import os; os.kill(os.getpid(), 9)", "memory ran out"),
    ],
)  # fmt: skip
def test_a_failure_is_one_sentence(root, code, sentence):
    put("poor", code)
    work(queue_root())
    [job] = jobs()
    assert job.state == "failed"
    assert sentence in str(training_jobs.problem_of(job))


def test_a_lock_is_free_as_soon_as_its_holder_is_gone(root):
    queue_root().mkdir(parents=True)
    lock = queue_root() / LOCK
    assert holder(lock) is None
    code = f"import os, time, fcntl; f = open({str(lock)!r}, 'w'); fcntl.flock(f, 2); print(flush=True); time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert other.stdout is not None
    other.stdout.readline()
    assert holder(lock) == {}
    other.kill()
    other.wait()
    other.stdout.close()
    assert holder(lock) is None


def test_names_that_are_taken_or_impossible_are_refused(root):
    put("waiting-1")
    (root / "saved-1").mkdir()
    (root / ".checkpoints").mkdir()
    (root / ".checkpoints" / "begun-1.npz").touch()
    for key in ("waiting-1", "saved-1", "begun-1"):
        with pytest.raises(ConfigError, match="already a run or a training") as error:
            training_jobs.check_key(key)
        assert error.value.action == f"Try {key[:-1]}2."
    for key in ("", "../up", ".hidden", "a b", "ä"):
        with pytest.raises(ConfigError, match="cannot be the name"):
            training_jobs.check_key(key)
    training_jobs.check_key(training_jobs.free_key("saved"))


def test_discarding_removes_the_unfinished_and_leaves_the_finished(root):
    for key, kind in (("begun", "stopped"), ("made", "finished")):
        job = replace(put(key), state=kind)
        job.save()
        write_history(training_jobs.checkpoint_of(key).with_suffix(""), [{"loss": 1.0}])
        training_jobs.checkpoint_of(key).touch()
        (root / key).mkdir()
        training_jobs.discard(job)
    assert not training_jobs.checkpoint_of("begun").exists()
    assert training_jobs.checkpoint_of("made").exists()
    assert (root / "made").is_dir() and jobs() == []


def test_a_broken_job_file_hides_no_other(root):
    put("good")
    (queue_root() / "bad").mkdir()
    (queue_root() / "bad" / "job.json").write_text("{")
    (queue_root() / "foreign").mkdir()
    (queue_root() / "foreign" / "job.json").write_text('{"command": ["x"], "colour": 1}')
    assert [job.key for job in jobs()] == ["good"]


@pytest.mark.parametrize(
    "change",
    [
        {"command": ["touch", "x"]},
        {"key": "../up"},
        {"key": 3},
        {"data": "data"},
        {"state": "odd"},
        {"queued": "now"},
        {"epochs": 1.5},
        {"status": "0"},
    ],
)
def test_a_job_with_other_settings_than_its_own_is_none(root, change):
    job = put("good")
    values = read_json(job.folder / "job.json")
    write_json(job.folder / "job.json", values | change)
    assert read_job(job.folder) is None and jobs() == []


def test_jobs_that_came_with_a_folder_of_runs_are_not_run(root):
    job = put("mine")
    shutil.copytree(job.folder, root / ".trainings" / "theirs")
    training_jobs.discard(job)
    assert jobs() == []
    work(queue_root())
    assert not (root / ".trainings" / "theirs" / "output.log").exists()
    assert root not in queue_root().parents


def test_a_training_is_started_by_its_settings_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(tmp_path))
    job = TrainingJob(tmp_path / "job", "mine-1", "/data; touch x", 3, 1.0)
    assert job.command == (
        *(sys.executable, "-m", "emoscope.training", "train", str(tmp_path / "job" / "config.yaml")),
        *("--data=/data; touch x", f"--output={tmp_path / 'mine-1'}"),
    )


def test_a_configuration_is_read_by_the_training_itself():
    found = training_jobs.resolved("epochs: 3\naugmentation: {rotation: 5}")
    assert (found["epochs"], found["augmentation"]["rotation"]) == (3, 5.0)
    with pytest.raises(ConfigError, match="batchsize is not a configuration key"):
        training_jobs.resolved("batchsize: 3")
    with pytest.raises(ConfigError, match="The configuration is not readable YAML"):
        training_jobs.resolved("batchsize: [")
