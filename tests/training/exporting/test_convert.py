"""A trained toy is exported in every form; each is scored, timed and agrees with the original."""

import json
import sys
import zipfile

import numpy as np
import pytest

from emoscope.model.errors import RunError
from emoscope.model.networks.load import load_classifier
from emoscope.model.runs.exports import VARIANTS, read_exports
from emoscope.model.runs.run import load_run
from emoscope.training.__main__ import main
from tests.training.made_up import make_dataset, make_run

LITERT = ("float32", "float16", "dynamic", "int8", "web")
NAMES = tuple(VARIANTS)


@pytest.fixture(scope="module")
def dataset():
    return make_dataset(30)


def make_trained(root, key="toy"):
    """Write a run around a Keras network that calls bright pictures happy and dark ones sad, with its map."""
    from tests.assets.make_networks import build

    run = make_run(root, key, training_seconds=1.0)
    (run.path / "model.tflite").unlink()
    build().save(run.path / "model.keras")
    return run


@pytest.fixture(scope="module")
def exported(tmp_path_factory, dataset):
    from emoscope.training.commands.export import export_run

    run = make_trained(tmp_path_factory.mktemp("runs"))
    problems = export_run(run, dataset, splits=("PublicTest",))
    return load_run(run.path), problems


@pytest.mark.slow
def test_every_form_is_written_scored_and_timed(exported, dataset):
    run, problems = exported
    assert problems == []
    forms = read_exports(run)
    assert tuple(form.variant for form in forms) == NAMES
    labels = dataset.splits["PublicTest"].labels
    for form in forms:
        assert form.file is not None and form.bytes == form.file.stat().st_size
        assert form.zipped_bytes > 0
        assert form.milliseconds > 0 and form.original_milliseconds > 0
        assert form.run.splits == ("PublicTest",), "no other split was asked for"
        assert (form.run.predictions("PublicTest").label == labels).all()
        assert form.run.metrics["PublicTest"]["accuracy"] == 1.0
    assert all(form.run.info.origin == "toy" for form in forms[1:])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variant", "tolerance"), [("float16", 2e-3), ("web", 1e-3), ("dynamic", 0.05), ("int8", 0.05), ("h5", 1e-6)]
)
def test_the_answers_of_a_form_are_those_of_the_original(exported, variant, tolerance):
    run, _ = exported
    form = load_run(run.path / "exports" / variant)
    difference = form.predictions("PublicTest").probabilities - run.predictions("PublicTest").probabilities
    assert np.abs(difference).max() <= tolerance


@pytest.mark.slow
@pytest.mark.parametrize("variant", LITERT[1:])
def test_litert_forms_keep_the_activation_map(exported, variant, dataset):
    run, _ = exported
    faces = dataset.splits["PublicTest"].images[::20]
    original = load_classifier(run).classify(faces).activation_maps
    found = load_classifier(load_run(run.path / "exports" / variant)).classify(faces).activation_maps
    assert found is not None and found.shape == original.shape
    assert np.abs(found - original).max() < 0.1 * np.ptp(original)


@pytest.mark.slow
def test_int8_is_quantised_all_through_and_takes_floats(exported):
    from ai_edge_litert.interpreter import Interpreter

    run, _ = exported
    interpreter = Interpreter(str(run.path / "exports" / "int8" / "model.tflite"), num_threads=1)
    interpreter.allocate_tensors()
    assert interpreter.get_input_details()[0]["dtype"] is np.float32
    kinds = [np.dtype(detail["dtype"]) for detail in interpreter.get_tensor_details() if detail["shape"].size == 4]
    assert kinds.count(np.dtype(np.int8)) > kinds.count(np.dtype(np.float32)), "only input and map are floats"


@pytest.mark.slow
def test_the_form_for_browsers_has_no_open_shape(exported):
    from ai_edge_litert.interpreter import Interpreter

    run, _ = exported
    interpreter = Interpreter(str(run.path / "exports" / "web" / "model.tflite"))
    details = interpreter.get_input_details() + interpreter.get_output_details()
    assert all(detail["shape_signature"][0] == 1 and min(detail["shape_signature"]) > 0 for detail in details)


