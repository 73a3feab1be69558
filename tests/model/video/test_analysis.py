import io
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from emoscope.model.entities import Detection, Prediction
from emoscope.model.pictures.batch import PipelineSettings
from emoscope.model.pipeline import Pipeline
from emoscope.model.video.analysis import VideoAnalysis
from emoscope.model.video.reader import Frame, Video, VideoInfo
from emoscope.model.video.stills import FACE_SIDE, MAX_FILM, MAX_MOMENTS
from emoscope.model.video.summary import people
from tests.clips import make_clip, view
from tests.factories import write_tiny_run


@pytest.fixture
def pipeline(tmp_path) -> Pipeline:
    return PipelineSettings(write_tiny_run(tmp_path).path, "haar").open(for_video=True)


def analysed(data: bytes, pipeline: Pipeline, rate: float = 10.0, steps: int | None = None) -> VideoAnalysis:
    with Video(io.BytesIO(data)) as video:
        analysis = VideoAnalysis(video, pipeline, rate)
        for step, _ in enumerate(analysis.run(), start=1):
            if step == steps:
                break
    return analysis


def test_one_face_is_followed_as_one_person(pipeline):
    analysis = analysed(make_clip(3.0), pipeline)
    predictions = analysis.predictions()
    assert len(predictions.times) == 30 and predictions.step == pytest.approx(0.1, abs=0.021)
    (person,) = people(predictions)
    assert person.seen == pytest.approx(3.0, abs=0.01) and person.label in predictions.class_names
    wander = predictions.xyxy[:, 0] + 40 * np.sin(predictions.row_times) * 240 / 320
    assert np.ptp(wander) < 8 < np.ptp(predictions.xyxy[:, 0])  # the box moves as the camera does
    (moment,) = analysis.moments.strongest(8)
    assert moment.person == person.number and moment.label == person.label and analysis.problem == ""


@pytest.mark.parametrize(("rate", "expected"), [(2, 4), (10, 20), (60, 50)])
def test_only_frames_that_are_analysed_are_converted(pipeline, monkeypatch, rate, expected):
    converted = []
    to_bgr = Frame.to_bgr
    monkeypatch.setattr(Frame, "to_bgr", lambda self, *args: converted.append(self.at) or to_bgr(self, *args))
    analysis = analysed(make_clip(2.0), pipeline, rate)
    assert len(converted) == len(analysis.predictions().times) == expected


def test_what_was_read_before_it_was_stopped_is_kept(pipeline):
    analysis = analysed(make_clip(3.0), pipeline, steps=12)
    predictions = analysis.predictions()
    assert len(predictions.times) == 12 and len(people(predictions)) == 1
    assert len(analysis.film.stills) == 12 and analysis.moments.strongest(8)


def test_large_frames_are_read_smaller_and_boxes_named_in_pixels_of_the_video(pipeline):
    large = analysed(make_clip(0.5, size=(1600, 1200), rate=10), pipeline).predictions()
    small = analysed(make_clip(0.5, size=(320, 240), rate=10), pipeline).predictions()
    assert large.xyxy[-1] / 5 == pytest.approx(small.xyxy[-1], abs=6)


def test_after_a_cut_a_face_in_the_same_place_is_another_person(pipeline):
    def scenes(at: float, width: int, height: int) -> np.ndarray:
        picture = view(0.3, width, height)
        if at >= 1:  # the same face at the same place in another room
            mask = np.zeros((height, width, 1), np.uint8)
            cv2.circle(mask, (width // 3, height // 3), height // 3, 1, -1)
            picture = np.where(mask > 0, picture, 255 - picture)
        return picture

    analysis = analysed(make_clip(2.0, picture=scenes), pipeline)
    first, second = sorted(people(analysis.predictions()), key=lambda person: person.first)[:2]
    assert first.number != second.number and first.last < 1 <= second.first
    assert len(people(analysed(make_clip(2.0), pipeline).predictions())) == 1


def test_a_broken_end_is_told_with_what_was_read(pipeline):
    whole = make_clip(4.0, form="matroska")
    analysis = analysed(whole[: len(whole) // 2], pipeline)
    assert analysis.problem.startswith("The file ends early") and len(people(analysis.predictions())) == 1


class Picture:
    """A frame that costs nothing to decode."""

    size, picture, seconds = (64, 48), None, 0.04

    def __init__(self, at: float) -> None:
        self.at = at

    def to_bgr(self, longest: int) -> np.ndarray:
        image = np.full((48, 64, 3), 60 + 40 * (int(self.at / 30) % 4), np.uint8)
        image[10:30, 10:30] //= 2
        return image


class LongVideo:
    """Two hours, looked at every four seconds."""

    info = VideoInfo(64, 48, 7200.0, 25.0, False)
    share, problem = 0.5, ""

    def frames(self):
        return (Picture(4.0 * i) for i in range(1800))


class Crowd:
    """A detector and network in one, to which new people come every 40 seconds."""

    classifier = SimpleNamespace(info=SimpleNamespace(class_names=("happy", "sad")))

    def __init__(self) -> None:
        self.calls = 0

    def analyze(self, image: np.ndarray) -> list[Prediction]:
        self.calls += 1
        left = 20.0 * (self.calls // 10 % 2)
        happy = self.calls % 10 / 10
        detection = Detection(np.array([left, 0, left + 12, 12]))
        return [Prediction(detection, np.array([happy, 1 - happy]), ("happy", "sad"))]


def test_what_is_kept_of_two_hours_is_small():
    analysis = VideoAnalysis(LongVideo(), Crowd(), rate=0.25)
    assert sum(1 for _ in analysis.run()) == 1800
    predictions = analysis.predictions()
    assert len(np.unique(predictions.person)) > 2 * MAX_MOMENTS
    columns = [column for column in vars(predictions).values() if isinstance(column, np.ndarray)]
    assert sum(column.nbytes for column in columns) < 100 * 1800
    stills = analysis.film.stills
    assert MAX_FILM // 2 <= len(stills) <= MAX_FILM and stills[-1].at > 7000
    distances = np.diff([still.at for still in stills])
    assert distances.max() < 2 * distances.min() + 1e-6
    assert len(analysis.moments.strongest(9999)) == MAX_MOMENTS


def test_the_picture_of_a_moment_shows_the_face(pipeline):
    analysis = analysed(make_clip(1.0), pipeline)
    (moment,) = analysis.moments.strongest(8)
    picture = cv2.imdecode(np.frombuffer(moment.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (FACE_SIDE, FACE_SIDE, 3)
    found = pipeline.detect(picture)
    assert len(found) == 1 and found[0].size[0] > FACE_SIDE / 3
    assert len(pipeline.detect(view(moment.at, 320, 240))) == 1
