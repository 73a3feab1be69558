import fractions
import gc
import threading
import time
import weakref
from dataclasses import replace

import av
import numpy as np
import pytest

from emoscope.dashboard.live.analysis_pool import AnalysisPool
from emoscope.dashboard.live.processor import LiveProcessor, LiveSettings
from emoscope.model.drawing.palette import EMOTION_COLORS, hex_to_bgr
from emoscope.model.entities import Detection
from emoscope.model.errors import DetectorError
from emoscope.model.faces.cropping import CropGeometry
from emoscope.model.faces.tracking import TrackingSettings
from emoscope.model.networks.classifier import Classification
from emoscope.model.pipeline import Pipeline
from tests.dashboard.live.test_analysis_pool import analysis_threads, wait_until

NAMES = ("angry", "happy", "neutral")
AT_ONCE = TrackingSettings(smoothing=0, confirm=1, hold=30)


class Info:
    class_names = NAMES
    input_size = (8, 8)
    channels = 1


class FixedClassifier:
    info = Info()

    def __init__(self, probabilities=(0.05, 0.9, 0.05)):
        self.probabilities = probabilities
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()

    def classify(self, faces):
        self.entered.set()
        self.gate.wait(20)
        return Classification(np.tile(np.array(self.probabilities, np.float32), (len(faces), 1)))


class FixedDetector:
    name = "fixed"
    crop = CropGeometry()

    def __init__(self, *boxes):
        self.boxes = boxes

    def detect(self, frame_bgr):
        return [Detection(np.array(box, np.float32)) for box in self.boxes]


def noise() -> np.ndarray:
    # Noise is sharp and bright: no warning about poor input.
    return np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)


def camera_frame(i: int = 0) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(noise(), format="bgr24")
    frame.pts, frame.time_base = i * 3000, fractions.Fraction(1, 90000)
    return frame


def settings(classifier=None, detector=None, **changes) -> LiveSettings:
    pipeline = Pipeline(detector or FixedDetector((60, 40, 110, 100)), classifier or FixedClassifier())
    return replace(LiveSettings(pipeline, rate=1000, tracking=AT_ONCE, mirror=False, bars=False), **changes)


@pytest.fixture
def live():
    made = []

    def make(wanted: LiveSettings | None = None, pool: AnalysisPool | None = None) -> LiveProcessor:
        made.append(LiveProcessor(pool or AnalysisPool(analyses_per_second=1e6), wanted or settings()))
        return made[-1]

    yield make
    for processor in made:
        processor.on_ended()


def painted(frame: av.VideoFrame, emotion: str) -> int:
    pixels = frame.to_ndarray(format="bgr24").astype(int)
    return int((np.abs(pixels - hex_to_bgr(EMOTION_COLORS[emotion])).max(axis=2) <= 6).sum())


def run_until(processor: LiveProcessor, condition) -> av.VideoFrame:
    frames = []

    def step() -> bool:
        frames.append(processor.recv(camera_frame(len(frames))))
        return condition(frames[-1])

    assert wait_until(step), "the condition was never met"
    return frames[-1]


def test_the_newest_result_is_drawn_on_the_frame(live):
    shown = run_until(live(), lambda frame: painted(frame, "happy") > 150)
    assert shown.width == 160 and shown.height == 120


def test_a_codec_gets_the_kind_of_frame_that_it_gave(live):
    processor = live()
    planar = camera_frame().reformat(format="yuv420p")
    odd = av.VideoFrame.from_ndarray(noise()[:119, :159], format="bgr24").reformat(format="yuv420p")
    assert processor.recv(camera_frame()).format.name == "bgr24"
    shown = processor.recv(planar)
    assert shown.format.name == "yuv420p"
    there, back = planar.to_ndarray(format="bgr24").astype(int), shown.to_ndarray(format="bgr24").astype(int)
    assert np.abs(there - back).mean() < 20, "the same picture, but for colours that planar frames keep for 2×2 pixels"
    assert processor.recv(odd).width == 159


