import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from emoscope.model.entities import Detection
from emoscope.model.faces.cropping import CropGeometry
from emoscope.model.faces.detectors import create_detector
from emoscope.model.networks.classifier import Classification
from emoscope.model.networks.litert import LiteRTClassifier
from emoscope.model.pipeline import Pipeline
from emoscope.model.runs.run import RunInfo
from tests.paths import ASSETS

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


class TwoFaces:
    """Finds a bright square and a dark one, and a box that reaches past the frame."""

    name = "fake"
    crop = CropGeometry()
    boxes = ((10, 10, 60, 60), (100, 40, 160, 100), (170, 90, 230, 150))

    def detect(self, frame_bgr):
        return [Detection(np.array(box), 0.9) for box in self.boxes]


class Counting:
    """Counts the calls of a classifier."""

    def __init__(self, channels=1):
        self.info = RunInfo("Counting", "foreign", CLASSES, (48, 48), channels)
        self.batches: list[list[tuple[int, ...]]] = []

    def classify(self, faces):
        self.batches.append([face.shape for face in faces])
        return Classification(np.full((len(faces), 7), 1 / 7, np.float32))

    def close(self):
        pass


@pytest.fixture
def frame() -> np.ndarray:
    frame = np.full((120, 200, 3), 128, np.uint8)
    frame[10:60, 10:60] = 255
    frame[40:100, 100:160] = 0
    return frame


def test_each_face_is_read_where_it_lies(frame):
    info = RunInfo("Tiny", "foreign", CLASSES, (48, 48), 1)
    bright, dark, past = Pipeline(TwoFaces(), LiteRTClassifier(ASSETS / "cam.tflite", info)).analyze(frame)
    assert (bright.label, dark.label) == ("happy", "sad")
    assert bright.face.shape == (48, 48) and bright.face.min() > 220  # half-pixel edges mix in some gray
    assert bright.activation_map.shape == (6, 6, 7)
    corners = np.array([[-0.5, -0.5, 1], [47.5, 47.5, 1]]) @ dark.crop_to_frame.T
    np.testing.assert_allclose(corners, [[99.5, 39.5], [159.5, 99.5]], atol=0.51)
    assert np.isfinite(past.probabilities).all()


@pytest.mark.parametrize(("channels", "shape"), [(1, (48, 48)), (3, (48, 48, 3))])
def test_all_faces_go_to_the_network_in_one_call(frame, channels, shape):
    classifier = Counting(channels)
    predictions = Pipeline(TwoFaces(), classifier).analyze(frame)
    assert classifier.batches == [[shape] * 3]
    assert all(p.activation_map is None for p in predictions)


def test_no_face_costs_no_call():
    classifier = Counting()
    frame = np.zeros((40, 50, 3), np.uint8)
    assert Pipeline(create_detector("haar"), classifier).analyze(frame) == []
    assert classifier.batches == []


def test_stages_are_timed_and_results_are_those_of_analyze(frame):
    pipeline = Pipeline(TwoFaces(), Counting())
    analysis = pipeline.analyze_timed(frame)
    assert set(analysis.seconds) == {"detect", "classify"} and min(analysis.seconds.values()) >= 0
    assert [tuple(p.detection.xyxy) for p in analysis.predictions] == list(TwoFaces.boxes)


class Follower(TwoFaces):
    """Finds known faces again a pixel further, but for those that have left the frame."""

    def follow(self, frame_bgr, known):
        if any(detection.xyxy[0] > 100 for detection in known):
            return None
        return [Detection(detection.xyxy + 1, 0.8) for detection in known]


def test_known_faces_are_followed_and_all_are_looked_for_when_one_is_gone(frame):
    pipeline = Pipeline(Follower(), Counting())

    def boxes(known):
        return [tuple(p.detection.xyxy) for p in pipeline.analyze_timed(frame, known).predictions]

    assert boxes([Detection(np.array([10, 10, 60, 60]))]) == [(11, 11, 61, 61)]
    assert boxes([Detection(np.array([130, 10, 180, 60]))]) == list(TwoFaces.boxes)
    assert boxes([]) == list(TwoFaces.boxes)


def test_face_that_cannot_be_judged_carries_a_warning():
    photo = np.ascontiguousarray(astronaut()[:, :, ::-1])
    pipeline = Pipeline(create_detector("haar"), Counting())
    (clear,) = pipeline.analyze(photo)
    detections = [clear.detection]
    (blurred,) = pipeline.classify(cv2.GaussianBlur(photo, (0, 0), 12), detections)
    assert clear.warnings == () and any("blurred" in warning for warning in blurred.warnings)
