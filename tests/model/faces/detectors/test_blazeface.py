"""What the BlazeFace detector does beyond what every detector promises."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys

import cv2
import numpy as np
import pytest

from emoscope.model.faces.detectors import BlazeFaceDetector, face_networks
from emoscope.model.faces.detectors.blazeface import vote
from emoscope.model.faces.detectors.face_networks import WEIGHTS, BlazeFace

FACE_CENTER = np.array([222.0, 117.0])


@pytest.mark.parametrize("angle", [-55.0, 40.0, 55.0])
def test_eyes_of_a_strongly_tilted_head_are_level_in_its_landmarks(photo: np.ndarray, angle: float) -> None:
    turn = cv2.getRotationMatrix2D(FACE_CENTER.tolist(), angle, 1.0)
    turned = cv2.warpAffine(photo, turn, (512, 512), borderMode=cv2.BORDER_REPLICATE)
    face = BlazeFaceDetector().detect(turned)[0]
    assert np.abs(face.xyxy.reshape(2, 2).mean(0) - FACE_CENTER).max() < 20
    assert face.landmarks is not None
    across = face.landmarks[1] - face.landmarks[0]
    assert np.degrees(np.arctan2(across[1], across[0])) == pytest.approx(-angle, abs=8)


def test_a_dark_face_is_found(photo: np.ndarray) -> None:
    [face] = BlazeFaceDetector().detect(cv2.convertScaleAbs(photo, alpha=0.15))
    assert np.abs(face.xyxy.reshape(2, 2).mean(0) - FACE_CENTER).max() < 20


def test_a_face_at_the_edge_of_the_frame_is_found(photo: np.ndarray) -> None:
    [face] = BlazeFaceDetector().detect(np.ascontiguousarray(photo[:, 200:]))
    assert np.abs(face.xyxy.reshape(2, 2).mean(0) - (FACE_CENTER - (200, 0))).max() < 25


def test_a_wider_picture_has_the_candidates_of_the_square_one(photo: np.ndarray) -> None:
    small = cv2.resize(photo, (128, 128), interpolation=cv2.INTER_AREA)
    network = BlazeFace()
    [alone] = vote(network.candidates(small, 0.5))
    [beside] = vote(network.candidates(np.hstack([np.zeros((128, 64, 3), np.uint8), small]), 0.5))
    assert np.abs(beside[:8].reshape(4, 2) - (64, 0) - alone[:8].reshape(4, 2)).max() < 3


def test_tiles_of_a_large_picture_give_the_candidates_of_the_whole(photo: np.ndarray, monkeypatch) -> None:
    face = photo[30:230, 120:320]
    picture = np.full((700, 1000, 3), 90, np.uint8)
    for top, left, side in ((10, 10, 60), (300, 410, 120), (200, 560, 90), (500, 760, 40), (610, 930, 64)):
        picture[top : top + side, left : left + side] = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
    network = BlazeFace()
    whole_area = face_networks._TILE_AREA
    monkeypatch.setattr(face_networks, "_TILE_AREA", 10**9)
    whole = vote(network.candidates(picture, 0.5))
    for area in (whole_area, 200_000):
        monkeypatch.setattr(face_networks, "_TILE_AREA", area)
        tiled = vote(network.candidates(picture, 0.5))
        assert len(tiled) == len(whole) == 5
        for row in whole:
            assert np.abs(tiled[:, :8] - row[:8]).max(axis=1).min() < 3


def test_candidates_of_one_face_become_their_weighted_mean() -> None:
    one = np.array([0, 0, 40, 40, 10, 15, 30, 15, 0.9], np.float32)
    beside = np.array([4, 0, 44, 40, 14, 15, 34, 15, 0.3], np.float32)
    apart = np.array([100, 0, 140, 40, 110, 15, 130, 15, 0.5], np.float32)
    first, second = vote(np.stack([beside, apart, one]))
    assert first == pytest.approx([1, 0, 41, 40, 11, 15, 31, 15, 0.9]) and second == pytest.approx(apart)
    assert vote(np.zeros((0, 9), np.float32)).shape == (0, 9)


def test_the_weights_are_those_that_the_readme_beside_them_names() -> None:
    text = (WEIGHTS / "README.md").read_text(encoding="utf-8")
    named = dict(re.findall(r"^\| `(\S+\.tflite)` .* `([0-9a-f]{64})` \|$", text, re.MULTILINE))
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in WEIGHTS.glob("*.tflite")}
    assert named == found and len(found) == 2


def test_finding_a_face_loads_no_tensorflow_and_reaches_for_no_network() -> None:
    code = (
        "import socket, sys; socket.socket.connect = None; import numpy as np; from skimage import data; "
        "from emoscope.model.faces.detectors import create_detector; "
        "frame = np.ascontiguousarray(data.astronaut()[:, :, ::-1]); "
        "print(len(create_detector('blazeface').detect(frame)), {'tensorflow', 'mtcnn', 'keras'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1 set()"