def test_alone_every_frame_is_sent_back_and_in_a_crowd_a_share(live):
    pool = AnalysisPool(seats=4, analyses_per_second=1e6, frames_per_second=60)
    processors = [live(pool=pool) for _ in range(4)]
    processors[0].recv(camera_frame())
    assert all(processors[0].wants(camera_frame(i)) for i in range(30))
    for processor in processors:
        processor.recv(camera_frame())
    assert pool.frame_rate == 15

    start, wanted = time.monotonic(), 0
    while time.monotonic() < start + 2:
        wanted += processors[0].wants(camera_frame())
        time.sleep(1 / 40)
    assert 22 <= wanted <= 36


def test_while_a_face_is_known_it_is_followed_between_searches(live):
    class Follower(FixedDetector):
        followed = searched = 0

        def detect(self, frame_bgr):
            self.searched += 1
            return super().detect(frame_bgr)

        def follow(self, frame_bgr, known):
            self.followed += 1
            return list(known)

    detector = Follower((60, 40, 110, 100))
    run_until(live(settings(detector=detector)), lambda _: detector.searched >= 3)
    assert detector.followed > detector.searched


def test_the_callback_does_not_wait_for_a_slow_classifier(live):
    classifier = FixedClassifier()
    classifier.gate.clear()
    processor = live(settings(classifier))
    processor.recv(camera_frame())
    assert classifier.entered.wait(10)
    # The classifier is stuck until the gate opens: whatever comes back now did not wait for it.
    for i in range(30):
        assert painted(processor.recv(camera_frame(i)), "happy") < 20
    assert processor.view().faces == []
    classifier.gate.set()
    run_until(processor, lambda frame: painted(frame, "happy") > 150)
    assert processor._seat.dropped >= 28


def test_an_empty_scene_shows_nothing_and_is_not_an_error(live):
    processor = live(settings(detector=FixedDetector()))
    shown = run_until(processor, lambda _: processor.view().performance.analyses_per_second > 0)
    assert (shown.to_ndarray(format="bgr24") == camera_frame().to_ndarray(format="bgr24")).mean() > 0.99
    assert processor.view().faces == [] and processor.view().error == ""


def test_a_camera_that_stays_black_is_told_from_a_scene_without_a_face(live, monkeypatch):
    monkeypatch.setattr("emoscope.dashboard.live.processor._BLACK_SECONDS", 0.2)
    processor = live(settings(detector=FixedDetector()))
    dark = av.VideoFrame.from_ndarray(noise() // 32, format="bgr24")
    assert wait_until(lambda: bool(processor.recv(dark)) and processor.view().is_black)
    run_until(processor, lambda _: not processor.view().is_black)


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (RuntimeError("broken"), "RuntimeError: broken"),
        (DetectorError("No weights.", "Fetch them."), "No weights. Fetch them."),
    ],
)
def test_a_crash_in_the_analysis_shows_and_the_stream_goes_on(live, error, shown):
    detector = FixedDetector((60, 40, 110, 100))
    processor = live(settings(detector=detector))
    healthy = detector.detect
    detector.detect = lambda frame: (_ for _ in ()).throw(error)
    run_until(processor, lambda _: shown in processor.view().error)
    detector.detect = healthy
    run_until(processor, lambda frame: painted(frame, "happy") > 150)
    assert processor.view().error == ""


def test_settings_act_on_the_running_stream(live):
    processor = live()
    run_until(processor, lambda frame: painted(frame, "happy") > 150)
    processor.configure(settings(FixedClassifier((0.9, 0.05, 0.05))))
    run_until(processor, lambda frame: painted(frame, "angry") > 150 and painted(frame, "happy") < 20)


