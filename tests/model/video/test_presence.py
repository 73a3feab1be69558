"""How long each person of a file is seen, against clips whose truth is known."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from emoscope.model.entities import Detection, Prediction
from emoscope.model.faces.tracking import SURE
from emoscope.model.pictures.batch import PipelineSettings
from emoscope.model.pipeline import Pipeline
from emoscope.model.video.analysis import VideoAnalysis
from emoscope.model.video.reader import FRAME_SECONDS, Video, VideoInfo
from emoscope.model.video.summary import Person, people, seconds_text
from emoscope.model.video.writer import AnnotatedVideo
from tests.clips import make_clip, view
from tests.factories import write_tiny_run

FORMS = [("mp4", "libx264"), ("webm", "libvpx"), ("matroska", "libx264"), ("gif", "gif")]


@pytest.fixture
def pipeline(tmp_path) -> Pipeline:
    return PipelineSettings(write_tiny_run(tmp_path).path, "haar").open(for_video=True)


def analysed(data: bytes, pipeline: Pipeline, rate: float = 10.0) -> VideoAnalysis:
    with Video(io.BytesIO(data)) as video:
        analysis = VideoAnalysis(video, pipeline, rate)
        for _ in analysis.run():
            pass
    return analysis


def everyone(data: bytes, pipeline: Pipeline, rate: float = 10.0) -> list[Person]:
    return people(analysed(data, pipeline, rate).predictions())


def face_during(*spans: tuple[float, float]) -> Callable[[float, int, int], np.ndarray]:
    """Return what draws a face that is covered but for some spans of time, in seconds."""

    def picture(at: float, width: int, height: int) -> np.ndarray:
        image = view(0.2 * at, width, height)
        if not any(start - 1e-6 <= at < end - 1e-6 for start, end in spans):
            image[: height // 2] = 128
        return image

    return picture


def two_faces(at: float, width: int, height: int) -> np.ndarray:
    """Draw one face all the time, and at the right another one in the first second."""
    left = view(0.2 * at, width // 2, height)
    return np.hstack([left, left[:, ::-1] if at < 1 - 1e-6 else np.full_like(left, 128)])


@pytest.mark.parametrize("rate", [5, 10, 25])
@pytest.mark.parametrize(("form", "codec"), FORMS)
def test_a_face_of_the_whole_clip_is_seen_for_all_of_it(pipeline, form, codec, rate):
    (person,) = everyone(make_clip(1.0, form=form, codec=codec), pipeline, rate)
    assert person.seen == pytest.approx(1.0, abs=0.011) and person.first == 0.0
    assert seconds_text(person.seen) == "1.0" and not person.is_brief
    assert person.appearances == 1


@pytest.mark.parametrize("frames_per_second", [6, 15, 30])
def test_the_frame_rate_does_not_matter(pipeline, frames_per_second):
    (person,) = everyone(make_clip(1.0, rate=frames_per_second), pipeline)
    assert person.seen == pytest.approx(1.0, abs=0.011)


@pytest.mark.parametrize(("form", "codec"), FORMS)
def test_a_face_that_comes_and_goes_is_seen_while_it_is_there(pipeline, form, codec):
    data = make_clip(2.0, form=form, codec=codec, picture=face_during((0.5, 1.5)))
    (person,) = everyone(data, pipeline)
    assert person.seen == pytest.approx(1.0, abs=0.101)
    assert person.first == pytest.approx(0.5, abs=0.101) and person.last == pytest.approx(1.5, abs=0.161)


def test_two_people_are_summed_up_apart(pipeline):
    first, second = everyone(make_clip(2.0, size=(960, 480), picture=two_faces), pipeline)
    assert first.seen == pytest.approx(2.0, abs=0.011)
    assert second.seen == pytest.approx(1.0, abs=0.101) and second.first == 0.0


def test_the_time_for_which_a_person_is_hidden_does_not_count(pipeline):
    (person,) = everyone(make_clip(4.0, picture=face_during((0, 1), (2.5, 4))), pipeline)
    assert person.seen == pytest.approx(2.5, abs=0.201) and person.appearances == 2


def test_frames_of_uneven_length_count_for_as_long_as_they_are_shown(pipeline):
    times = [0, 0.1, 0.15, 0.6, 0.7, 1.5, 1.54]
    for form in ("mp4", "matroska"):
        (person,) = everyone(make_clip(times=times, form=form), pipeline)
        assert person.seen == pytest.approx(1.58, abs=0.101)
    shown = face_during((0.6, 1.5))
    (person,) = everyone(make_clip(times=times, picture=shown), pipeline)
    assert person.seen == pytest.approx(0.9, abs=0.011)


@pytest.mark.parametrize(("form", "codec"), FORMS)
def test_a_clip_of_one_frame_has_a_person_and_a_length(pipeline, form, codec):
    data = make_clip(0.1, rate=10, form=form, codec=codec)
    analysis = analysed(data, pipeline)
    predictions = analysis.predictions()
    (person,) = people(predictions)
    assert len(predictions.times) == 1 and predictions.end == person.seen == pytest.approx(0.1, abs=0.011)
    assert person.label in predictions.class_names and person.is_brief
    (moment,) = analysis.moments.strongest(8)
    assert moment.person == person.number


def test_six_frames_of_a_gif_are_enough(pipeline):
    (person,) = everyone(make_clip(0.6, rate=10, form="gif", codec="gif"), pipeline)
    assert person.seen == pytest.approx(0.6, abs=0.011)


@pytest.mark.parametrize(("seconds", "text"), [(12.34, "12.3"), (0.1, "0.1"), (FRAME_SECONDS, "0.04")])
def test_no_presence_is_written_as_nothing(seconds, text):
    assert seconds_text(seconds) == text


def test_the_annotated_copy_shows_the_face_of_a_single_frame(pipeline):
    data = make_clip(0.04)
    predictions = analysed(data, pipeline).predictions()
    target = io.BytesIO()
    for _ in AnnotatedVideo(io.BytesIO(data), target, predictions, bars=False).run():
        pass
    with Video(target) as copy:
        (drawn,) = [frame.to_bgr() for frame in copy.frames()]
        assert copy.info.seconds == pytest.approx(0.04, abs=0.01)
    (box,) = predictions.xyxy.astype(int)
    changed = np.abs(drawn.astype(int) - view(0, 320, 240)).sum(2) > 90
    outline = np.zeros(changed.shape, np.uint8)
    cv2.rectangle(outline, (int(box[0]), int(box[1])), (int(box[2]), int(box[3])), 1, 3)
    assert changed[outline > 0].mean() > 0.4 > 0.05 > changed[180:].mean()


class Still:
    """A frame that costs nothing to decode."""

    size, seconds = (64, 48), 0.1

    def __init__(self, at: float) -> None:
        self.at = at

    def to_bgr(self, longest: int) -> np.ndarray:
        return np.full((48, 64, 3), 90, np.uint8)


class Scripted:
    """A video, and a detector and network in one, whose faces have a given confidence in each analysis; 0 for none."""

    info = VideoInfo(64, 48, None, 10.0, False)
    share, problem = 0.0, ""
    classifier = SimpleNamespace(info=SimpleNamespace(class_names=("happy", "sad")))

    def __init__(self, confidences: Sequence[float]) -> None:
        self._count = len(confidences)
        self._left = list(confidences)

    def frames(self):
        return (Still(i / 10) for i in range(self._count))

    def analyze(self, image: np.ndarray) -> list[Prediction]:
        confidence = self._left.pop(0)
        detection = Detection(np.array([20.0, 10, 40, 30]), confidence)
        return [Prediction(detection, np.array([0.7, 0.3]), ("happy", "sad"))] if confidence else []


@pytest.mark.parametrize(
    ("confidences", "seen"),
    [
        ([0.6], []),
        ([SURE - 0.01, 0, 0, 0], []),
        ([0, 0, 0.6, 0, 0, 0, 0.6, 0], []),
        ([0, SURE, 0, 0], [0.1]),
        ([0, 0, SURE], [0.1]),
        ([0.6, 0.6, 0, 0], [0.2]),
        ([0, 0.6, 0.6], [0.2]),
        ([0.6] * 10, [1.0]),
        ([0.6, 0.6, 0, 0, 0.6, 0.6, 0, 0, 0, 0], [0.6]),  # found again within half a second
        ([0.6, 0, 0, 0, 0, 0, 0.6, 0.6, 0, 0], [0.2]),
    ],
)
def test_a_blip_is_nobody_and_a_confirmed_face_counts_from_its_first_frame(confidences, seen):
    video = Scripted(confidences)
    analysis = VideoAnalysis(video, video)
    assert sum(1 for _ in analysis.run()) == len(confidences)
    found = people(analysis.predictions())
    assert [person.seen for person in found] == pytest.approx(seen)
    assert [person.number for person in found] == list(range(1, len(seen) + 1))
    assert {moment.person for moment in analysis.moments.strongest(99)} == {person.number for person in found}


def test_results_can_be_asked_for_at_any_step():
    video = Scripted([0.6, 0.6, 0.6, 0, 0, 0])
    analysis = VideoAnalysis(video, video)
    rows = []
    for _ in analysis.run():
        predictions = analysis.predictions()
        assert predictions.starts[-1] == len(predictions.person) == len(predictions.xyxy) == len(predictions.row_times)
        rows.append(len(predictions.person))
    assert rows == [0, 2, 3, 3, 3, 3]
