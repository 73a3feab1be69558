"""The same batch on a real Ray cluster of two workers on this machine."""

import os
import signal
import threading
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest
from skimage.data import astronaut

from emoscope.model.__main__ import main
from emoscope.model.errors import EmoscopeError
from emoscope.model.pictures.batch import PipelineSettings, Task, predict_pictures
from emoscope.model.pictures.ray_engine import predict_pictures_on_ray
from tests.factories import write_tiny_run
from tests.ray_cluster import two_workers

pytestmark = pytest.mark.slow

PICTURES = 160


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A run, and photos of which three are broken."""
    folder = tmp_path_factory.mktemp("ray")
    write_tiny_run(folder / "runs")
    (folder / "faces").mkdir()
    random = np.random.default_rng(0)
    face = cv2.resize(astronaut()[40:240, 130:330, ::-1], (120, 120), interpolation=cv2.INTER_AREA)
    for i in range(PICTURES):
        picture = np.clip(face * random.uniform(0.3, 1.2), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / "faces" / f"{i:03}.jpg"), picture)
    for i in (3, 70, 150):
        (folder / "faces" / f"{i:03}.jpg").write_bytes(b"broken")
    return folder


@pytest.fixture(scope="module")
def address():
    with two_workers() as address:
        yield address


def tasks(folder: Path) -> list[Task]:
    return [Task(path) for path in sorted((folder / "faces").iterdir())]


def readers() -> list[psutil.Process]:
    """The workers' processes that read."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if any("_Worker" in word for word in process.info["cmdline"] or ()):
            found.append(process)
    return found


def test_two_workers_give_what_one_process_gives_though_one_is_killed(folder, address, monkeypatch):
    monkeypatch.chdir(folder)
    settings = PipelineSettings(folder / "runs" / "emoscope", "haar")
    expected = list(predict_pictures(tasks(folder), settings))
    entries, killed = [], []
    for entry in predict_pictures_on_ray(tasks(folder), settings, address, workers=2):
        entries.append(entry)
        if not killed:
            victim = readers()[-1]
            os.kill(victim.pid, signal.SIGKILL)
            killed.append(victim)
    assert len(killed) == 1 and not killed[0].is_running()
    assert entries == expected
    assert [i for i, entry in enumerate(entries) if "error" in entry] == [3, 70, 150]


def test_the_command_writes_the_same_file_on_a_cluster(folder, address, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(folder / "runs"))
    command = ["predict", "faces", "--detector", "none", "--csv"]
    assert main([*command, "here.csv", "--processes", "1"]) == 1
    assert main([*command, "there.csv", "--engine", "ray", "--address", address]) == 1
    assert "3 of 160 files could not be opened" in capsys.readouterr().err
    assert Path("there.csv").read_bytes() == Path("here.csv").read_bytes()


def reading() -> list[str]:
    """The threads that could still ask Ray for something, which ends the process once Ray is shut down."""
    return [
        name
        for name in (thread.name for thread in threading.enumerate())
        if name.startswith(("iter", "Stream", "ray-data"))
    ]


@pytest.fixture
def ended(monkeypatch) -> list[list[str]]:
    """The threads that still read whenever Ray is shut down."""
    import ray

    seen, shutdown = [], ray.shutdown
    monkeypatch.setattr(ray, "shutdown", lambda: (seen.append(reading()), shutdown()))
    return seen


def test_what_a_worker_cannot_do_is_one_sentence(folder, address, ended):
    settings = PipelineSettings(folder / "runs" / "emoscope", "none")
    (folder / "file").touch()
    with pytest.raises(EmoscopeError, match="cannot be written"):
        list(predict_pictures_on_ray([Task(tasks(folder)[0].path, folder / "file" / "a.png")], settings, address))
    assert ended == [[]]


def test_nothing_reads_any_more_where_the_reader_stopped_early(folder, address, ended):
    entries = predict_pictures_on_ray(tasks(folder), PipelineSettings(folder / "runs" / "emoscope", "haar"), address)
    next(entries)
    assert reading()
    entries.close()
    assert ended == [[]]


def test_an_address_without_ray_is_refused(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    assert main(["predict", "faces", "--address", "nowhere:6379"]) == 2
    assert "Add --engine ray" in capsys.readouterr().err
