"""Cross-validation: every image is answered by the one network that never saw it."""

from dataclasses import replace

import numpy as np
import pytest

from emoscope.model.errors import ConfigError, DataError, EmoscopeError
from emoscope.model.runs.predictions import Predictions, write_predictions
from emoscope.model.runs.run import load_run, write_history, write_run_info
from emoscope.training.commands import crossval
from emoscope.training.commands.crossval import cross_validate, spread
from emoscope.training.config.schema import TrainConfig
from emoscope.training.evaluation.evaluate import with_metrics
from tests.training.made_up import make_dataset, make_run

FOLDS = 3


@pytest.fixture
def dataset():
    made = make_dataset(per_class=9)
    split = made.splits["Training"]
    hashes = split.pixel_hash.copy()
    hashes[1] = hashes[0]  # two copies of an image
    return replace(made, splits={**made.splits, "Training": replace(split, pixel_hash=hashes)})


@pytest.fixture
def trained_on(monkeypatch):
    """Replace training by a known network; records the hashes that each fold was trained on."""
    seen = {}

    def train(config, rest, checkpoint, fresh=False):
        seen[checkpoint.stem] = rest.splits["Training"].pixel_hash
        return config

    def keep(trained, config, dataset, output, note="", splits=None):
        assert "PrivateTest" in dataset.splits and "PrivateTest" not in splits, "the test split stays out"
        info = replace(make_run(output.parent, output.name).info, note=note, config=crossval.asdict(config))
        info = replace(info, dataset=replace(info.dataset, fingerprint=dataset.fingerprint))
        write_run_info(output, replace(info, config=crossval.asdict(config), training_seconds=2.0))
        write_history(output, [{"loss": 1.0}])
        return [load_run(output)]

    pytest.importorskip("keras")
    monkeypatch.setattr("emoscope.training.loop.train.train", train)
    monkeypatch.setattr(crossval, "keep", keep)
    return seen


def test_each_image_is_answered_by_a_network_that_never_saw_it_or_its_copy(tmp_path, dataset, trained_on):
    (gathered,) = cross_validate(TrainConfig(), dataset, FOLDS, tmp_path / "cv")
    split = dataset.splits["Training"]
    found = gathered.predictions("Training")
    np.testing.assert_array_equal(found.index, np.arange(len(split)))
    np.testing.assert_array_equal(found.pixel_hash, split.pixel_hash)
    np.testing.assert_array_equal(found.label, split.labels)
    for number in range(1, FOLDS + 1):
        held_out = load_run(tmp_path / f"cv-fold{number}").predictions("Training")
        assert not set(held_out.pixel_hash) & set(trained_on[f"cv-fold{number}"])
        np.testing.assert_array_equal(held_out.probabilities, found.probabilities[held_out.index])
    assert gathered.metrics["Training"]["n"] == len(split)
    assert gathered.info.config["folds"] == FOLDS
    assert gathered.info.training_seconds == 2.0 * FOLDS
    assert "Out-of-fold predictions of 3 networks" in gathered.info.note


def test_a_finished_fold_is_not_repeated(tmp_path, dataset, trained_on, monkeypatch):
    gather = crossval._gather
    monkeypatch.setattr(crossval, "_gather", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(EmoscopeError, match="could not be written \\(No space left on device\\)"):
        cross_validate(TrainConfig(), dataset, FOLDS, tmp_path / "cv")
    monkeypatch.setattr(crossval, "_gather", gather)
    (tmp_path / "cv-fold2" / "predictions" / "Training.npz").unlink()
    trained_on.clear()
    cross_validate(TrainConfig(), dataset, FOLDS, tmp_path / "cv")
    assert list(trained_on) == ["cv-fold2"]
    trained_on.clear()
    cross_validate(TrainConfig(epochs=7), dataset, FOLDS, tmp_path / "cv")
    assert len(trained_on) == FOLDS, "another configuration is another cross-validation"


def test_the_spread_is_numpys(tmp_path):
    runs, accuracies = [], [0.5, 0.75, 1.0]
    for number, accuracy in enumerate(accuracies):
        run = make_run(tmp_path, f"fold{number}")
        label = np.zeros(4, np.int64)
        answers = np.where(np.arange(4) < 4 * accuracy, 0, 1)
        write_predictions(
            run.path, "train", Predictions(np.arange(4), label.astype(np.uint64), label, np.eye(7)[answers])
        )
        runs.append(with_metrics(run))
    assert spread(runs)["accuracy"] == pytest.approx((np.mean(accuracies), np.std(accuracies, ddof=1)))


def test_what_cannot_be_divided_is_named(tmp_path, dataset):
    with pytest.raises(ConfigError, match="fewer than the 99 folds"):
        cross_validate(TrainConfig(), dataset, 99, tmp_path / "cv")
    test_only = replace(dataset, splits={"PrivateTest": dataset.splits["PrivateTest"]})
    with pytest.raises(DataError, match="has no training split"):
        cross_validate(TrainConfig(), test_only, 3, tmp_path / "cv")
