"""The scripts of docs/examples, run as their first lines say, on a few made-up faces."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from emoscope.model.places import module_environment
from emoscope.model.runs.run import load_run
from tests.factories import FER7
from tests.paths import ROOT

pytestmark = pytest.mark.slow
EXAMPLES = ROOT / "docs" / "examples"


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A folder with ``fer2013.csv``: twenty noisy images of each class in each split, brighter from class to class."""
    folder, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    lines = ["emotion,pixels,Usage"]
    for usage in ("Training", "PublicTest", "PrivateTest"):
        for label in [*range(len(FER7))] * 20:
            image = rng.integers(0, 40, 48 * 48) + 30 * label
            lines.append(f"{label},{' '.join(map(str, image))},{usage}")
    (folder / "fer2013.csv").write_text("\n".join(lines) + "\n")
    return folder


def run_script(folder: Path, *command: str | Path) -> str:
    environment = module_environment(
        EMOSCOPE_ARTIFACTS=str(folder / "runs"), EMOSCOPE_STATE=os.environ["EMOSCOPE_STATE"]
    )
    done = subprocess.run(
        [sys.executable, *map(str, command)], cwd=folder, env=environment, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_the_network_in_pytorch_logs_its_curves_and_predictions(data, tmp_path):
    pytest.importorskip("torch", reason="needs requirements-torch.txt")
    run_script(tmp_path, EXAMPLES / "pytorch_resnet.py", data, "--epochs", "2")
    run = load_run(tmp_path / "runs" / "PyTorch-ResNet")
    assert {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"} <= run.history.keys()
    assert len(run.history["val_loss"]) == 2
    assert set(run.predicted_splits) == {"PublicTest", "PrivateTest"} and not run.info.is_training
    assert run.predictions("PrivateTest").probabilities.shape == (140, 7)


def test_the_classifier_in_scikit_learn_is_imported_from_its_table(data, tmp_path):
    run_script(tmp_path, EXAMPLES / "scikit_learn_hog.py", data, "--components", "30")
    name = "HOG and logistic regression"
    printed = run_script(
        tmp_path, "-m", "emoscope.training", "import", "hog.csv", "--name", name, "--split", "PrivateTest"
    )
    assert "140" in printed
    run = load_run(tmp_path / "runs" / "HOG-and-logistic-regression")
    assert run.info.class_names == FER7 and run.predicted_splits == ("PrivateTest",)
    labels = run.predictions("PrivateTest").label
    np.testing.assert_array_equal(np.bincount(labels), [20] * 7)
