import keras
import numpy as np

from model.architectures import build_network
from model.artifacts import Normalization
from model.dataset import FER2013_TO_FERPLUS
from training.blend import SHARES, blend_heads


def test_blending_weights_equals_blending_logits():
    keras.utils.set_random_seed(0)
    small = {"stem": (4, 4), "widths": (4,), "blocks": (1,)}
    network = build_network("residual", (16, 16, 1), {"fer": 7, "ferplus": 8}, **small)
    images = np.random.default_rng(0).integers(0, 256, (60, 16, 16, 1), np.uint8)
    inputs = images.astype(np.float32) / 255
    before = {head: np.asarray(logits) for head, logits in network(inputs).items()}
    labels = before["ferplus"][:, list(FER2013_TO_FERPLUS)].argmax(1)  # the votes are always right here

    share, accuracy, blended = blend_heads(network, Normalization(), images, labels)

    assert share in SHARES and share > 0
    assert accuracy < blended
    after = {head: np.asarray(logits) for head, logits in network(inputs).items()}
    wanted = before["fer"] + share * before["ferplus"][:, list(FER2013_TO_FERPLUS)]
    np.testing.assert_allclose(after["fer"], wanted, atol=1e-5)
    np.testing.assert_array_equal(after["ferplus"], before["ferplus"])
    assert (after["fer"].argmax(1) == labels).mean() == blended
