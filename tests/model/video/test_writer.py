import io
from pathlib import Path

import av
import numpy as np
import pytest

from emoscope.model.entities import Detection, Prediction
from emoscope.model.faces.tracking import TrackedFace
from emoscope.model.video.predictions import VideoPredictions, VideoPredictionsBuilder
from emoscope.model.video.reader import Video
from emoscope.model.video.writer import AnnotatedVideo
from tests.clips import make_clip, view

NAMES = ("happy", "sad")
BOX = np.array([40.0, 60.0, 140.0, 160.0])


def predictions(end: float, scale: float = 1.0) -> VideoPredictions:
    """One happy face that stays where it is."""
    builder = VideoPredictionsBuilder(NAMES)
    prediction = Prediction(Detection(BOX, track_id=1), np.array([0.9, 0.1]), NAMES)
    for at in np.arange(0, end, 0.1):
        builder.add(float(at), [TrackedFace(prediction, 0)], scale)
    return builder.build()


def annotated(data: bytes, found: VideoPredictions, **settings) -> tuple[AnnotatedVideo, bytes]:
    target = io.BytesIO()
    drawing = AnnotatedVideo(io.BytesIO(data), target, found, **settings)
    for _ in drawing.run():
        pass
    return drawing, target.getvalue()


def pictures(data: bytes) -> list[tuple[float, np.ndarray]]:
    with Video(io.BytesIO(data)) as video:
        found = [(frame.at, frame.to_bgr()) for frame in video.frames()]
        assert video.problem == ""
        return found


def sound(data: bytes) -> tuple[str, list[bytes]]:
    with av.open(io.BytesIO(data)) as container:
        (track,) = container.streams.audio
        return track.codec_context.name, [bytes(packet) for packet in container.demux(track) if packet.size]


def loudness(data: bytes) -> tuple[float, float]:
    """Return the length in seconds and the frequency of a tone."""
    with av.open(io.BytesIO(data)) as container:
        (track,) = container.streams.audio
        samples = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(track)])
    spectrum = np.abs(np.fft.rfft(samples))
    return len(samples) / 48_000, float(np.fft.rfftfreq(len(samples), 1 / 48_000)[spectrum.argmax()])


def test_every_frame_is_drawn_upon_at_its_own_time():
    times = [0, 0.1, 0.15, 0.9, 1.0, 2.5]
    _, copy = annotated(make_clip(times=times), predictions(2.6))
    drawn = pictures(copy)
    assert [at for at, _ in drawn] == pytest.approx(times, abs=0.002)
    for at, image in drawn:
        plain = view(at, 320, 240)
        far = np.abs(image[180:, :100].astype(int) - plain[180:, :100])
        edge = np.abs(image[80:140, 38:43].astype(int) - plain[80:140, 38:43])
        assert far.mean() < 8 and edge.mean() > 2 * far.mean()


@pytest.mark.parametrize(("form", "codec", "track"), [("mp4", "libx264", "aac"), ("webm", "libvpx", "libopus")])
def test_sound_that_mp4_takes_is_copied_as_it_is(form, codec, track):
    data = make_clip(1.5, form=form, codec=codec, sound=track)
    _, copy = annotated(data, predictions(1.6))
    assert sound(copy) == sound(data)


def test_other_sound_becomes_aac_and_keeps_its_place():
    data = make_clip(2.0, form="matroska", sound="pcm_s16le", start=3.0)
    _, copy = annotated(data, predictions(2.1))
    assert sound(copy)[0] == "aac"
    seconds, pitch = loudness(copy)
    assert seconds == pytest.approx(2.0, abs=0.1) and pitch == pytest.approx(440, abs=3)
    with av.open(io.BytesIO(copy)) as container:
        starts = {track.type: float(track.start_time * track.time_base) for track in container.streams}
    assert starts["audio"] == pytest.approx(starts["video"], abs=0.05)


def test_a_turned_recording_is_written_upright():
    upright = view(0, 240, 320)
    stored = np.ascontiguousarray(np.rot90(upright, -1))
    data = make_clip(0.3, size=(320, 240), rotation=90, picture=lambda *_: stored)
    _, copy = annotated(data, predictions(0.4))
    image = pictures(copy)[0][1]
    assert image.shape == (320, 240, 3)
    assert np.abs(image[200:].astype(int) - upright[200:]).mean() < 8


def test_odd_sizes_and_few_colours_are_written():
    _, copy = annotated(make_clip(0.4, size=(161, 121), form="gif", codec="gif"), predictions(0.5))
    assert pictures(copy)[0][1].shape == (120, 160, 3)


def test_the_copy_ends_where_the_predictions_do():
    _, copy = annotated(make_clip(3.0, sound="aac"), predictions(1.0))
    assert 0.9 < pictures(copy)[-1][0] <= 1.01
    assert loudness(copy)[0] == pytest.approx(1.0, abs=0.1)


def test_a_copy_that_grows_too_large_ends_with_a_sentence_and_plays():
    drawing, copy = annotated(make_clip(4.0), predictions(4.1), max_bytes=60_000)
    assert "ends at 0:0" in drawing.problem
    assert 0.3 < pictures(copy)[-1][0] < 3.5


def test_hd_keeps_its_colours():
    data = make_clip(0.1, size=(1280, 720))
    _, copy = annotated(data, VideoPredictionsBuilder(NAMES).build())
    assert pictures(copy)  # nothing was read, so only the first moment is kept
    _, copy = annotated(data, predictions(0.2))
    with Video(io.BytesIO(copy)) as video:
        frame = next(video.frames())
        assert frame.picture.colorspace == 1
        image = frame.to_bgr()
    before = pictures(data)[0][1]
    assert np.abs(image[400:, 600:].astype(int) - before[400:, 600:]).mean(axis=(0, 1)).max() < 4


def test_a_stopped_copy_can_be_left_half_way(tmp_path):
    path = Path(tmp_path / "half.mp4")
    with path.open("w+b") as target:
        steps = AnnotatedVideo(io.BytesIO(make_clip(2.0)), target, predictions(2.1)).run()
        for _ in range(10):
            next(steps)
        steps.close()
    assert path.stat().st_size > 0
