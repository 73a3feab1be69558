"""The same training on one device, on two, and on a real Ray cluster of two workers of which one is killed."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import psutil
import pytest

from emoscope.model.errors import ConfigError, DataError, EmoscopeError
from emoscope.training.__main__ import main
from emoscope.training.cluster.worker import on_loss, own_error
from emoscope.training.loop.checkpoint import Checkpoint
from tests.paths import ROOT
from tests.ray_cluster import two_workers

pytestmark = pytest.mark.slow

EPOCHS = 6
CONFIG = f"""
name: Toy
options: {{stem: [4, 4], widths: [4], blocks: [1], dropout: 0.1}}
input_size: 16
epochs: {EPOCHS}
batch_size: 16
learning_rate: 0.05
ema_decay: 0.9
mixup: 0.2
augmentation: {{flip: false, rotation: 5}}
"""
# Quick to compile, and what one process compiled is not compiled again by the next.
QUICK = {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
# Sums over a batch are added up in another order where its halves lie on two devices.
TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Pictures of two classes that are bright in one half, and a configuration."""
    folder = tmp_path_factory.mktemp("scale")
    rng = np.random.default_rng(0)
    for split in ("train", "validation"):
        for label, name in enumerate(("down", "up")):
            (folder / "data" / split / name).mkdir(parents=True)
            for i in range(64):
                image = rng.integers(0, 90, (16, 16), np.uint8)
                image[8 * label : 8 * label + 8] += 80
                cv2.imwrite(str(folder / "data" / split / name / f"{i}.png"), image)
    (folder / "toy.yaml").write_text(CONFIG)
    return folder


@pytest.fixture(scope="module")
def quick(folder):
    """Let every process that is started from here compile quickly."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in QUICK.items():
            patch.setenv(name, value)
        patch.setenv("JAX_COMPILATION_CACHE_DIR", str(folder / "compiled"))
        patch.setenv("JAX_PLATFORMS", "cpu")
        yield


@pytest.fixture(scope="module")
def address(quick):
    with two_workers() as address:
        yield address


ONE_AND_TWO = """
import sys
from emoscope.training.commands import train
from emoscope.training.__main__ import main
from emoscope.training.loop.save import save_runs

def keep(trained, config, dataset, output, splits):
    save_runs(trained, config, dataset, output)
    return []

train.keep = keep
folder = sys.argv[1]
command = ["train", f"{folder}/toy.yaml", "--data", f"{folder}/data", "--output"]
assert main([*command, f"{folder}/runs/one"]) == 0
assert main([*command, f"{folder}/runs/two", "--all-devices"]) == 0
"""


@pytest.fixture(scope="module")
def here(folder, quick) -> str:
    """Train in one process, on one device and on two; return what is printed."""
    pytest.importorskip("jax", reason="needs requirements-cluster.txt")
    environment = os.environ | {
        "KERAS_BACKEND": "jax",
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-c", ONE_AND_TWO, str(folder)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280)
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout


def command(folder: Path, output: str, *flags: str) -> list[str]:
    return ["train", f"{folder}/toy.yaml", "--data", f"{folder}/data", "--output", f"{folder}/runs/{output}", *flags]


def checkpoint_file(folder: Path, output: str) -> Path:
    return folder / "runs" / ".checkpoints" / f"{output}.npz"


def assert_same(found: Checkpoint, expected: Checkpoint):
    assert found.identity == expected.identity
    assert len(found.history) == len(expected.history) == EPOCHS
    for row, wanted in zip(found.history, expected.history, strict=True):
        for key in set(wanted) - {"seconds"}:
            np.testing.assert_allclose(row[key], wanted[key], **TOLERANCE, err_msg=key)
    for name in Checkpoint.ARRAYS:
        for array, wanted in zip(getattr(found, name), getattr(expected, name), strict=True):
            np.testing.assert_allclose(array, wanted, **TOLERANCE, err_msg=name)


@pytest.fixture
def kept(monkeypatch) -> list:
    """What a finished training hands on to be saved."""
    handed = []
    monkeypatch.setattr("emoscope.training.commands.train.keep", lambda trained, *_, **__: handed.append(trained) or [])
    return handed


def test_two_devices_train_what_one_trains(folder, here):
    assert "Training on cpu:0, cpu:1" in here
    one, two = (Checkpoint.load(checkpoint_file(folder, name)) for name in ("one", "two"))
    assert one.history[-1]["val_accuracy"] > 0.9 and one.history[0]["loss"] > 1.5 * one.history[-1]["loss"]
    assert_same(two, one)
    assert (folder / "runs" / "two" / "model.keras").is_file()


class Killer(threading.Thread):
    """Kills one worker as soon as there is a checkpoint."""

    def __init__(self, file: Path):
        super().__init__(daemon=True)
        self.file, self.victim, self.before = file, None, None

    def run(self):
        while not self.file.exists():
            time.sleep(0.01)
        *_, self.victim = workers()
        os.kill(self.victim.pid, signal.SIGKILL)
        self.before = Checkpoint.load(self.file)


def workers() -> list[psutil.Process]:
    """The processes that train for this test's cluster."""
    return [p for p in psutil.Process().children(recursive=True) if "RayTrainWorker" in " ".join(p.cmdline())]


