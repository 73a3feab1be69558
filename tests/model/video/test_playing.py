import io

import pytest

from emoscope.model.video.playing import browser_type
from tests.clips import make_clip


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({}, "video/mp4"),
        ({"sound": "aac"}, "video/mp4"),
        ({"form": "mov", "sound": "aac"}, "video/mp4"),
        ({"form": "webm", "codec": "libvpx", "sound": "libopus"}, "video/webm"),
        ({"form": "webm", "codec": "libvpx-vp9"}, "video/webm"),
        ({"form": "mov", "sound": "pcm_s16le"}, ""),
        ({"form": "mp4", "codec": "mpeg4"}, ""),
        ({"form": "matroska"}, ""),
        ({"form": "avi", "codec": "mpeg4"}, ""),
        ({"form": "gif", "codec": "gif"}, ""),
        ({"form": "webm", "codec": "libvpx", "start": 3.0}, ""),
    ],
)
def test_only_what_every_browser_plays_is_played_as_it_is(options, kind):
    assert browser_type(io.BytesIO(make_clip(0.4, size=(64, 48), **options))) == kind


@pytest.mark.parametrize("options", [{"form": "webm", "codec": "libvpx", "options": {"live": "1"}}])
def test_a_recording_without_a_length_cannot_be_sought_in(options):
    assert browser_type(io.BytesIO(make_clip(0.4, size=(64, 48), **options))) == ""


def test_what_is_no_video_plays_nowhere():
    assert browser_type(io.BytesIO(b"no video at all")) == ""
