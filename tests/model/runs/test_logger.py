"""Trainings of any script become saved runs while they go on."""

import json
import subprocess
import sys
import threading
from argparse import Namespace
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import emoscope
from emoscope.model.evaluation.comparison import pair_runs
from emoscope.model.runs.run import load_run, read_history
from tests.factories import write_run
from tests.paths import ROOT


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(tmp_path / "artifacts"))
    for rank in ("RANK", "LOCAL_RANK"):
        monkeypatch.delenv(rank, raising=False)
    return tmp_path / "artifacts"


@pytest.fixture
def logged(root):
    """Make loggers that are closed before their folder goes."""
    opened = []

    def make(*args, **options):
        opened.append(emoscope.RunLogger(*args, **options))
        return opened[-1]

    yield make
    for log in opened:
        log.close()


def test_rows_are_there_as_soon_as_they_are_logged(logged, root):
    log = logged("my resnet", config={"learning_rate": 1e-3})
    assert load_run(root / "my-resnet").info.is_training
    log.epoch(loss=2.0, accuracy=0.25, val_loss=2.5, learning_rate=1e-3)
    log.epoch(loss=np.float32(1.5), accuracy=np.array([0.5]), val_loss=float("nan"), top5=None)
    run = load_run("my-resnet")
    assert run.info.name == "my resnet" and run.info.config == {"learning_rate": 1e-3}
    np.testing.assert_array_equal(run.history["loss"], [2.0, 1.5])
    np.testing.assert_array_equal(run.history["accuracy"], [0.25, 0.5])
    np.testing.assert_array_equal(run.history["val_loss"], [2.5, np.nan])
    np.testing.assert_array_equal(run.history["top5"], [np.nan, np.nan])
    assert "epoch" not in run.history and (run.history["seconds"] >= 0).all()
    assert load_run("my-resnet").info.is_training
    log.close()
    closed = load_run("my-resnet").info
    assert not closed.is_training and closed.training_seconds == round(run.history["seconds"].sum(), 1)


def test_a_block_closes_its_run_and_logging_more_opens_it_again(root):
    with emoscope.RunLogger("block") as log:
        log.step(10, loss=3.0)
        log.step(20, loss=2.0)
    assert not load_run("block").info.is_training
    assert read_history(root / "block")["step"].tolist() == [10, 20]
    log.step(30, loss=1.0)
    assert load_run("block").info.is_training
    log.close()
    assert read_history(root / "block")["loss"].tolist() == [3.0, 2.0, 1.0]


def test_a_program_that_ends_closes_its_run(root):
    code = "import emoscope; log = emoscope.RunLogger('script'); log.step(1, loss=1.0); log.step(2, loss=0.5)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    run = load_run("script")
    assert not run.info.is_training and run.history["loss"].tolist() == [1.0, 0.5]


def test_only_what_a_logger_needs_is_imported():
    heavy = {"tensorflow", "keras", "torch", "streamlit", "pandas"}
    code = f"import sys, emoscope; emoscope.RunLogger; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_reader_never_sees_half_a_row(logged, root):
    log = logged("steady")
    log.epoch(loss=0.0, accuracy=0.0)
    lengths, done = [], threading.Event()

    def read():
        while not done.is_set():
            found = read_history(root / "steady")
            assert set(found) == {"loss", "accuracy", "seconds"}
            lengths.append(len(found["loss"]))

    reader = threading.Thread(target=read)
    reader.start()
    for epoch in range(200):
        log.epoch(loss=epoch / 7, accuracy=epoch / 3)
    done.set()
    reader.join()
    assert lengths == sorted(lengths) and lengths[-1] > 1


def test_a_name_that_is_taken_is_refused_or_resumed(logged, root):
    log = logged("twice", config={"a": 1, "b": 2}, class_names=["down", "up"])
    log.epoch(loss=2.0)
    log.epoch(loss=1.0)
    log.close()
    with pytest.raises(emoscope.EmoscopeError, match=r"already a run twice. Choose another name, or .* resume=True"):
        emoscope.RunLogger("twice")
    with pytest.raises(emoscope.EmoscopeError, match="was logged with the classes down, up"):
        emoscope.RunLogger("twice", class_names=["left", "right"], resume=True)
    again = logged("twice", config={"b": 3}, resume=True)
    assert again.last_epoch == 2
    again.epoch(train_loss=0.5)
    run = load_run("twice")
    assert run.history["loss"].tolist() == [2.0, 1.0, 0.5]
    assert run.info.config == {"a": 1, "b": 3} and run.info.class_names == ("down", "up") and run.info.is_training
    assert logged("new", resume=True).last_epoch == 0