def test_the_mirror_turns_the_picture_before_it_is_read(live):
    processor = live(settings(mirror=True))
    shown = run_until(processor, lambda frame: painted(frame, "happy") > 150).to_ndarray(format="bgr24")
    source = camera_frame().to_ndarray(format="bgr24")[:, ::-1]
    assert (np.abs(shown[-15:].astype(int) - source[-15:]) <= 3).all()
    assert processor.view().faces[0].prediction.detection.xyxy[0] == pytest.approx(60, abs=1)


def test_two_networks_read_the_same_frames(live):
    first = settings()
    second = Pipeline(first.pipeline.detector, FixedClassifier((0.9, 0.05, 0.05)))
    processor = live(replace(first, second=second))
    run_until(processor, lambda frame: painted(frame, "angry") > 100 and painted(frame, "happy") > 150)
    moment = processor.timeline.moments()[-1]
    assert (moment.label, moment.other_label) == ("happy", "angry")
    assert "second" in processor.view().performance.stages


def test_a_neutral_baseline_corrects_what_follows(live, monkeypatch):
    monkeypatch.setattr("emoscope.dashboard.live.neutral.BASELINE_SECONDS", 0.2)
    resting = FixedClassifier((0.7, 0.05, 0.25))  # a resting face that reads as angry
    processor = live(settings(resting))
    run_until(processor, lambda frame: painted(frame, "angry") > 150)
    processor.measure_baseline()
    assert processor.view().baseline_progress is not None
    run_until(processor, lambda _: processor.baseline is not None and processor.view().faces[0].label == "neutral")
    view = processor.view()
    assert view.uncorrected[view.faces[0].track_id] == pytest.approx([0.7, 0.05, 0.25])
    processor.configure(replace(processor._settings, correct_baseline=False))
    run_until(processor, lambda _: processor.view().faces[0].label == "angry")
    processor.drop_baseline()
    assert processor.baseline is None


def test_a_still_is_read_and_drawn_at_its_own_size_as_the_video_is(live):
    wanted = replace(settings(FixedClassifier((0.7, 0.05, 0.25)), FixedDetector((10, 200, 250, 500))), mirror=True)
    processor = live(wanted)
    still = np.random.default_rng(0).integers(0, 255, (720, 1280, 3), np.uint8)
    drawn = processor.analyze_still(still)
    assert drawn.shape == still.shape
    assert painted(av.VideoFrame.from_ndarray(drawn, format="bgr24"), "angry") > 1000
    assert np.abs(drawn[-100:].astype(int) - still[-100:, ::-1]).max() == 0, "mirrored, as the video is"


def test_a_smile_is_no_baseline_and_the_view_says_what_was_seen(live, monkeypatch):
    monkeypatch.setattr("emoscope.dashboard.live.neutral.BASELINE_SECONDS", 0.2)
    classifier = FixedClassifier((0.03, 0.94, 0.03))
    processor = live(settings(classifier))
    processor.measure_baseline()
    run_until(processor, lambda _: processor.view().baseline_problem is not None)
    problem = processor.view().baseline_problem
    assert "classified as happy, 94%" in problem.message and "Neutral baseline again" in problem.action
    assert processor.baseline is None and processor.view().baseline_progress is None
    classifier.probabilities = (0.1, 0.1, 0.8)
    processor.measure_baseline()
    run_until(processor, lambda _: processor.baseline is not None)
    assert processor.view().baseline_problem is None


def test_agreement_is_of_the_two_networks_that_read_now(live):
    alone = settings()
    other = FixedClassifier((0.9, 0.05, 0.05))
    differing = replace(alone, second=Pipeline(alone.pipeline.detector, other))
    processor = live(differing)
    run_until(processor, lambda _: processor.agreement() == 0)
    processor.configure(alone)
    assert np.isnan(processor.agreement()), "without a second network there is nothing to agree with"
    processor.configure(replace(alone, second=Pipeline(alone.pipeline.detector, FixedClassifier())))
    run_until(processor, lambda _: processor.agreement() == 1)


