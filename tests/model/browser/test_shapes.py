import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from emoscope.model.browser.setup import detector_files
from emoscope.model.browser.shapes import with_fixed_shape
from emoscope.model.errors import EngineError
from emoscope.model.faces.detectors.face_networks import WEIGHTS
from tests.paths import ASSETS, ROOT

CHANNELS_FIRST = ASSETS / "first.tflite"
NETWORKS = sorted({*(ROOT / "artifacts").glob("**/model.tflite"), *ASSETS.glob("*.tflite")} - {CHANNELS_FIRST})


def outputs(content, values):
    """Return the shapes that the file states, and what it computes."""
    interpreter = Interpreter(model_content=content)
    place = interpreter.get_input_details()[0]["index"]
    stated = [tuple(d["shape_signature"]) for d in interpreter.get_input_details() + interpreter.get_output_details()]
    interpreter.resize_tensor_input(place, list(values.shape))
    interpreter.allocate_tensors()
    interpreter.set_tensor(place, values)
    interpreter.invoke()
    return stated, [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]


def noise(content, shape=None):
    detail = Interpreter(model_content=content).get_input_details()[0]
    values = np.random.default_rng(0).uniform(0, 255, shape or (1, *detail["shape_signature"][1:]))
    return values.astype(detail["dtype"])


@pytest.mark.parametrize("file", NETWORKS, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_a_batch_of_one_is_fixed_and_computes_the_same(file):
    content = file.read_bytes()
    fixed, values = with_fixed_shape(content), noise(content)
    stated, found = outputs(fixed, values)
    assert all(shape[0] == 1 for shape in stated) and min(map(min, stated)) > 0
    for ours, theirs in zip(found, outputs(content, values)[1], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert len(fixed) == len(content)


def test_colours_that_come_first_are_refused():
    with pytest.raises(EngineError, match="channels come first"):
        with_fixed_shape(CHANNELS_FIRST.read_bytes())


def test_a_picture_of_another_size_is_fixed_and_computes_the_same():
    content = (WEIGHTS / "blazeface_short.tflite").read_bytes()
    fixed, values = with_fixed_shape(content, (1, 320, 320, 3)), noise(content, (1, 320, 320, 3))
    stated, found = outputs(fixed, values)
    assert stated[0] == (1, 320, 320, 3) and {shape[1] for shape in stated[1:]} == {5600}
    for ours, theirs in zip(found, outputs(content, values)[1], strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("content", [b"", b"PK\3\4 not a network", b"\0\0\0\0TFL3" + b"\0" * 64])
def test_what_is_no_network_is_a_sentence(content):
    with pytest.raises(EngineError, match="cannot be brought into the form"):
        with_fixed_shape(content)


def test_the_detector_comes_in_the_shapes_that_are_searched():
    shapes = {
        name: tuple(Interpreter(model_content=content).get_input_details()[0]["shape_signature"])
        for name, content in detector_files().items()
    }
    assert shapes == {
        "blazeface_wide.tflite": (1, 320, 320, 3),
        "blazeface_close.tflite": (1, 128, 128, 3),
        "face_confirm.tflite": (1, 48, 48, 3),
    }
