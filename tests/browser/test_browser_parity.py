"""The browser's modules give what Python gives: inputs, probabilities, maps, detections, warnings, tracks."""

import base64

import cv2
import numpy as np
import pytest

from emoscope.dashboard.server.browser_files import module_address
from emoscope.model.browser.runtime import fetch_runtime
from emoscope.model.browser.setup import browser_setup, run_network
from emoscope.model.entities import Detection, Prediction
from emoscope.model.errors import EngineError
from emoscope.model.faces.cropping import crop_face
from emoscope.model.faces.detectors.blazeface import BlazeFaceDetector
from emoscope.model.faces.quality import face_warnings
from emoscope.model.faces.tracking import Tracker, TrackingSettings
from emoscope.model.networks.load import load_classifier
from emoscope.model.runs.run import load_run
from tests.browser.parity import TABLE, face, picture

pytestmark = pytest.mark.browser

GRAY_LEVEL = 1 / 255
# The runtime runs in the page itself here, where a test can reach the modules.
_OPEN = """
async ([folder, setup]) => {
  const { Analysis } = await import(folder + "analysis.js");
  window.analysis = await Analysis.open({ ...setup, folder });
  window.analysis.tracking = setup.tracking;
  window.crops = await import(folder + "crops.js");
  window.classifier = await import(folder + "classifier.js");
  window.quality = await import(folder + "quality.js");
  window.tracker = await import(folder + "tracker.js");
  window.pictureOf = ({ pixels, width, height }) =>
    ({ data: Uint8ClampedArray.from(atob(pixels), (c) => c.charCodeAt(0)), width, height });
}
"""
_CLASSIFY = """
async ([picture, face]) => {
  const { settings, run, classifier: network } = window.analysis, shown = pictureOf(picture);
  const { pixels, matrix } = crops.cropFace(shown, face, settings.crop, run.size);
  const { probabilities, map } = await network.classify(pixels);
  return {
    probabilities, matrix, input: Array.from(classifier.normalized(pixels, run.normalization)),
    map: map && Array.from(map.values), pixels: Array.from(pixels), warnings: quality.warnings(shown, face, settings),
  };
}
"""


@pytest.fixture(scope="module")
def engine(browser, app_url):
    """Return a function that opens the modules with a run's network in a page of the app's origin."""
    try:
        fetch_runtime()
    except EngineError as error:
        pytest.skip(str(error))
    context = browser.new_context()

    def open_run(key):
        run, page = load_run(key), context.new_page()
        network = run_network(run)
        encoded = base64.b64encode(network).decode()
        setup = browser_setup(run, f"data:application/octet-stream;base64,{encoded}", network=network)
        page.goto(f"{app_url}/{module_address()}")
        page.evaluate(_OPEN, [f"{app_url}/{module_address().rpartition('/')[0]}/", setup])
        return page, load_classifier(run)

    yield open_run
    context.close()


def as_rgba(frame_bgr):
    height, width = frame_bgr.shape[:2]
    pixels = cv2.cvtColor(frame_bgr, cv2.COLOR_BGR2RGBA).tobytes()
    return {"pixels": base64.b64encode(pixels).decode(), "width": width, "height": height}


def as_face(detection: Detection):
    return {
        "box": [float(v) for v in detection.xyxy],
        "confidence": detection.confidence,
        "landmarks": detection.landmarks.tolist(),
    }


