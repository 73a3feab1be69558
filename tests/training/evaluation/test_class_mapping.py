import numpy as np
import pytest

from emoscope.model.dataset import load_dataset
from emoscope.model.errors import DataError
from emoscope.model.images import encode_png
from emoscope.model.runs.run import DatasetInfo, load_run
from emoscope.training.__main__ import main
from emoscope.training.evaluation.class_mapping import match_classes
from emoscope.training.evaluation.shift_report import cropped
from tests.factories import FER7
from tests.training.made_up import make_dataset, make_run


def write_folder(root, classes, per_class=4):
    """Write ``<class>/<image>`` folders, without splits; every second class is bright, which means happy."""
    for i, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        images = make_dataset(per_class).splits["PublicTest"].images  # bright ones, then dark ones
        for k, image in enumerate(images[:per_class] if i % 2 == 0 else images[per_class:]):
            (root / name / f"{i}-{k}.png").write_bytes(encode_png(np.repeat(image, 3, 2)))
    return root


def test_a_folder_of_classes_is_one_split(tmp_path):
    dataset = load_dataset(write_folder(tmp_path / "faces", ("Joy", "Sadness")), cache=False)
    assert dataset.class_names == ("Joy", "Sadness") and dataset.split_sizes == {"all": 8}


def test_classes_are_matched_by_what_they_mean(tmp_path):
    dataset = load_dataset(write_folder(tmp_path / "faces", ("Joy", "Sadness")), cache=False)
    same, matched = match_classes(dataset, FER7, {})
    assert same is dataset
    assert [(row.theirs, row.own, row.images) for row in matched] == [("Joy", "happy", 4), ("Sadness", "sad", 4)]


def test_a_class_is_mapped_and_another_left_out(tmp_path):
    dataset = load_dataset(write_folder(tmp_path / "faces", ("grin", "gloom", "contempt")), cache=False)
    with pytest.raises(DataError, match=r"contempt is none of the network's.*leave its images out: --map contempt="):
        match_classes(dataset, FER7, {"grin": "happy", "gloom": "sad"})
    changed, matched = match_classes(dataset, FER7, {"grin": "happy", "gloom": "sad", "contempt": ""})
    split = changed.splits["all"]
    assert changed.class_names == FER7 and changed.fingerprint != dataset.fingerprint
    assert sorted({FER7[label] for label in split.labels}) == ["happy", "sad"] and len(split) == 8
    assert [row.own for row in matched] == ["", "sad", "happy"]  # in the order of the data's classes


@pytest.mark.parametrize("given", [{"smirk": "happy"}, {"grin": "joyful"}, {"grin": "", "gloom": ""}])
def test_a_mapping_that_cannot_be_is_refused(tmp_path, given):
    dataset = load_dataset(write_folder(tmp_path / "faces", ("grin", "gloom")), cache=False)
    with pytest.raises(DataError, match="--map"):
        match_classes(dataset, FER7, given)


def test_scoring_on_anybodys_folder_says_what_differs(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(tmp_path / "artifacts"))
    monkeypatch.delenv("EMOSCOPE_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    make_run(tmp_path / "artifacts", "tiny", dataset=DatasetInfo("Its own", {}, "f" * 32))
    folder = write_folder(tmp_path / "faces", ("grin", "Sadness", "contempt"))
    assert main(["evaluate", "tiny", "--data", str(folder), "--map", "grin=happy,contempt="]) == 0
    said = capsys.readouterr().out
    assert "grin     -> happy (4 images)" in said and "contempt -> left out (4 images)" in said
    assert "What differs on all" in said and "accuracy by size of the crop" in said
    [place] = [run for run in (tmp_path / "artifacts").iterdir() if run.name.startswith("tiny-on-faces")]
    assert load_run(place).metrics["all"]["accuracy"] == 1.0
    with pytest.raises(SystemExit):
        main(["evaluate", "tiny", "--data", str(folder), "--map", "grin"])
    assert "joy=happy,contempt= are expected" in capsys.readouterr().err


def test_a_large_folder_of_other_data_is_scored_whole(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(tmp_path / "artifacts"))
    monkeypatch.delenv("EMOSCOPE_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    make_run(tmp_path / "artifacts", "tiny", dataset=DatasetInfo("Its own", {}, "f" * 32))
    folder = write_folder(tmp_path / "faces", ("happy", "sad"), per_class=10)
    for flags, scored in ([], {"all": 20}), (["--splits", "validation"], {"validation": 2}):
        assert main(["evaluate", "tiny", "--data", str(folder), *flags]) == 0
        found = [load_run(run) for run in (tmp_path / "artifacts").iterdir() if run.name.startswith("tiny-on-faces")]
        assert scored in [{split: metrics["n"] for split, metrics in run.metrics.items()} for run in found]


def test_a_crop_keeps_the_middle():
    image = np.zeros((41, 41, 1), np.uint8)
    image[18:23, 18:23] = 200
    assert (cropped(image, 1.0) == image).all()
    assert (cropped(image, 0.5) > 100).sum() == pytest.approx(4 * 25, rel=0.25)
    assert (cropped(image, 1.25) > 100).sum() < 25


@pytest.mark.slow
def test_a_network_with_fewer_classes_is_scored_on_those_that_it_shares(tmp_path, monkeypatch, capsys):
    import keras

    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(tmp_path / "artifacts"))
    image = keras.Input((48, 48, 1))
    scores = keras.layers.Dense(3, activation="softmax")
    network = keras.Model(image, scores(keras.layers.GlobalAveragePooling2D()(image)))
    scores.set_weights([np.float32([[20, -20, 0]]), np.float32([-10, 10, -50])])
    network.save(tmp_path / "three.keras")
    folder = write_folder(tmp_path / "faces", ("joy", "sadness", "contempt"))
    command = ["evaluate", str(tmp_path / "three.keras"), "--data", str(folder), "--classes", "happy,sad,neutral"]
    assert main([*command, "--normalization", "0..1", "--splits", "all"]) == 0
    out = capsys.readouterr().out
    assert "scored on the classes that it shares with the data" in out and "contempt -> left out (4 images)" in out
    found = load_run("three").predictions("all")
    assert len(found.label) == 8 and (found.probabilities.argmax(1) == found.label).all()


def test_a_saved_model_is_said_to_be_a_program(tmp_path, capsys):
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"")
    assert main(["evaluate", str(tmp_path / "saved"), "--data", str(tmp_path)]) == 2
    assert "is a SavedModel of TensorFlow, which is a program" in capsys.readouterr().err
