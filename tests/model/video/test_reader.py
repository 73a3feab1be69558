import io
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from emoscope.model.errors import VideoError
from emoscope.model.video import reader as video_module
from emoscope.model.video.reader import Video, clock, read_frame
from tests.clips import make_clip, view

FORMS = [
    ("mp4", "libx264"),
    ("mov", "libx264"),
    ("matroska", "libx264"),
    ("webm", "libvpx"),
    ("webm", "libvpx-vp9"),
    ("gif", "gif"),
]


def opened(data: bytes) -> Video:
    return Video(io.BytesIO(data))


def looks_like(image: np.ndarray, other: np.ndarray, limit: float = 12) -> bool:
    return image.shape == other.shape and float(np.abs(image.astype(int) - other).mean()) < limit


@pytest.mark.parametrize(("form", "codec"), FORMS)
def test_every_form_gives_its_pictures_and_their_times(form, codec):
    data = make_clip(0.8, form=form, codec=codec)
    with opened(data) as video:
        frames = [(frame.at, frame.to_bgr()) for frame in video.frames()]
        assert video.info[:2] == (320, 240) and not video.info.has_audio and video.problem == ""
        assert video.info.seconds == pytest.approx(0.8, abs=0.05)
        assert video.share == pytest.approx(1, abs=0.06)
    assert [at for at, _ in frames] == pytest.approx(np.arange(20) / 25, abs=0.0101)
    limit = 24 if form == "gif" else 12  # of 256 colours
    assert all(looks_like(image, view(i / 25, 320, 240), limit) for i, (_, image) in enumerate(frames))


@pytest.mark.parametrize(
    ("form", "codec", "pixels"),
    [
        ("flv", "flv1", "yuv420p"),
        ("mpegts", "libx264", "yuv420p"),
        ("asf", "wmv2", "yuv420p"),
        ("mpeg", "mpeg1video", "yuv420p"),
        ("vob", "mpeg2video", "yuv420p"),
        ("mxf", "mpeg2video", "yuv420p"),
        ("avi", "msmpeg4v2", "yuv420p"),
        ("mjpeg", "mjpeg", "yuvj420p"),
        ("apng", "apng", "rgb24"),
        ("mpeg2video", "mpeg2video", "yuv420p"),
    ],
)
def test_what_cameras_discs_and_old_programs_write_is_read(form, codec, pixels):
    with opened(make_clip(0.8, form=form, codec=codec, pixels=pixels, ticks=25)) as video:
        frames = [(frame.at, frame.to_bgr()) for frame in video.frames()]
        assert video.info[:2] == (320, 240) and video.problem == ""
    assert [at for at, _ in frames] == pytest.approx(np.arange(20) / 25, abs=0.0101)
    assert all(looks_like(image, view(i / 25, 320, 240), 16) for i, (_, image) in enumerate(frames))


def test_tape_whose_rate_is_its_clock_has_no_rate():
    with opened(make_clip(0.8, form="dv", codec="dvvideo", size=(720, 576), ticks=25)) as video:
        assert video.info[:2] == (768, 576) and (video.info.frame_rate or 25) == 25
        assert len(list(video.frames())) == 20


def test_a_phone_that_was_turned_while_it_recorded_squashes_nobody():
    wide, tall = (320, 240), (240, 320)
    parts = [make_clip(0.4, form="mpegts", size=wide), make_clip(0.4, form="mpegts", size=tall, start=0.4)]
    with opened(b"".join(parts)) as video:
        frames = [(frame.at, frame.to_bgr(), frame.to_bgr(160)) for frame in video.frames()]
    assert [at for at, *_ in frames] == pytest.approx(np.arange(20) / 25, abs=0.0101)
    assert looks_like(frames[9][1], view(9 / 25, *wide))
    _, last, small = frames[-1]
    assert last.shape == (240, 320, 3) and small.shape == (120, 160, 3)
    assert last[:, :70].max() < 20 and last[:, -70:].max() < 20
    assert looks_like(last[:, 70:250], cv2.resize(view(9 / 25, *tall), (180, 240), interpolation=cv2.INTER_AREA), 16)


@pytest.mark.parametrize(("form", "codec"), FORMS)
def test_frames_say_for_how_long_they_are_shown(form, codec):
    with opened(make_clip(0.5, rate=10, form=form, codec=codec)) as video:
        frames = list(video.frames())
    assert [frame.seconds for frame in frames] == pytest.approx([0.1] * 5, abs=0.011)
    assert frames[-1].at + frames[-1].seconds == pytest.approx(0.5, abs=0.011)


