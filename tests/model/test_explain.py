from types import SimpleNamespace

import numpy as np
import pytest

from emoscope.model.entities import Detection, Prediction
from emoscope.model.explain import heat_map, occlusion_evidence
from emoscope.model.networks.classifier import Classification

NAMES = ("a", "b", "c")
BOX = Detection(np.array([0, 0, 48, 48]))


def predict(activation_map=None, face=None, probabilities=(0.7, 0.2, 0.1)) -> Prediction:
    return Prediction(BOX, np.array(probabilities), NAMES, activation_map=activation_map, face=face)


class PatchReader:
    """Reads class 0 off the brightness of one patch and class 1 off another; the rest of the face says nothing."""

    info = SimpleNamespace(class_names=NAMES)
    patches = (np.s_[30:40, 6:16], np.s_[6:16, 30:40])

    def __init__(self):
        self.calls = 0

    def classify(self, faces):
        self.calls += 1
        logits = np.zeros((len(faces), 3))
        for c, patch in enumerate(self.patches):
            logits[:, c] = [face[patch].mean() / 25 for face in faces]
        exponentials = np.exp(logits)
        return Classification((exponentials / exponentials.sum(1, keepdims=True)).astype(np.float32))

    def close(self):
        pass


def planted_face(shape=(48, 48)) -> np.ndarray:
    face = np.full(shape, 60, np.uint8)
    face[PatchReader.patches[0]] = 220
    face[PatchReader.patches[1]] = 180
    return face


def test_activation_map_is_stretched_over_the_crop_and_hottest_where_the_evidence_is():
    evidence = np.zeros((6, 6, 3), np.float32)
    evidence[4, 1, 0] = 5
    heat = heat_map(predict(evidence, np.zeros((48, 48), np.uint8)))
    assert heat.shape == (48, 48) and heat.dtype == np.float32
    assert heat.min() == 0 and heat.max() == pytest.approx(1)
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert 32 <= row < 40 and 8 <= column < 16


def test_what_all_classes_share_is_no_evidence():
    shared = np.random.default_rng(0).normal(size=(6, 6, 1)).astype(np.float32) * 10
    evidence = np.repeat(shared, 3, axis=2)
    evidence[2, 3, 0] += 1
    row, column = np.unravel_index(heat_map(predict(evidence)).argmax(), (6, 6))
    assert (row, column) == (2, 3)


def test_class_with_less_evidence_has_a_colder_map_in_the_same_units():
    evidence = np.zeros((6, 6, 3), np.float32)
    evidence[1, 1, 0], evidence[4, 4, 1] = 8, 2
    prediction = predict(evidence)
    assert heat_map(prediction, 1).max() == pytest.approx(heat_map(prediction, 0).max() / 4)
    assert heat_map(prediction, 1).argmax() == 4 * 6 + 4
    assert heat_map(prediction, 2).max() == 0


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_no_evidence_gives_a_cold_map(value):
    heat = heat_map(predict(np.full((6, 6, 3), value, np.float32), np.zeros((48, 48), np.uint8)))
    assert heat.shape == (48, 48) and not heat.any()


@pytest.mark.parametrize("shape", [(48, 48), (48, 48, 3)])
@pytest.mark.parametrize("class_index", [0, 1])
def test_occlusion_finds_the_planted_patch_in_one_batch(shape, class_index):
    reader, face = PatchReader(), planted_face(shape)
    heat = heat_map(predict(face=face), class_index, reader)
    assert reader.calls == 1 and heat.shape == (48, 48)
    rows, columns = PatchReader.patches[class_index]
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert rows.start <= row < rows.stop and columns.start <= column < columns.stop
    other = PatchReader.patches[1 - class_index]
    assert heat[rows, columns].mean() > 10 * heat[other].mean()


@pytest.mark.parametrize("size", [(8, 8), (13, 40), (224, 224)])
def test_occlusion_covers_every_pixel_of_any_size(size):
    class Brightness(PatchReader):
        def classify(self, faces):
            bright = np.array([face.max() / 255 for face in faces], np.float32)
            return Classification(np.stack([bright, 1 - bright, 0 * bright], 1))

    face = np.zeros(size, np.uint8)
    face[-1, -1] = 255
    evidence = occlusion_evidence(face, Brightness())
    assert evidence.shape == (*size, 3) and np.isfinite(evidence).all()
    assert evidence[-1, -1, 0] == evidence[:, :, 0].max() > 0


def test_nothing_to_explain_with_is_a_developer_error():
    with pytest.raises(ValueError, match="activation map"):
        heat_map(predict())