def test_a_baseline_waits_for_a_face_and_can_be_cancelled(live, monkeypatch):
    monkeypatch.setattr("emoscope.dashboard.live.neutral.BASELINE_SECONDS", 0.2)
    detector = FixedDetector()
    processor = live(settings(FixedClassifier((0.7, 0.05, 0.25)), detector))
    processor.measure_baseline()
    until = time.monotonic() + 0.5
    run_until(processor, lambda _: time.monotonic() > until)
    assert processor.view().baseline_progress == 0 and processor.baseline is None
    detector.boxes = ((60, 40, 110, 100),)
    run_until(processor, lambda _: (processor.view().baseline_progress or 0) > 0)
    run_until(processor, lambda _: processor.baseline is not None)
    assert processor.view().baseline_progress is None
    processor.drop_baseline()
    processor.measure_baseline()
    processor.drop_baseline()
    assert processor.view().baseline_progress is None and processor.baseline is None


def test_a_recording_holds_numbers_from_start_to_stop(live):
    processor = live()
    run_until(processor, lambda _: bool(processor.view().faces))
    processor.start_recording()
    run_until(processor, lambda _: len(processor.recording.moments) >= 5)
    processor.stop_recording()
    count = len(processor.recording.moments)
    for i in range(10):
        processor.recv(camera_frame(i))
    lines = processor.recording.to_csv().splitlines()
    assert len(lines) == count + 1
    assert lines[0] == "seconds,face,label,warning,other_label,p_angry,p_happy,p_neutral"
    assert lines[1].split(",")[1:] == ["1", "happy", "", "", "0.0500", "0.9000", "0.0500"]
    assert processor.recording.summary()[0]["mostly"] == "happy"


def test_past_the_cap_the_picture_comes_back_and_the_view_says_busy(live):
    pool = AnalysisPool(seats=1)
    first, second = live(pool=pool), live(pool=pool)
    first.recv(camera_frame())
    assert second.recv(camera_frame()).width == 160
    assert second.view().busy and not first.view().busy
    first.on_ended()
    second.recv(camera_frame())
    assert not second.view().busy


def test_coming_back_after_a_stop_works(live):
    processor = live()
    run_until(processor, lambda frame: painted(frame, "happy") > 150)
    processor.on_ended()
    processor.on_ended()
    assert processor.view().faces == [] and not processor.view().is_running
    run_until(processor, lambda frame: painted(frame, "happy") > 150)


def test_a_hundred_starts_and_stops_leak_no_thread_and_no_classifier():
    before = threading.active_count()
    pool, gone = AnalysisPool(analyses_per_second=1e6), []
    for i in range(100):
        classifier = FixedClassifier()
        processor = LiveProcessor(pool, settings(classifier))
        processor.recv(camera_frame(i))
        processor.recv(camera_frame(i + 1))
        processor.on_ended()
        gone += [weakref.ref(processor), weakref.ref(classifier)]
    del processor, classifier
    assert wait_until(lambda: analysis_threads() == 0)
    gc.collect()
    assert pool.taken == 0 and threading.active_count() <= before
    assert [ref() for ref in gone if ref() is not None] == []


def test_memory_of_a_long_session_is_bounded(live):
    processor = live()
    run_until(processor, lambda _: bool(processor.view().faces))
    for i in range(5000):
        processor._meter.add("draw", float(i), 0.001)
    assert len(processor._meter._samples["draw"]) <= 600


def test_performance_counts_what_happened(live):
    processor = live()
    start = time.monotonic()
    run_until(processor, lambda _: time.monotonic() - start > 0.5)
    performance = processor.view().performance
    assert performance.camera_fps == pytest.approx(30, rel=0.01)
    assert performance.shown_fps > 5 and performance.analyses_per_second > 0
    assert {"decode", "detect", "classify", "draw"} <= performance.stages.keys()
    assert 0 <= performance.age_p50 <= performance.age_p95
