import json

import pytest

from emoscope.model.browser.setup import browser_setup, run_network
from emoscope.model.errors import EngineError
from emoscope.model.faces.detectors.blazeface import BlazeFaceDetector
from emoscope.model.faces.tracking import TrackingSettings
from emoscope.model.runs.run import load_run
from tests.factories import write_run


def setup(key, **options):
    run = load_run(key)
    return browser_setup(run, "network.tflite", network=run_network(run), **options)


def test_values_are_those_of_the_run_the_detector_and_the_tracker():
    found = json.loads(json.dumps(setup("emoscope-fer2013", tracking=TrackingSettings(smoothing=1.5), heat_maps=True)))
    run = load_run("emoscope-fer2013").info
    assert found["run"]["classes"] == list(run.class_names)
    assert found["run"]["size"] == {"height": 40, "width": 40, "channels": 1}
    assert found["run"]["normalization"]["kind"] == run.normalization.kind
    assert found["tracking"]["smoothing"] == 1.5 and found["tracking"]["labelMargin"] == 0.08
    assert found["detector"]["crop"]["scale"] == BlazeFaceDetector.crop.scale
    assert found["look"]["heat"] and found["run"]["temperature"] is None


def test_a_network_that_takes_pixels_is_given_them_as_they_are():
    assert setup("emoscope")["run"]["normalization"] == {"kind": "rescale", "scale": 1.0, "offset": 0.0}


def test_the_temperature_is_applied_where_it_is_asked_for():
    assert setup("emoscope", calibrated=True)["run"]["temperature"] == load_run("emoscope").temperature


def test_a_run_without_a_litert_file_is_a_sentence(tmp_path):
    with pytest.raises(EngineError, match="has no LiteRT file"):
        run_network(write_run(tmp_path, "bare"))
