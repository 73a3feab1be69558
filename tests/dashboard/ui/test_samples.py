import pytest

from emoscope.dashboard.ui.samples import SAMPLES, sample_picture
from emoscope.model.faces.detectors import HaarDetector
from emoscope.model.images import decode_image


@pytest.mark.parametrize(("title", "faces"), [("One face", 1), ("Twenty faces", 20), ("No face", 0)])
def test_a_sample_holds_as_many_faces_as_it_says(title, faces):
    assert title in SAMPLES
    _, data = sample_picture(title)
    assert len(HaarDetector().detect(decode_image(data))) == faces
