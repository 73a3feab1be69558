from io import BytesIO

import cv2
import numpy as np
import pytest

from emoscope.dashboard.predict import album as album_module
from emoscope.dashboard.predict.album import PREVIEW_SIDE, Album
from emoscope.model.entities import Detection, Prediction
from emoscope.model.errors import DetectorError
from emoscope.model.images import encode_png

WAY, OTHER_WAY = ("run", 1, "haar"), ("run", 1, "yunet")


class CountingPipeline:
    """Finds one face in the middle half of each picture, and counts how often it was asked."""

    def __init__(self):
        self.calls = 0

    def analyze(self, frame_bgr):
        self.calls += 1
        height, width = frame_bgr.shape[:2]
        box = np.array([width / 4, height / 4, width * 3 / 4, height * 3 / 4])
        maps = np.random.default_rng(0).normal(size=(6, 6, 2)).astype(np.float32)
        face = np.full((48, 48), 99, np.uint8)
        return [Prediction(Detection(box), np.array([0.9, 0.1]), ("happy", "sad"), maps, face, np.eye(2, 3))]


def picture(side=40, gray=120):
    return encode_png(np.full((side, side * 2, 3), gray, np.uint8))


def read(album, pipeline, *files, way=WAY):
    return list(album.add([(name, BytesIO(data)) for name, data in files], pipeline, way))


def test_a_batch_is_read_once_and_named_as_it_goes():
    album, pipeline = Album(), CountingPipeline()
    assert read(album, pipeline, ("a.png", picture()), ("b.png", picture(50))) == ["a.png", "b.png"]
    assert pipeline.calls == 2
    assert [(p.name, p.width, p.height, len(found)) for p, found in album.results(WAY)] == [
        ("a.png", 80, 40, 1),
        ("b.png", 100, 50, 1),
    ]
    assert album.unpredicted(WAY) == []


def test_the_same_file_again_runs_nothing_and_comes_once():
    album, pipeline = Album(), CountingPipeline()
    read(album, pipeline, ("a.png", picture()), ("b.png", picture()))
    read(album, pipeline, ("a.png", picture()))
    assert pipeline.calls == 2
    assert [p.name for p, _ in album.results(WAY)] == ["a.png", "b.png"]


def test_the_newest_batch_comes_first():
    album, pipeline = Album(), CountingPipeline()
    read(album, pipeline, ("a.png", picture()), ("b.png", picture()))
    read(album, pipeline, ("c.png", picture()), ("d.png", picture()))
    assert [p.name for p, _ in album.results(WAY)] == ["c.png", "d.png", "a.png", "b.png"]


def test_a_broken_file_is_named_and_leaves_the_others_alone():
    album, pipeline = Album(), CountingPipeline()
    read(album, pipeline, ("a.png", picture()), ("notes.txt", b"no picture"), ("b.png", picture()))
    assert [p.name for p, _ in album.results(WAY)] == ["a.png", "b.png"]
    assert [problem.name for problem in album.problems] == ["notes.txt"]
    assert "no picture" in album.problems[0].error.message
    read(album, pipeline, ("c.png", picture()))
    assert album.problems == []


def test_what_a_damaged_file_lacks_is_noted_beside_its_picture():
    album, pipeline = Album(), CountingPipeline()
    read(album, pipeline, ("a.png", b"HTTP/1.1 200 OK\r\n\r\n" + picture()), ("b.png", picture()))
    notes = {p.name: p.notes for p, _ in album.results(WAY)}
    assert len(notes["a.png"]) == 1 and "before its picture" in notes["a.png"][0]
    assert notes["b.png"] == ()


def test_another_way_reads_again_and_going_back_does_not():
    album, pipeline = Album(), CountingPipeline()
    read(album, pipeline, ("a.png", picture()))
    assert album.results(OTHER_WAY) == []
    assert list(album.predict(album.unpredicted(OTHER_WAY), lambda _: pipeline, OTHER_WAY)) == ["a.png"]
    assert pipeline.calls == 2
    assert album.unpredicted(WAY) == album.unpredicted(OTHER_WAY) == []


