import base64

import pytest

from emoscope.dashboard.live.snapshot import _content
from emoscope.model.errors import ImageError


def test_the_browsers_picture_is_unpacked():
    url = "data:image/jpeg;base64," + base64.b64encode(b"pixels").decode()
    assert _content({"url": url}) == b"pixels"


@pytest.mark.parametrize(
    ("taken", "sentence"),
    [
        (None, "took no picture"),
        ({"error": "NotReadableError: in use"}, r"NotReadableError: in use.*Close what else uses the camera"),
        ({"url": "data:image/jpeg;base64,?"}, "is no picture"),
    ],
)
def test_what_is_no_picture_is_a_sentence(taken, sentence):
    with pytest.raises(ImageError, match=sentence):
        _content(taken)
