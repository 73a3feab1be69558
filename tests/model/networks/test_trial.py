"""A network that ends the process that runs it is refused by a sentence, and the process that asked lives on."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from emoscope.model.errors import RunError
from emoscope.model.networks import trial
from emoscope.model.networks.load import load_classifier
from emoscope.model.places import module_environment
from emoscope.training.foreign.files import bring_in
from tests.paths import ASSETS, ROOT
from tests.reliability.fuzz import CORPUS
from tests.training.made_up import make_run

# Where an integer of the flatbuffer is changed, and to what: each ends a process that opens or runs the file.
CRASHES = [(1056, 1), (1048, -1), (1044, -1), (1004, -(2**31))]


@pytest.fixture
def changed(tmp_path):
    def changed(place: int, value: int):
        content = bytearray((ASSETS / "cam.tflite").read_bytes())
        content[place : place + 4] = value.to_bytes(4, "little", signed=True)
        run = make_run(tmp_path)
        run.litert_file.write_bytes(content)
        return run

    return changed


@pytest.mark.parametrize(("place", "value"), CRASHES)
def test_a_network_that_crashes_is_refused_and_the_app_lives(changed, place, value):
    with pytest.raises(RunError, match=r"model\.tflite ends the program that runs it \(SIG\w+\).*export it again"):
        load_classifier(changed(place, value))


def test_a_file_that_crashes_becomes_no_run(changed, tmp_path):
    file = changed(*CRASHES[0]).litert_file
    with pytest.raises(RunError, match="ends the program that runs it"):
        bring_in(file, tmp_path / "new")
    assert not (tmp_path / "new" / "model.tflite").exists()


def test_what_takes_too_long_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(trial, "SECONDS", 0.01)
    monkeypatch.setattr(trial, "_proven", set())
    with pytest.raises(RunError, match=r"took more than 0\.01 seconds"):
        load_classifier(make_run(tmp_path))


def test_what_takes_too_much_memory_ends_elsewhere():
    program = "from emoscope.model.networks import trial; trial.limit_this_process(); bytearray(trial.MEMORY)"
    done = subprocess.run(
        [sys.executable, "-c", program], env=module_environment(), capture_output=True, text=True, timeout=60
    )
    assert done.returncode and "MemoryError" in done.stderr


def test_a_network_that_fills_the_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(trial, "_proven", set())
    run = make_run(tmp_path)
    run.litert_file.write_bytes((CORPUS / "networks" / "251-cam.tflite").read_bytes())
    with pytest.raises(RunError, match="takes over 500 MB of memory"):
        load_classifier(run)


def test_the_memory_of_who_asks_is_not_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(trial, "_proven", set())
    held = np.ones(100_000_000)
    load_classifier(make_run(tmp_path)).close()
    assert held[-1] == 1


def test_a_network_is_tried_once(tmp_path, monkeypatch):
    tried = []
    monkeypatch.setattr(trial, "_proven", set())
    monkeypatch.setattr(trial, "_try", lambda file, runtime: tried.append(file))
    run = make_run(tmp_path)
    for _ in range(2):
        load_classifier(run).close()
    assert tried == [run.litert_file]


def test_what_ships_is_not_tried_and_its_hashes_are_those_of_the_files():
    """The list is written by ``sha256sum artifacts/*/model.tflite artifacts/*/exports/*/model.tflite``."""
    shipped = dict(line.split()[::-1] for line in trial.SHIPPED.read_text().splitlines())
    files = sorted(ROOT.glob("artifacts/*/model.tflite")) + sorted(ROOT.glob("artifacts/*/exports/*/model.tflite"))
    assert shipped == {
        file.relative_to(ROOT).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files
    }
