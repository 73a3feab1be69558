"""The crop constants in the code are the measured ones, and the measurement inverts what detectors do."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks.crop_margin import (
    OUTPUT,
    box_geometry,
    in_image_coordinates,
    is_the_image,
    landmark_template,
    leftover,
    set_in_canvas,
)
from emoscope.model.entities import Detection
from emoscope.model.faces.cropping import CropGeometry, crop_face
from emoscope.model.faces.detectors import DETECTOR_NAMES, BlazeFaceDetector, HaarDetector, MtcnnDetector, YuNetDetector

TEMPLATE = np.array([(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)])


def test_every_detector_crops_by_the_measured_constants() -> None:
    measured = json.loads(Path(OUTPUT).read_text())["detectors"]
    detectors = {
        detector.name: detector for detector in (BlazeFaceDetector, HaarDetector, YuNetDetector, MtcnnDetector)
    }
    assert detectors.keys() == set(DETECTOR_NAMES)
    for name, detector in detectors.items():
        box, landmarks = measured[name]["box"], measured[name].get("landmarks")
        assert detector.crop.scale == box["scale"] and list(detector.crop.offset) == box["offset"]
        assert (landmarks is None) == (detector.crop.landmarks is None)
        if landmarks is not None:
            assert [list(point) for point in detector.crop.landmarks] == landmarks["template"]


def test_the_crop_of_a_canvas_is_the_image_that_was_set_in() -> None:
    image = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)
    canvas = set_in_canvas(image, 48, 101)
    in_canvas = Detection(np.array([26 + 4, 26 + 8, 26 + 40, 26 + 44]))
    found = in_image_coordinates(in_canvas, 48, 101)
    assert np.allclose(found.xyxy * 48, [4, 8, 40, 44], atol=1e-4) and is_the_image(found)
    geometry = CropGeometry(48 / 36, ((24 - 22) / 36, (24 - 26) / 36))
    face, _ = crop_face(canvas, in_canvas, geometry, (48, 48), 1)
    assert (face == image).all()


def test_the_margin_inverts_the_median_box() -> None:
    rng = np.random.default_rng(1)
    sizes = rng.normal(0.8, 0.05, 400)
    centers = rng.normal((0.52, 0.45), 0.02, (400, 2))
    found = [Detection(np.array([*(c - s / 2), *(c + s / 2)])) for c, s in zip(centers, sizes, strict=True)]
    geometry = box_geometry(found)
    assert geometry.scale == pytest.approx(1.25, abs=0.02)
    assert geometry.offset == pytest.approx((-0.02 / 0.8, 0.05 / 0.8), abs=0.01)
    assert np.abs(np.median(leftover(found, geometry), axis=0)).max() < 0.01


def test_the_template_is_found_again_under_noise_and_roll() -> None:
    rng = np.random.default_rng(2)
    found = []
    for _ in range(400):
        roll, side = rng.normal(0, 0.15), math.exp(rng.normal(0, 0.1))
        turn = side * np.array([[math.cos(roll), -math.sin(roll)], [math.sin(roll), math.cos(roll)]])
        points = (TEMPLATE - 0.5) @ turn.T + 0.5 + rng.normal(0, 0.01, 2) + rng.normal(0, 0.01, (5, 2))
        found.append(Detection(np.array([0.1, 0.1, 0.9, 0.9]), landmarks=points))
    template = landmark_template(found)
    assert np.abs(np.array(template) - TEMPLATE).max() < 0.01
    rest = leftover(found, CropGeometry(landmarks=template))
    assert np.abs(np.median(rest, axis=0)[:3]).max() < 0.01
    quartiles = np.percentile(rest[:, 3], [25, 75])
    assert quartiles[1] - quartiles[0] == pytest.approx(math.degrees(0.15) * 1.349, rel=0.2)