@pytest.mark.parametrize(
    ("key", "step"),
    [
        ("emoscope", 1),  # takes pixels as they are
        ("emoscope-fer2013", 6),  # standardised ones
        ("gap_cnn", 6),  # rescaled ones
        ("classic_cnn", 6),  # gives no activation map
        ("emoscope/exports/int8", 6),
    ],
)
def test_crops_and_probabilities_are_those_of_python(engine, key, step):
    page, classifier = engine(key)
    info = classifier.info
    for row in TABLE[::step]:
        frame, detection = picture(row), face(row)
        crop, matrix = crop_face(frame, detection, BlazeFaceDetector.crop, info.input_size, info.channels)
        expected = classifier.classify([crop])
        found = page.evaluate(_CLASSIFY, [as_rgba(frame), as_face(detection)])
        assert np.abs(np.array(found["pixels"]) - crop.ravel()).max() <= 255 * GRAY_LEVEL, row
        np.testing.assert_allclose(found["matrix"], matrix.ravel(), rtol=1e-4, atol=1e-2)
        np.testing.assert_allclose(found["probabilities"], expected.probabilities[0], atol=0.01, err_msg=str(row))
        if expected.activation_maps is None:
            assert found["map"] is None
        elif "int8" not in key:
            np.testing.assert_allclose(found["map"], expected.activation_maps[0].ravel(), atol=0.05)
        assert found["warnings"] == list(face_warnings(frame, detection))
    page.close()


def test_faces_are_found_and_followed_as_python_does(engine):
    page, _ = engine("emoscope")
    detector = BlazeFaceDetector(for_video=True)
    for row in TABLE[::2]:
        frame = picture(row)
        expected = detector.detect(frame)
        found = page.evaluate("(picture) => analysis.detector.detect(pictureOf(picture))", as_rgba(frame))
        assert len(found) == len(expected), row
        shifted = np.roll(frame, 3, axis=1)
        follow = "([picture, known]) => analysis.detector.follow(pictureOf(picture), known)"
        found += page.evaluate(follow, [as_rgba(shifted), found])
        expected += detector.follow(shifted, expected)
        for ours, theirs in zip(found, expected, strict=True):
            tolerance = 0.05 * max(theirs.size)
            np.testing.assert_allclose(ours["box"], theirs.xyxy, atol=tolerance, err_msg=str(row))
            np.testing.assert_allclose(ours["landmarks"], theirs.landmarks, atol=tolerance, err_msg=str(row))
            assert ours["confidence"] == pytest.approx(theirs.confidence, abs=0.05)
    page.close()


def test_faces_are_tracked_and_smoothed_as_python_does(engine):
    page, _ = engine("emoscope")
    settings = TrackingSettings()
    tracker, random = Tracker(settings), np.random.default_rng(0)
    names, identity = ("a", "b", "c"), np.eye(2, 3, dtype=np.float32)
    page.evaluate("() => { window.followed = new tracker.Tracker(analysis.tracking); }")
    for step in range(40):
        at = step / 15
        boxes = [np.array([40 + 5 * step, 50, 140 + 5 * step, 150.0]) + random.normal(0, 1, 4)] if step % 9 != 8 else []
        if step > 20:
            boxes.append(np.array([400, 200, 480, 280.0]) + random.normal(0, 1, 4))
        shares = [random.dirichlet([1, 2, 1]) for _ in boxes]
        predictions = [
            Prediction(Detection(box, 0.9, np.zeros((5, 2))), share.astype(np.float32), names, crop_to_frame=identity)
            for box, share in zip(boxes, shares, strict=True)
        ]
        raw = [
            {"box": [float(v) for v in p.detection.xyxy], "probabilities": [float(v) for v in p.probabilities],
             "warnings": [], "matrix": identity.ravel().tolist(), "map": None}
            for p in predictions
        ]  # fmt: skip
        tracker.update(predictions, at)
        found = page.evaluate(
            "([faces, at]) => { followed.update(faces, at); return followed.faces(at + 0.03); }", [raw, at]
        )
        expected = tracker.faces(at + 0.03)
        assert [f["id"] for f in found] == [f.track_id for f in expected]
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours["box"], theirs.prediction.detection.xyxy, atol=0.01)
            np.testing.assert_allclose(ours["probabilities"], theirs.prediction.probabilities, atol=1e-5)
            np.testing.assert_allclose(ours["matrix"], theirs.prediction.crop_to_frame.ravel(), atol=0.01)
            assert ours["label"] == theirs.label_index
    page.close()