def test_a_large_picture_is_kept_small_with_boxes_in_its_own_pixels():
    album, pipeline = Album(), CountingPipeline()
    read(album, pipeline, ("large.png", picture(side=2000)))
    list(album.predict(album.unpredicted(OTHER_WAY), lambda _: pipeline, OTHER_WAY))
    for way in (WAY, OTHER_WAY):
        [(kept, [prediction])] = album.results(way)
        assert (kept.width, kept.height) == (4000, 2000)
        assert kept.frame().shape == (PREVIEW_SIDE // 2, PREVIEW_SIDE, 3)
        assert prediction.detection.xyxy == pytest.approx([1000, 500, 3000, 1500], abs=2)
        assert prediction.moved(kept.scale).detection.xyxy == pytest.approx([400, 200, 1200, 600], abs=1)


def test_a_detector_chosen_beside_a_picture_holds_for_it_alone():
    album, pipelines = Album(), {None: CountingPipeline(), "none": CountingPipeline()}
    read(album, pipelines[None], ("a.png", picture()), ("b.png", picture()))
    first = next(iter(album.pictures))
    album.choose_detector(first, "none")
    assert album.unpredicted(WAY) == [album.pictures[first]]
    for way in (WAY, OTHER_WAY):  # the choice outlives another network
        list(album.predict(album.unpredicted(way), pipelines.__getitem__, way))
    read(album, pipelines[None], ("c.png", picture()), ("a.png", picture()))
    assert [(p.name, p.detector_name) for p, _ in album.results(WAY)] == [
        ("c.png", None),
        ("a.png", "none"),
        ("b.png", None),
    ]
    assert (pipelines[None].calls, pipelines["none"].calls) == (4, 2)
    album.choose_detector(first, None)
    assert album.unpredicted(WAY) == [], "what was read before is still known"


def test_a_picture_whose_own_detector_cannot_run_is_read_as_the_others_are():
    def pipeline_with(name):
        if name == "yunet":
            raise DetectorError("YuNet's weights cannot be fetched.", "Connect to the internet.")
        return pipeline

    album, pipeline = Album(), CountingPipeline()
    read(album, pipeline, ("a.png", picture()))
    album.choose_detector(next(iter(album.pictures)), "yunet")
    list(album.predict(album.unpredicted(WAY), pipeline_with, WAY))
    [(kept, [_])] = album.results(WAY)
    assert kept.detector_name is None
    assert [(name, error.message) for name, error in album.problems] == [
        ("a.png", "YuNet's weights cannot be fetched.")
    ]
    album.choose_detector(kept.key, "none")
    assert album.problems == [], "another choice is another try"


class SlowPipeline(CountingPipeline):
    """Somebody presses a button while it is at work: the page runs again at once, before this has ended."""

    def __init__(self, pressed):
        super().__init__()
        self.pressed = pressed

    def analyze(self, frame_bgr):
        self.pressed()
        super().analyze(frame_bgr)
        return []


def test_what_is_chosen_while_a_picture_is_predicted_keeps_its_own_predictions():
    album, whole = Album(), CountingPipeline()
    read(album, CountingPipeline(), ("a.png", picture()))
    [key] = album.pictures

    def press():
        album.choose_detector(key, "none")
        list(album.predict(album.unpredicted(WAY), lambda name: whole, WAY))

    album.choose_detector(key, "mtcnn")
    list(album.predict(album.unpredicted(WAY), lambda name: SlowPipeline(press), WAY))
    [(kept, predictions)] = album.results(WAY)
    assert kept.detector_name == "none" and len(predictions) == 1
    album.choose_detector(key, "mtcnn")
    assert album.results(WAY)[0][1] == [], "what the first press asked for is known, too"


def test_a_detector_that_fails_late_does_not_undo_the_next_choice():
    album = Album()
    read(album, CountingPipeline(), ("a.png", picture()))
    [key] = album.pictures

    def pipeline_with(name):
        if name == "yunet":
            album.choose_detector(key, "none")
            raise DetectorError("YuNet's weights cannot be fetched.", "Connect to the internet.")
        return CountingPipeline()

    album.choose_detector(key, "yunet")
    list(album.predict(album.unpredicted(WAY), pipeline_with, WAY))
    assert album.pictures[key].detector_name == "none" and album.problems == []


def test_a_choice_made_while_the_same_file_is_read_again_is_kept():
    album = Album()
    read(album, CountingPipeline(), ("a.png", picture()))
    [key] = album.pictures
    pressed = SlowPipeline(lambda: album.choose_detector(key, "none"))
    read(album, pressed, ("a.png", picture()), ("b.png", picture(gray=30)))
    assert album.pictures[key].detector_name == "none"


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(album_module, "MAX_PICTURES", 3)
    album, pipeline = Album(), CountingPipeline()
    for number in range(5):
        read(album, pipeline, (f"{number}.png", picture()))
        for way in range(9):
            list(album.predict(album.unpredicted(("run", way, "haar")), lambda _: pipeline, ("run", way, "haar")))
    assert [p.name for p in album.pictures.values()] == ["4.png", "3.png", "2.png"]
    assert len(album.predictions) <= 12
    assert {key for key, *_ in album.predictions} <= set(album.pictures)


def test_too_many_files_are_read_in_part_and_said(monkeypatch):
    monkeypatch.setattr(album_module, "MAX_PICTURES", 3)
    album, pipeline = Album(), CountingPipeline()
    read(album, pipeline, *((f"{number}.png", picture()) for number in range(5)))
    assert pipeline.calls == len(album.pictures) == 3
    assert [problem.name for problem in album.problems] == ["2 more"]
    assert "python -m model predict" in album.problems[0].error.action


def test_a_heat_map_is_computed_once(monkeypatch):
    calls = []
    monkeypatch.setattr(
        album_module, "heat_map", lambda prediction, classifier: calls.append(1) or np.zeros((48, 48), np.float32)
    )
    album = Album()
    read(album, CountingPipeline(), ("a.png", picture()))
    [(kept, _)] = album.results(WAY)
    for _ in range(3):
        assert album.heat_map(kept, WAY, 0, None).shape == (48, 48)
    assert len(calls) == 1


def test_a_preview_looks_like_the_picture():
    album = Album()
    frame = cv2.resize(np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8), (80, 60))
    read(album, CountingPipeline(), ("a.png", encode_png(frame)))
    [kept] = album.pictures.values()
    assert np.abs(kept.frame().astype(int) - frame).mean() < 4
