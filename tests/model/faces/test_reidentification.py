import io

import numpy as np
import pytest

from emoscope.model.entities import Detection, Prediction
from emoscope.model.faces.reidentification import MEMORY_SECONDS, Reidentification
from emoscope.model.faces.tracking import TrackedFace
from emoscope.model.pictures.batch import PipelineSettings
from emoscope.model.video.analysis import VideoAnalysis
from emoscope.model.video.reader import Video
from emoscope.model.video.summary import people
from tests.clips import make_clip, view
from tests.factories import write_tiny_run

ROOM = np.full((240, 320, 3), 120, np.uint8)
OTHER_ROOM = np.full((240, 320, 3), 20, np.uint8)


def face(track_id: int, x: float, y: float = 100, width: float = 60) -> TrackedFace:
    box = np.array([x - width / 2, y - width / 2, x + width / 2, y + width / 2])
    return TrackedFace(Prediction(Detection(box, track_id=track_id), np.array([0.6, 0.4]), ("happy", "sad")), 0)


def room_with(*faces: TrackedFace, room: np.ndarray = ROOM, seed: int = 1) -> np.ndarray:
    """Paint faces, all alike for one seed."""
    picture = room.copy()
    for number, one in enumerate(faces):
        x1, y1, x2, y2 = (int(side) for side in one.prediction.detection.xyxy)
        tiles = np.random.default_rng(seed + number).integers(0, 256, (4, 4, 3), np.uint8)
        picture[y1:y2, x1:x2] = np.kron(tiles, np.ones((15, 15, 1), np.uint8))[: y2 - y1, : x2 - x1]
    return picture


def numbers(memory: Reidentification, at: float, *faces: TrackedFace, **room) -> list[int]:
    return [found.track_id for found in memory.recognize(faces, room_with(*faces, **room), at)]


@pytest.mark.parametrize(
    ("later", "at", "room", "number"),
    [
        (face(7, 150), 2.4, {}, 1),
        (face(7, 210), 2.4, {}, 1),
        (face(7, 290), 2.4, {}, 2),  # too far
        (face(7, 150, width=28), 2.4, {}, 2),  # too small
        (face(7, 150), 2.4, {"seed": 5}, 2),  # looks different
        (face(7, 150), 2.4, {"room": OTHER_ROOM}, 2),  # another scene
        (face(7, 150), MEMORY_SECONDS + 1, {}, 2),
    ],
)
def test_who_comes_back_keeps_the_number(later, at, room, number):
    memory = Reidentification()
    assert numbers(memory, 0.0, face(3, 150)) == [1]
    assert numbers(memory, 0.1) == []
    assert numbers(memory, at, later, **room) == [number]
    assert numbers(memory, at + 0.1, later, **room) == [number]


def test_nobody_takes_the_number_of_somebody_in_sight():
    memory = Reidentification()
    assert numbers(memory, 0.0, face(1, 100), face(2, 200)) == [1, 2]
    assert numbers(memory, 0.1, face(1, 100), face(9, 130)) == [1, 3]
    assert numbers(memory, 0.2) == []
    assert numbers(memory, 0.3, face(10, 200), seed=2) == [2]


def test_whose_scene_is_back_is_the_same_person():
    memory = Reidentification()
    assert numbers(memory, 0.0, face(1, 150)) == [1]
    assert numbers(memory, 1.0, face(2, 150), room=OTHER_ROOM) == [2]
    assert numbers(memory, 2.0, face(3, 150)) == [1]
    assert numbers(memory, 3.0, face(4, 150), room=OTHER_ROOM) == [2]


@pytest.mark.parametrize("cover", ["face", "all"])
def test_a_face_hidden_for_a_while_is_one_person_who_appears_twice(tmp_path, cover):
    def hidden(at: float, width: int, height: int) -> np.ndarray:
        picture = view(0.4 * at, width, height)
        if 1.0 <= at < 3.4:
            picture[: height if cover == "all" else height // 2] = 128
        return picture

    pipeline = PipelineSettings(write_tiny_run(tmp_path).path, "haar").open(for_video=True)
    with Video(io.BytesIO(make_clip(5.0, picture=hidden))) as video:
        analysis = VideoAnalysis(video, pipeline)
        list(analysis.run())
    (person,) = people(analysis.predictions())
    assert (person.number, person.appearances) == (1, 2)
    assert person.seen == pytest.approx(2.6, abs=0.6) and person.last > 4.5
