from itertools import combinations

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from emoscope.model.drawing.palette import EMOTION_COLORS, class_colors, hex_to_bgr, ink_on, relative_luminance
from emoscope.model.emotions import class_places

# Full deficiency, linear RGB. Source: Machado, Oliveira, Fernandes, A physiologically-based model for simulation of
# color vision deficiency, IEEE TVCG 2009.
VISION = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


@pytest.mark.parametrize("vision", VISION)
def test_every_two_emotions_differ_for_every_eye(vision):
    rgb = np.array([hex_to_bgr(c)[::-1] for c in EMOTION_COLORS.values()]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.array(VISION[vision]).T, 0, 1)
    lab = rgb2lab(np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055)[None])[0]
    assert min(float(deltaE_ciede2000(a, b)) for a, b in combinations(lab, 2)) >= 14


@pytest.mark.parametrize("color", EMOTION_COLORS.values())
def test_colors_stand_out_on_light_and_on_dark_ground(color):
    luminance = relative_luminance(color)
    assert 1.05 / (luminance + 0.05) >= 1.8 and (luminance + 0.05) / 0.056 >= 2.9


@pytest.mark.parametrize("color", EMOTION_COLORS.values())
def test_text_on_a_color_can_be_read(color):
    ink, ground = relative_luminance(ink_on(color)), relative_luminance(color)
    assert (max(ink, ground) + 0.05) / (min(ink, ground) + 0.05) >= 4


def test_one_emotion_has_one_color_whatever_a_data_set_calls_it():
    colors = class_colors(["Happiness", "happy", "sadness", "tired", "bored"])
    assert colors["Happiness"] == colors["happy"] == EMOTION_COLORS["happy"]
    assert list(colors) == ["Happiness", "happy", "sadness", "tired", "bored"]
    assert len(set(colors.values())) == 4


@pytest.mark.parametrize(
    ("names", "wanted", "places"),
    [
        (("happy", "sad"), ("happy", "sad"), [0, 1]),
        (("Sadness", "happiness", "x"), ("happy", "x", "sad"), [1, 2, 0]),
        (("happy", "joy"), ("joy", "happy"), [1, 0]),
        (("happy", "joy"), ("happy", "happiness"), None),
        (("happy", "sad"), ("happy", "fear"), None),
        (("happy", "sad"), ("happy",), None),
    ],
)
def test_classes_are_found_by_what_they_mean(names, wanted, places):
    assert class_places(names, wanted) == places