def test_a_run_with_a_network_is_not_resumed(root):
    write_run(root, "trained")
    with pytest.raises(emoscope.EmoscopeError, match="trained holds a network and was not logged here"):
        emoscope.RunLogger("trained", resume=True)


def test_classes_need_names_of_their_own(root):
    with pytest.raises(emoscope.EmoscopeError, match="not at least two different names"):
        emoscope.RunLogger("same", class_names=["a", "a"])
    with pytest.raises(emoscope.EmoscopeError, match=r"config is list, not a dict. .*vars\(args\)"):
        emoscope.RunLogger("list", config=[1])
    assert not root.exists()


def test_settings_of_any_kind_become_plain_ones(logged):
    args = vars(Namespace(rate=np.float32(0.5), folder=ROOT, sizes=(1, 2), nested={"flip": True}))
    logged("settings", config=args)
    assert load_run("settings").info.config == {
        "rate": 0.5, "folder": str(ROOT), "sizes": [1, 2], "nested": {"flip": True},
    }  # fmt: skip


PROBABILITIES = np.array([[0.75, 0.25], [0.5, 0.5], [0.125, 0.875]])


@pytest.mark.parametrize("true", [[0, 1, 1], ["down", "up", "up"], [[1, 0], [0, 1], [0, 1]], [[0.0], [1.0], [1.0]]])
def test_predictions_become_figures(logged, true):
    log = logged("scored", class_names=["down", "up"])
    log.predictions(true, PROBABILITIES, split="validation")
    found = load_run("scored").predictions("validation")
    np.testing.assert_array_equal(found.label, [0, 1, 1])
    np.testing.assert_array_equal(found.probabilities, PROBABILITIES.astype(np.float32))
    assert load_run("scored").info.dataset.splits == {"validation": 3}


def test_tensors_are_taken_as_they_are(logged):
    torch = pytest.importorskip("torch")
    log = logged("tensors")
    log.epoch(loss=torch.tensor(1.5, requires_grad=True), accuracy=torch.tensor([0.5], dtype=torch.bfloat16))
    scores = torch.tensor(PROBABILITIES, dtype=torch.bfloat16, requires_grad=True)
    log.predictions(torch.tensor([0, 1, 1]), scores)
    run = load_run("tensors")
    assert run.history["loss"].tolist() == [1.5] and run.history["accuracy"].tolist() == [0.5]
    np.testing.assert_array_equal(run.predictions("test").probabilities, PROBABILITIES.astype(np.float32))
    assert run.info.class_names == ("0", "1")


def test_labels_in_the_order_of_a_known_split_stand_for_its_images(logged, root):
    known = write_run(root, "known", n=150)
    truth = known.predictions("PrivateTest")
    log = logged("mine", class_names=known.info.class_names)
    log.predictions(truth.label, truth.probabilities, split="PrivateTest")
    np.testing.assert_array_equal(load_run("mine").predictions("PrivateTest").pixel_hash, truth.pixel_hash)
    assert len(pair_runs(load_run("mine"), known, "PrivateTest").label) == 150


@pytest.mark.parametrize(
    ("true", "probabilities", "sentence"),
    [
        ([0, 1], [[2.0, -1.0], [0.5, 0.5]], "row 0 sum to 1, or one is negative. Give the output of the softmax"),
        ([0, 1], [[3.0, 4.0], [0.5, 0.5]], "row 0 sum to 7"),
        ([0, 1], [[0.5, np.nan], [0.5, 0.5]], "row 0 sum to nan"),
        ([0, 2], PROBABILITIES[:2], "The label '2' of row 1 is none of the 2 classes"),
        (["up", "right"], PROBABILITIES[:2], "The label 'right' of row 1 is none"),
        ([0], PROBABILITIES, r"labels of shape \(1,\) and probabilities of 3 samples"),
        ([[1, 1], [0, 1]], PROBABILITIES[:2], "name no class or several"),
        ([0, 1], [[0.2, 0.3, 0.5], [0.2, 0.3, 0.5]], "3 probabilities per sample and 2 classes"),
        ([0, 1], [0.2, 0.3], r"probabilities have shape \(2,\)"),
        ([0, 1], [[0.5, 0.5], [1.0]], "The probabilities are no array"),
    ],
)
def test_what_cannot_be_logged_is_a_warning_and_the_training_goes_on(logged, true, probabilities, sentence):
    log = logged("wrong", class_names=["down", "up"])
    with pytest.warns(UserWarning, match=sentence) as caught:
        log.predictions(true, probabilities)
    assert caught[0].filename == __file__
    assert load_run("wrong").splits == ()


