"""``python -m emoscope.dashboard.train.runner FOLDER``: the process that works off the queue of trainings one by one.

It needs neither the app nor a browser, and leaves when nothing is queued. Who finds the lock held leaves at once.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from emoscope.dashboard.train.jobs import LOCK, TrainingJob, cut_off, read_job
from emoscope.dashboard.train.lock import held, note
from emoscope.model.places import module_environment

NICENESS = 5
"""How far trainings stand back behind the app."""


def work(queue: Path) -> None:
    """Work off the queue until it is empty."""
    while next_job(queue):
        with held(queue / LOCK) as lock:
            if lock is None:
                return
            for left in _all(queue):
                if left.state == "running":  # cut off together with its runner
                    cut_off(left).save()
            while job := next_job(queue):
                run(job, lock)
        # Only then the queue is looked at again: whoever added to it since may have found the lock still held.


def next_job(queue: Path) -> TrainingJob | None:
    """Return the job that has waited longest."""
    waiting = [job for job in _all(queue) if job.state == "queued" and not job.stop_file.exists()]
    return min(waiting, key=lambda job: job.queued, default=None)


def run(job: TrainingJob, lock: int) -> None:
    """Run one training and note how it ended."""
    job = replace(job, state="running", started=time.time())
    job.save()
    with (job.folder / "output.log").open("ab") as log:
        process = subprocess.Popen(
            job.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=module_environment(PYTHONUNBUFFERED="1", TF_CPP_MIN_LOG_LEVEL="3"),
            pass_fds=(lock,),
            start_new_session=True,  # a group of its own, to which a stop is sent
        )
    note(lock, {"job": job.folder.name, "group": process.pid})
    if job.stop_file.exists():  # asked for before there was a group to send it to
        os.killpg(process.pid, signal.SIGINT)
    # Until `wait` below its number stays taken, so nobody who reads the note signals another process.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    note(lock, {})
    status = process.wait()
    stopped = job.stop_file.exists() or status == 130
    job = replace(job, status=status, ended=time.time())
    replace(job, state="finished" if status == 0 else "stopped" if stopped else "failed").save()


def _all(queue: Path) -> list[TrainingJob]:
    return [job for file in queue.glob("*/job.json") if (job := read_job(file.parent)) is not None]


def main() -> None:
    """Work off the queue in the folder that is named."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's `&` has it ignored, which trainings would inherit
    os.nice(NICENESS)
    work(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
