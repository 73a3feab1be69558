import numpy as np
import pytest

from emoscope.dashboard.train.jobs import TrainingJob, checkpoint_of
from emoscope.dashboard.train.progress import duration, progress
from emoscope.model.runs.run import write_history


@pytest.fixture
def job(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(tmp_path / "runs"))
    return TrainingJob(tmp_path, "toy", (), epochs=10, queued=0.0, state="running", started=1000.0)


def ended(job, at, seconds):
    import os

    folder = checkpoint_of(job.key).with_suffix("")
    write_history(folder, [{"loss": 1.0, "seconds": s} for s in seconds])
    os.utime(folder / "history.csv", (at, at))
    return job.history()


def test_time_left_is_the_pace_of_the_last_epochs(job):
    history = ended(job, 1100.0, [50, 10, 20, 30])
    found = progress(job, history, now=1105.0)
    assert (found.done, found.pace) == (4, 20.0)
    assert found.text == "Epoch 5 of 10, about 2 min left."  # 6 epochs of 20 s, of which 5 s are over
    assert found.share == pytest.approx((4 + 5 / 20) / 10)


def test_a_slow_epoch_counts_for_one_at_most(job):
    history = ended(job, 1100.0, [20.0])
    assert progress(job, history, now=9999.0).share == pytest.approx(2 / 10)


def test_a_resumed_training_does_not_count_the_pause(job):
    history = ended(job, 500.0, [20.0])  # before it was started again, at 1000
    assert progress(job, history, now=1010.0).share == pytest.approx((1 + 0.5) / 10)


def test_before_the_first_and_after_the_last_epoch_it_says_what_happens(job):
    assert "first epoch, 30 s so far" in progress(job, {}, now=1030.0).text
    history = ended(job, 1100.0, [1.0] * 10)
    found = progress(job, history, now=1101.0)
    assert found.share == 1 and "evaluating" in found.text


def test_durations_are_written_for_people():
    assert [duration(s) for s in (0, 45.4, 600, 7200)] == ["0 s", "45 s", "10 min", "2.0 h"]


def test_a_history_without_times_has_no_pace(job):
    assert progress(job, {"loss": np.ones(3)}, now=1001.0).pace == 0
