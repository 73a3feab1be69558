from dataclasses import replace

import numpy as np
import pytest

from emoscope.model.errors import RunError
from emoscope.model.networks.load import load_classifier
from emoscope.model.runs.run import load_run
from emoscope.training.__main__ import main
from emoscope.training.commands.calibrate import fold_temperature
from tests.training.made_up import make_dataset, make_run


def make_scored(root, **fields):
    """Write a run around a Keras network that calls bright pictures happy and dark ones sad, scored on its data."""
    from emoscope.training.evaluation.evaluate import evaluate_run
    from emoscope.training.exporting.convert import export_litert
    from tests.assets.make_networks import build

    dataset = make_dataset(30)
    split = dataset.splits["PublicTest"]
    labels = split.labels.copy()
    labels[:6] = 4  # bright ones called sad, or everything would be right, and no confidence too high
    dataset = replace(dataset, splits={**dataset.splits, "PublicTest": replace(split, labels=labels)})
    run = make_run(root, "toy", training_seconds=1.0, **fields)
    build().save(run.path / "model.keras")
    export_litert(run)
    return evaluate_run(load_run(run.path), dataset, ("PublicTest",)), dataset


@pytest.mark.slow
def test_a_folded_temperature_leaves_nothing_to_calibrate(tmp_path):
    from emoscope.model.evaluation.calibration import apply_temperature, calibrate_run

    run, dataset = make_scored(tmp_path)
    before = run.predictions("PublicTest").probabilities
    run = fold_temperature(run, dataset)
    temperature = float(run.info.note.split("temperature of ")[1].split()[0])
    after = run.predictions("PublicTest").probabilities
    np.testing.assert_allclose(after, apply_temperature(before, temperature), atol=5e-3)
    assert calibrate_run(run)["temperature"] == pytest.approx(1, abs=0.01)
    images = list(dataset.splits["PublicTest"].images)
    np.testing.assert_allclose(load_classifier(run).classify(images).probabilities, after, atol=1e-5)


def test_folding_needs_the_runs_own_data(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EMOSCOPE_DATA", raising=False)
    run = make_run(tmp_path, "toy")
    assert main(["calibrate", str(run.path), "--into-network"]) == 2
    assert "Give --data" in capsys.readouterr().err


@pytest.mark.slow
def test_a_network_that_ends_otherwise_is_refused(tmp_path):
    import keras

    run, dataset = make_scored(tmp_path)
    pixels = keras.Input((*run.info.input_size, run.info.channels))
    scores = keras.layers.Dense(len(run.info.class_names), "softmax")(keras.layers.Flatten()(pixels))
    keras.Model(pixels, scores).save(run.path / "model.keras")
    with pytest.raises(RunError, match="ends in softmax"):
        fold_temperature(run, dataset)