def test_a_metric_that_is_no_number_is_named_and_left_out(logged):
    log = logged("text")
    with pytest.warns(UserWarning, match=r"note is no number \(str\) and was not logged") as caught:
        log.epoch(loss=1.0, note="fine")
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="epoch='two' is no number"):
        log.epoch(loss=0.5, epoch="two")
    with pytest.warns(UserWarning, match="The row of step 7 was left out"):
        log.step(7, loss=0.5)
    assert load_run("text").history["loss"].tolist() == [1.0, 0.5]


def test_a_disk_that_cannot_be_written_warns_once_and_gets_everything_later(logged, root):
    root.write_text("no folder")
    with pytest.warns(UserWarning, match="The run patient cannot be written .* The training goes on") as caught:
        log = logged("patient", class_names=["down", "up"])
        log.epoch(loss=2.0)
        log.predictions([0, 1, 1], PROBABILITIES)
    assert len(caught) == 1
    root.unlink()
    log.epoch(loss=1.0)
    run = load_run("patient")
    assert run.history["loss"].tolist() == [2.0, 1.0] and run.predicted_splits == ("test",)


def test_of_several_processes_the_first_writes(logged, root, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    log = logged("shared")
    log.epoch(loss=1.0)
    log.close()
    assert not root.exists() and log.last_epoch == 1


@pytest.mark.slow
def test_keras_logs_each_epoch_of_each_fit(logged):
    import keras

    keras.utils.set_random_seed(0)
    x, y = np.random.default_rng(0).random((32, 4)), np.arange(32) % 2
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation="softmax")])
    network.compile(keras.optimizers.SGD(0.25), "sparse_categorical_crossentropy", metrics=["accuracy"])
    log = logged("fitted")
    fit = {"validation_split": 0.25, "verbose": 0, "callbacks": [log.keras()]}
    first = network.fit(x, y, epochs=2, **fit).history
    assert not load_run("fitted").info.is_training
    network.fit(x, y, epochs=1, **fit)
    third = network.fit(x, y, epochs=3, initial_epoch=2, **fit).history  # epoch 3 again
    log.epoch(val_f1=0.5)
    history = load_run("fitted").history
    assert len(history["loss"]) == 4 and "epoch" not in history
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        np.testing.assert_array_equal(history[name][:3], first[name] + third[name])
    np.testing.assert_array_equal(history["learning_rate"], [0.25, 0.25, 0.25, np.nan])
    log.predictions(y, network.predict(x, verbose=0))
    found = load_run("fitted").predictions("test")
    np.testing.assert_allclose(found.probabilities, network.predict(x, verbose=0), atol=1e-6)


def test_lightning_that_is_not_installed_is_one_sentence(logged, monkeypatch):
    for name in ("lightning", "lightning.pytorch", "pytorch_lightning"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(emoscope.EmoscopeError, match=r"^Lightning is not installed here. Install it: pip install"):
        logged("none").lightning()


def test_lightning_logs_at_the_end_of_each_epoch(logged, monkeypatch):
    """The trainer imitates Lightning, which the tests do not need installed."""
    module = ModuleType("lightning.pytorch")
    module.Callback = object
    monkeypatch.setitem(sys.modules, "lightning", ModuleType("lightning"))
    monkeypatch.setitem(sys.modules, "lightning.pytorch", module)
    callback = logged("lit").lightning()
    optimizer = SimpleNamespace(param_groups=[{"lr": 0.5}])
    for epoch in range(2):
        measured = {"train_loss": np.float32(2 - epoch), "val_acc": np.float32(0.5)}
        trainer = SimpleNamespace(
            is_global_zero=True, optimizers=[optimizer], current_epoch=epoch, callback_metrics=measured
        )
        callback.on_train_epoch_end(trainer, None)
    history = load_run("lit").history
    assert history["loss"].tolist() == [2.0, 1.0] and history["val_accuracy"].tolist() == [0.5, 0.5]
    assert history["learning_rate"].tolist() == [0.5, 0.5]
    assert load_run("lit").info.is_training
    callback.teardown(trainer, None, "fit")
    assert not load_run("lit").info.is_training


def test_old_runs_are_not_in_training(root):
    run = write_run(root, "old")
    values = json.loads((run.path / "run.json").read_text())
    del values["is_training"]
    (run.path / "run.json").write_text(json.dumps(values))
    assert not load_run("old").info.is_training