@pytest.mark.timeout(900)
def test_two_workers_train_what_one_process_trains_though_one_is_killed(folder, here, address, kept, capsys):
    killer = Killer(checkpoint_file(folder, "cluster"))
    killer.start()
    assert main(command(folder, "cluster", "--workers", "2", "--address", address)) == 0
    killer.join()
    assert not killer.victim.is_running()
    done = len(killer.before.history)
    assert 0 < done < EPOCHS, "it was killed on the way"
    one, cluster = (Checkpoint.load(checkpoint_file(folder, name)) for name in ("one", "cluster"))
    assert cluster.history[:done] == killer.before.history, "epochs were kept with the seconds that they had taken"
    assert_same(cluster, one)
    [trained] = kept
    for weights, wanted in zip(trained.network.get_weights(), one.best, strict=True):
        np.testing.assert_allclose(weights, wanted, **TOLERANCE)
    assert trained.environment["backend"] == "jax"
    assert len(trained.environment["device"].split(", ")) == 2
    printed = capsys.readouterr().out
    assert "A worker was lost" in printed
    assert [f"epoch {i + 1}/{EPOCHS} at 16 px" in printed for i in range(EPOCHS)] == [True] * EPOCHS


def test_what_a_worker_finds_wrong_is_not_tried_again(tmp_path):
    failures = pytest.importorskip("ray.train.v2._internal.exceptions", reason="needs requirements-cluster.txt")
    from ray.train import ControllerError

    wrong = failures.UserExceptionWithTraceback(DataError("There is no file.", "Look elsewhere."), "Traceback …")
    with pytest.raises(DataError) as raised:
        on_loss(tmp_path / "state.npz", tmp_path / "losses").after_exception(None, {1: wrong})
    travelled = pickle.loads(pickle.dumps(ControllerError(raised.value)))
    assert str(own_error(travelled)) == "There is no file. Look elsewhere."


def test_workers_that_fail_three_times_in_an_epoch_end_the_training(tmp_path):
    pytest.importorskip("ray", reason="needs requirements-cluster.txt")
    state, losses = tmp_path / "state.npz", tmp_path / "losses"
    lost = {0: RuntimeError("first line\nthe host is gone")}
    callback = on_loss(state, losses)
    callback.after_exception(None, lost)
    callback.after_exception(None, lost)
    state.touch()  # an epoch was finished
    callback.after_exception(None, lost)
    callback.after_exception(None, lost)
    assert losses.read_text() == "the host is gone\n" * 4
    with pytest.raises(EmoscopeError, match="3 times in the same epoch, the last time with: the host is gone"):
        callback.after_exception(None, lost)


def test_a_cluster_that_is_too_small_is_one_sentence(folder, address, capsys):
    assert main(command(folder, "none", "--workers", "4", "--address", address)) == 2
    assert "has room for 2 of 4 workers" in capsys.readouterr().err


def test_another_backend_is_refused(folder, capsys, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setattr("keras.backend.backend", lambda: "torch")
    assert main(command(folder, "none", "--all-devices")) == 2
    error = capsys.readouterr().err
    assert error == (
        "error: Keras runs on torch, and only JAX spreads a training over devices. "
        "Give the same command with KERAS_BACKEND=jax.\n"
    )


def test_a_batch_that_cannot_be_shared_is_refused(folder, capsys, monkeypatch):
    assert main(command(folder, "none", "--workers", "3")) == 2
    assert "A batch of 16 images cannot be shared by 3 workers. Set batch_size" in capsys.readouterr().err
    from emoscope.training.backend.devices import check_batch

    monkeypatch.setattr("keras.distribution.distribution", lambda: SimpleNamespace(num_model_replicas=3))
    check_batch(15)
    with pytest.raises(ConfigError, match="16 images cannot be shared by 3 devices"):
        check_batch(16)


@pytest.mark.parametrize("missing", ["ray", "jax"])
def test_a_missing_package_is_one_sentence(folder, capsys, monkeypatch, missing):
    if missing == "ray":
        monkeypatch.setitem(sys.modules, "ray", None)
    else:
        monkeypatch.setattr("emoscope.training.cluster.driver.find_spec", lambda name: None)
    assert main(command(folder, "none", "--workers", "2")) == 2
    error = capsys.readouterr().err
    assert "is not installed. Run `pip install -r requirements-cluster.txt`." in error and error.count("\n") == 1


def test_an_address_where_nobody_listens_is_one_sentence(folder, capsys):
    started = time.monotonic()
    assert main(command(folder, "none", "--workers", "2", "--address", "127.0.0.1:9")) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: The Ray cluster at 127.0.0.1:9 cannot be reached") and error.count("\n") == 1
    assert time.monotonic() - started < 60


def test_an_address_without_workers_is_refused(folder, capsys):
    assert main(command(folder, "none", "--address", "head:6379")) == 2
    assert "Give --workers, the number of hosts." in capsys.readouterr().err
