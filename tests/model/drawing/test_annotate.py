import numpy as np
import pytest

from emoscope.model.drawing.annotate import annotate, short_warning
from emoscope.model.drawing.palette import EMOTION_COLORS, hex_to_bgr
from emoscope.model.entities import Detection, Prediction
from emoscope.model.faces.quality import DOUBTFUL, TOO_DARK

NAMES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def prediction(xyxy, probabilities=(0.02, 0.01, 0.03, 0.86, 0.02, 0.05, 0.01), **fields) -> Prediction:
    return Prediction(Detection(np.array(xyxy, np.float32)), np.array(probabilities), NAMES, **fields)


def count(frame: np.ndarray, emotion: str) -> int:
    return int((np.abs(frame.astype(int) - hex_to_bgr(EMOTION_COLORS[emotion])).max(axis=2) <= 2).sum())


@pytest.mark.parametrize("size", [(240, 320), (480, 640), (1080, 1920), (1920, 1080), (60, 80)])
def test_box_and_label_are_painted_in_the_emotions_color(size):
    frame = np.full((*size, 3), 127, np.uint8)
    h, w = size
    drawn = annotate(frame, [prediction((w * 0.3, h * 0.3, w * 0.6, h * 0.7))])
    assert count(drawn, "happy") > 0.004 * h * w
    assert count(drawn, "angry") < count(drawn, "happy") / 20
    assert (frame == 127).all()


def test_bars_are_as_long_as_probabilities():
    frame = np.full((480, 640, 3), 127, np.uint8)
    halves = (0, 0, 0, 0.5, 0.25, 0.25, 0)
    box = (100, 150, 220, 300)
    with_bars, without = (annotate(frame, [prediction(box, halves)], bars=b) for b in (True, False))
    surprise = count(with_bars, "surprise") - count(without, "surprise")
    happy = count(with_bars, "happy") - count(without, "happy")
    assert surprise > 0
    assert happy == pytest.approx(2 * surprise, rel=0.1)


def test_a_face_with_a_warning_shows_no_emotion():
    frame = np.full((480, 640, 3), 127, np.uint8)
    drawn = annotate(frame, [prediction((100, 150, 220, 300), warnings=("The face is too dark.",))])
    assert count(drawn, "happy") == 0
    assert (drawn != frame).any()
    assert short_warning("The face is too dark.") == "too dark"


def test_the_box_of_a_doubtful_face_is_dashed():
    frame = np.full((480, 640, 3), 127, np.uint8)
    sides = {}
    for warning in (DOUBTFUL, TOO_DARK):
        drawn = annotate(frame, [prediction((100, 150, 320, 400), warnings=(warning,))], labels=False)
        sides[warning] = (drawn[170:380, 100:105] != 127).any(axis=(1, 2))
    assert sides[TOO_DARK].all()
    assert 0.4 < sides[DOUBTFUL].mean() < 0.9
    assert short_warning(DOUBTFUL) == "perhaps a face"


def test_the_steady_label_is_drawn_where_one_is_given():
    frame = np.full((480, 640, 3), 127, np.uint8)
    drawn = annotate(frame, [prediction((100, 150, 220, 300))], label_indices=[4], bars=False)
    assert count(drawn, "sad") > 500 and count(drawn, "happy") == 0


def test_a_second_networks_reading_is_drawn_below():
    frame = np.full((480, 640, 3), 127, np.uint8)
    other = prediction((100, 150, 220, 300), (0.9, 0, 0, 0.1, 0, 0, 0))
    drawn = annotate(frame, [prediction((100, 150, 220, 300))], bars=False, others=[other])
    rows = np.flatnonzero(
        (np.abs(drawn.astype(int) - hex_to_bgr(EMOTION_COLORS["angry"])).max(axis=2) <= 2).any(axis=1)
    )
    assert rows.size and rows.min() >= 295


def test_a_heat_map_warms_only_the_face():
    frame = np.full((480, 640, 3), 127, np.uint8)
    evidence = np.zeros((6, 6, 7), np.float32)
    evidence[2:4, 2:4, 3] = 5
    face = prediction(
        (100, 150, 220, 270),
        activation_map=evidence,
        face=np.zeros((48, 48), np.uint8),
        crop_to_frame=np.array([[2.5, 0, 100], [0, 2.5, 150]], np.float32),
    )
    changed = annotate(frame, [face], heat_maps=True) != annotate(frame, [face])
    rows, columns = np.flatnonzero(changed.any(axis=(1, 2))), np.flatnonzero(changed.any(axis=(0, 2)))
    assert rows.size and rows.min() >= 150 and rows.max() < 270 and columns.min() >= 100 and columns.max() < 220
    assert changed[210, 160].any()


@pytest.mark.parametrize("box", [(-50, -50, 60, 60), (600, 440, 700, 600), (-20, -20, 700, 500), (-90, 10, -20, 80)])
def test_faces_at_and_past_the_border_are_drawn_without_a_crash(box):
    frame = np.full((480, 640, 3), 127, np.uint8)
    assert annotate(frame, [prediction(box)], heat_maps=True).shape == frame.shape


def test_no_face_leaves_the_frame_as_it_was():
    frame = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    drawn = annotate(frame, [])
    assert (drawn == frame).all() and drawn is not frame
