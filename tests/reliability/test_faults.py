"""Processes that are killed at any moment while they write: what was there before stays whole, or the new is."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from emoscope.model.runs.foreign.merge import import_results
from emoscope.model.runs.run import Run, iter_runs, load_run
from tests.browser.serving import serving
from tests.factories import write_run
from tests.paths import ROOT

MOMENTS = 100

# Writes over and over, in children that are killed after as many microseconds as the moment says; prints nothing else.
KILLER = """
import os, signal, sys, time
from pathlib import Path
from tests.reliability import test_faults

folder, work, moments = Path(sys.argv[1]), getattr(test_faults, sys.argv[2]), int(sys.argv[3])
check = getattr(test_faults, "check_" + sys.argv[2])
started = time.perf_counter()
work(folder, 0)
took = time.perf_counter() - started
check(folder)
for moment in range(1, moments + 1):
    child = os.fork()
    if child == 0:
        work(folder, moment)
        os._exit(0)
    time.sleep(took * moment / moments)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    check(folder)
print("whole at", moments, "moments")
"""


def saved(folder: Path, number: int) -> None:
    """Save a run anew, with a history and predictions that belong together."""
    (folder / "one").mkdir(exist_ok=True)
    write_run(folder, "one", n=50 + number % 7, epochs=3 + number % 5)


def check_saved(folder: Path) -> None:
    [run] = iter_runs(folder)
    assert isinstance(run, Run), run
    for split in run.predicted_splits:
        assert 50 <= len(run.predictions(split).label) < 57
    assert 3 <= len(run.history["epoch"]) < 8


def imported(folder: Path, number: int) -> None:
    """Import results in place of those that were there."""
    source = folder.parent / f"history-{os.getpid()}.json"
    source.write_text(json.dumps({"loss": [1.0] * (3 + number % 5), "accuracy": [0.5] * (3 + number % 5)}))
    import_results([source], name="one", root=folder, overwrite=True)


def check_imported(folder: Path) -> None:
    runs = [run for run in iter_runs(folder) if isinstance(run, Run)]
    assert len(list(iter_runs(folder))) == len(runs) <= 1, "nothing half-written is listed"
    if not runs:  # killed between two renames: the next import finds what was there
        assert (folder / ".importing" / "one.before" / "run.json").is_file()
        imported(folder, 0)
        runs = [load_run(folder / "one")]
    assert 3 <= len(runs[0].history["loss"]) < 8


@pytest.mark.slow
@pytest.mark.parametrize("work", ["saved", "imported"])
def test_a_writer_that_is_killed_leaves_nothing_half_written(tmp_path, work):
    folder = tmp_path / "artifacts"
    folder.mkdir()
    command = [sys.executable, "-c", KILLER, str(folder), work, str(MOMENTS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=250, check=False)
    assert done.stdout.strip() == f"whole at {MOMENTS} moments", done.stderr[-2000:]


def test_a_run_that_cannot_be_replaced_stays(tmp_path, monkeypatch):
    imported(tmp_path, 0)
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.parent.name == ".importing" and not self.name.endswith(".before"):
            raise OSError("the disk is gone")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OSError, match="the disk is gone"):
        imported(tmp_path, 1)
    assert len(load_run(tmp_path / "one").history["loss"]) == 3


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "b" / "run.json").unlink(),
        lambda folder: (folder / "b" / "run.json").write_text("{"),
        lambda folder: (folder / "b").rename(folder / "c"),
        lambda folder: next((folder / "b" / "predictions").glob("*.npz")).write_bytes(b"PK"),
    ],
    ids=["deleted", "half-copied", "renamed", "half-copied predictions"],
)
def test_runs_that_change_under_a_running_app_are_told_and_the_others_served(tmp_path, spoil):
    for key in ("a", "b"):
        write_run(tmp_path, key, n=50, epochs=2)
    with serving(EMOSCOPE_ARTIFACTS=str(tmp_path)) as url:

        def keys() -> list[str]:
            with urllib.request.urlopen(f"{url}/api/v1/runs", timeout=30) as answer:
                return [run["key"] for run in json.load(answer)["runs"]]

        assert {"a", "b"} <= set(keys())
        spoil(tmp_path)
        assert "a" in keys()


def test_the_end_is_soon_and_clean_when_it_is_asked_for():
    """Of a container, by SIGTERM: what is being answered is answered, and the process ends by itself."""
    command = [sys.executable, "-m", "dashboard", "--headless", "--host", "127.0.0.1"]
    app = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while "Emoscope is at" not in (line := app.stdout.readline()):
        assert line, "the app ended before it was ready"
    app.send_signal(signal.SIGTERM)
    _, error = app.communicate(timeout=60)
    assert app.returncode in (0, -signal.SIGTERM) and "Traceback" not in error