@pytest.mark.slow
def test_a_form_that_differs_too_much_is_refused(exported, dataset, monkeypatch):
    from emoscope.training.exporting import convert

    run, _ = exported
    monkeypatch.setitem(convert.TOLERANCES, "web", 0.0)
    with pytest.raises(RunError, match="LiteRT web of toy differs"):
        convert.check_agreement(run, dataset, "web")


@pytest.mark.slow
def test_a_form_that_cannot_be_made_costs_none_of_the_others(tmp_path, dataset, capsys, monkeypatch):
    run = make_trained(tmp_path)
    monkeypatch.setenv("EMOSCOPE_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setattr("emoscope.training.commands.arguments.find_dataset", lambda: None)
    assert main(["export", str(run.path), "--variants", "int8,h5"]) == 1
    printed = capsys.readouterr()
    assert "calibrated on training images" in printed.err and "give --data" in printed.out
    assert [form.variant for form in read_exports(load_run(run.path))] == ["float32", "h5"]
    assert "h5" in json.loads((run.path / "exports.json").read_text())["networks"]


def test_onnx_without_its_package_says_how_to_get_it(tmp_path, monkeypatch):
    from emoscope.training.exporting import convert as export

    monkeypatch.setattr(export, "find_spec", lambda name: None if name == "tf2onnx" else sys)
    run = make_run(tmp_path)
    (run.path / "model.keras").write_bytes(b"not read")
    assert "pip install -r requirements-onnx.txt" in export.convert(run, ["onnx"])["onnx"]


def test_a_run_without_its_keras_network_cannot_be_exported(tmp_path, capsys):
    from emoscope.training.exporting.convert import convert

    run = make_run(tmp_path)
    with pytest.raises(RunError, match=r"holds no model\.keras"):
        convert(run, ["float32"])


def test_an_unknown_form_is_refused_with_those_that_there_are(capsys):
    with pytest.raises(SystemExit):
        main(["export", "x", "--variants", "int4"])
    assert "'int4' is none of float32, float16" in capsys.readouterr().err


def test_a_new_network_forgets_the_answers_of_the_old_one(tmp_path):
    from emoscope.training.exporting.convert import _take_in

    run = make_run(tmp_path)
    old = make_run(run.path / "exports", "int8")
    stale = old.path / "predictions" / "PublicTest.npz"
    stale.parent.mkdir()
    for file in (stale, old.path / "metrics.json", old.path / "calibration.json"):
        file.write_bytes(b"{}")
    (tmp_path / "model.tflite").write_bytes(b"new")
    _take_in(run, "int8", tmp_path / "model.tflite")
    assert sorted(p.name for p in old.path.rglob("*") if p.is_file()) == ["model.tflite", "run.json"]
    assert load_run(old.path).info.origin == "tiny"


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["float32", "float16", "int8", "web", "onnx"])
def test_a_file_takes_pixels_as_they_are_and_says_so(exported, dataset, variant):
    run, _ = exported
    [form] = [form for form in read_exports(run) if form.variant == variant]
    images = dataset.splits["PublicTest"].images[:8]
    pixels = images.astype(np.float32)
    if variant == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(str(form.file), providers=["CPUExecutionProvider"])
        [given] = session.get_inputs()
        outputs = [
            np.concatenate(each)
            for each in zip(*(session.run(None, {given.name: p[None]}) for p in pixels), strict=True)
        ]
        said = session.get_modelmeta().custom_metadata_map
        assert json.loads(said["classes"]) == list(run.info.class_names)
    else:
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(str(form.file))
        [given] = interpreter.get_input_details()
        interpreter.resize_tensor_input(given["index"], pixels.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(given["index"], pixels)
        interpreter.invoke()
        outputs = [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]
        with zipfile.ZipFile(form.file) as archive:
            assert archive.read("labels.txt").decode().split() == list(run.info.class_names)
            said = json.loads(archive.read("emoscope.json"))
    assert said["input"] == "pixels" and said["licence"] == run.info.licence
    [found] = [output for output in outputs if output.shape == (8, len(run.info.class_names))]
    expected = load_classifier(run).classify(list(images)).probabilities
    assert found == pytest.approx(expected, abs=0.05 if variant == "int8" else 5e-3)
    assert (expected.argmax(1) == dataset.splits["PublicTest"].labels[:8]).all()