@pytest.mark.parametrize("rotation", [90, -90, 180])
def test_turned_recordings_are_set_upright(rotation):
    upright = view(0, 240, 320)
    stored = np.rot90(upright, -rotation // 90)  # what a phone held askew writes
    data = make_clip(0.2, size=stored.shape[1::-1], rotation=rotation, picture=lambda *_: np.ascontiguousarray(stored))
    with opened(data) as video:
        assert video.info[:2] == (240, 320)
        assert looks_like(next(video.frames()).to_bgr(), upright)


def test_uneven_times_and_a_late_start_are_kept():
    times = [0, 0.1, 0.15, 0.9, 1.0, 2.5]
    for form in ("mp4", "matroska"):
        with opened(make_clip(times=times, start=3.0, form=form, sound="aac")) as video:
            assert [frame.at for frame in video.frames()] == pytest.approx(times, abs=0.002)
            assert video.origin == pytest.approx(3.0, abs=0.03) and video.info.has_audio
            assert video.info.seconds == pytest.approx(2.5, abs=0.15) and video.problem == ""


def test_pixels_that_are_not_square_are_made_so():
    with opened(make_clip(0.2, size=(160, 240), pixel_shape=Fraction(2, 1))) as video:
        assert video.info[:2] == (320, 240)
        assert next(video.frames()).to_bgr().shape == (240, 320, 3)


def test_a_frame_can_be_converted_smaller():
    with opened(make_clip(0.1)) as video:
        assert next(video.frames()).to_bgr(160).shape == (120, 160, 3)


def test_a_recording_that_does_not_name_its_length_tells_progress_by_its_bytes():
    with opened(make_clip(2.0, form="webm", codec="libvpx", options={"live": "1"})) as video:
        assert video.info.seconds is None
        shares = [video.share for _ in video.frames()]
    assert shares == sorted(shares) and shares[-1] == 1 and video.problem == ""


def sound_only() -> bytes:
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as container:
        track = container.add_stream("aac", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 48_000
        container.mux(track.encode(frame))
        container.mux(track.encode(None))
    return stream.getvalue()


PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "The file is empty"),
        (b"these are no pictures" * 99, "no video that can be opened"),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "no video that can be opened"),
        (PLAYLIST, "no video that can be opened"),
        (make_clip(0.4)[:4000], "cut off before the part that says how to read it"),
        (sound_only(), "holds no video"),
    ],
)
def test_what_is_no_video_is_one_sentence(data, sentence):
    with pytest.raises(VideoError, match=sentence):
        opened(data)


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(VideoError, match="cannot be read"):
        Video(tmp_path / "absent.mp4")


def test_frames_that_are_too_large_are_refused(monkeypatch):
    monkeypatch.setattr(video_module, "MAX_PIXELS", 320 * 200)
    with pytest.raises(VideoError, match="320 × 240 pixels"):
        opened(make_clip(0.1))


def test_of_a_file_that_ends_early_all_that_is_there_is_read():
    whole = make_clip(4.0, form="matroska", sound="aac")
    with opened(whole[: len(whole) // 2]) as video:
        times = [frame.at for frame in video.frames()]
        assert 1.2 < times[-1] < 2.8 and len(times) > 30
        assert video.problem.startswith("The file ends early: 0:02 of 0:04")


def test_of_a_damaged_file_all_but_the_damage_is_read():
    data = bytearray(make_clip(4.0))
    middle = len(data) // 2
    data[middle : middle + 6000] = bytes(6000)
    with opened(bytes(data)) as video:
        times = [frame.at for frame in video.frames()]
        assert len(times) > 60 and times[0] == 0 and times[-1] > 3.9
        assert "damaged" in video.problem


@pytest.mark.parametrize(("form", "codec"), [("mp4", "libx264"), ("gif", "gif"), ("webm", "libvpx")])
def test_one_frame_is_found_by_its_time(form, codec):
    stream = io.BytesIO(make_clip(3.0, form=form, codec=codec, start=1.0 if form == "mp4" else 0.0))
    for at in (0.0, 0.5, 1.64, 2.95, 99.0):
        shown = read_frame(stream, at)
        expected = min(at, 74 / 25)
        assert looks_like(shown, view(int(expected * 25 + 1e-6) / 25, 320, 240), 24)
    assert not looks_like(read_frame(stream, 0.0), view(2.0, 320, 240), 24)


def test_clock():
    assert [clock(s) for s in (0, 7.4, 61, 3599.6, 3723)] == ["0:00", "0:07", "1:01", "1:00:00", "1:02:03"]
