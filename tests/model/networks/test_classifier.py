import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from emoscope.model.errors import RunError
from emoscope.model.networks.classifier import BATCH_SIZE
from emoscope.model.networks.litert import LiteRTClassifier
from emoscope.model.networks.load import load_classifier
from emoscope.model.runs.run import DEFAULT_RUN, Run, RunInfo, artifacts_root, load_run
from tests.paths import ASSETS

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
INFO = RunInfo("Tiny", "foreign", CLASSES, (48, 48), 1)


def expected_logits(face: np.ndarray) -> np.ndarray:
    """What tests/assets/make_networks.py builds, in NumPy: float32 (6, 6, 7)."""
    cells = face.reshape(6, 8, 6, 8).mean((1, 3)) / 255
    weights = np.array([0, 0, 0, 20, -20, 0, 0])
    return cells[:, :, None] * weights + np.array([-9, -9, -9, -10, 10, -9, 0])


def softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    return exponentials / exponentials.sum(-1, keepdims=True)


def noise_faces(n: int, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    faces = generator.integers(0, 256, (n, 48, 48)) * generator.uniform(0.3, 1, (n, 1, 1))
    return faces.astype(np.uint8)


def litert(name: str, **options) -> LiteRTClassifier:
    return LiteRTClassifier(ASSETS / name, INFO, **options)


@pytest.mark.parametrize("name", ["cam.tflite", "logits.tflite"])
@pytest.mark.parametrize("n", [1, 3, BATCH_SIZE, BATCH_SIZE + 5])
def test_probabilities_are_the_softmax_of_the_known_evidence(name, n):
    faces = noise_faces(n)
    expected = softmax(np.stack([expected_logits(face).mean((0, 1)) for face in faces]))
    result = litert(name).classify(faces)
    np.testing.assert_allclose(result.probabilities, expected, atol=1e-5)
    assert result.probabilities.dtype == np.float32


def test_activation_maps_are_logits_by_place():
    faces = noise_faces(4)
    result = litert("cam.tflite").classify(faces)
    np.testing.assert_allclose(result.activation_maps, np.stack([expected_logits(f) for f in faces]), atol=1e-4)
    np.testing.assert_allclose(softmax(result.activation_maps.mean((1, 2))), result.probabilities, atol=1e-5)


def test_quantised_network_agrees_with_the_float_one():
    faces = noise_faces(20)
    exact, quantised = litert("cam.tflite").classify(faces), litert("int8.tflite").classify(faces)
    np.testing.assert_allclose(quantised.probabilities, exact.probabilities, atol=0.1)
    np.testing.assert_allclose(quantised.activation_maps, exact.activation_maps, atol=0.3)
    np.testing.assert_allclose(quantised.probabilities.sum(1), 1, atol=1e-6)


def test_faces_of_any_size_and_colour_are_accepted():
    bright, dark = np.full((97, 61, 3), 255, np.uint8), np.zeros((20, 20), np.uint8)
    result = litert("cam.tflite").classify([bright, dark, dark[:, :, None]])
    assert [CLASSES[i] for i in result.probabilities.argmax(1)] == ["happy", "sad", "sad"]


def test_no_faces_give_no_rows():
    assert litert("cam.tflite").classify([]).probabilities.shape == (0, 7)


@pytest.mark.parametrize("name", ["cam.tflite", "logits.tflite"])
def test_temperature_divides_log_probabilities(name):
    faces = noise_faces(3)
    expected = softmax(np.log(litert(name).classify(faces).probabilities.astype(float)) / 4)
    np.testing.assert_allclose(litert(name, temperature=4.0).classify(faces).probabilities, expected, atol=1e-4)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_impossible_temperature_is_refused(temperature):
    with pytest.raises(RunError, match="temperature"):
        litert("cam.tflite", temperature=temperature)


def test_many_threads_share_one_classifier():
    classifier, faces = litert("cam.tflite"), noise_faces(40)
    expected = classifier.classify(faces).probabilities
    wrong = []

    def work(seed: int) -> None:
        generator = np.random.default_rng(seed)
        for _ in range(30):
            some = generator.choice(40, generator.integers(1, 9), replace=False)
            if not np.allclose(classifier.classify(faces[some]).probabilities, expected[some], atol=1e-6):
                wrong.append(some)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_closed_classifier_refuses_to_work():
    classifier = litert("cam.tflite")
    classifier.close()
    with pytest.raises(ValueError, match="closed"):
        classifier.classify(noise_faces(1))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"<html>not found</html>" * 50, "not a LiteRT network"),
        ((ASSETS / "cam.tflite").read_bytes()[:1200], "not a LiteRT network"),
        ((ASSETS / "nan.tflite").read_bytes(), "not numbers"),
    ],
    ids=["empty", "foreign", "truncated", "nan"],
)
def test_broken_file_is_refused_with_a_sentence(tmp_path, content, message):
    (tmp_path / "model.tflite").write_bytes(content)
    with pytest.raises(RunError, match=message) as caught:
        load_classifier(Run(tmp_path, INFO))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("info", "message"),
    [
        (RunInfo("x", "foreign", ("a", "b"), (48, 48), 1), "2 values"),
        (RunInfo("x", "foreign", CLASSES, (64, 64), 1), r"\(64, 64, 1\)"),
        (RunInfo("x", "foreign", CLASSES, (48, 48), 3), r"\(48, 48, 3\)"),
    ],
)
def test_network_that_does_not_fit_its_run_is_refused(info, message):
    with pytest.raises(RunError, match=message):
        LiteRTClassifier(ASSETS / "cam.tflite", info)


def test_run_without_a_network_says_so(tmp_path):
    with pytest.raises(RunError, match="holds no network"):
        load_classifier(Run(tmp_path, INFO))


KERAS_CHECK = """
import sys, warnings, numpy as np, keras
warnings.filterwarnings("error", message=".*structure of `inputs`")
from pathlib import Path
from unittest import mock
sys.path[:0] = [sys.argv[1], sys.argv[2]]
import make_networks
from test_classifier import INFO, expected_logits, noise_faces, softmax
from emoscope.model.runs.run import Run
from emoscope.model.networks.load import load_classifier
from emoscope.model.errors import RunError

folder = Path(sys.argv[3])
faces = noise_faces(5)
expected = softmax(np.stack([expected_logits(face).mean((0, 1)) for face in faces]))
for outputs in ("dict", "list", "probabilities", "logits", "sequential", "named input"):
    if outputs == "sequential":
        network = keras.Sequential(make_networks.build("logits").layers)
    elif outputs == "named input":
        image = keras.Input((48, 48, 1), name="face")
        network = keras.Model({"face": image}, make_networks.build("logits")(image))
    else:
        network = make_networks.build(outputs)
    network.save(folder / "model.keras")
    result = load_classifier(Run(folder, INFO)).classify(faces)
    np.testing.assert_allclose(result.probabilities, expected, atol=1e-5)
    assert (result.activation_maps is not None) == (outputs in ("dict", "list")), outputs

unsafe = keras.Sequential([keras.Input((48, 48, 1)), keras.layers.Lambda(lambda x: x), keras.layers.Flatten(),
                           keras.layers.Dense(7)])
unsafe.save(folder / "unsafe.keras")
for content in ((folder / "unsafe.keras").read_bytes(), b"PK\\x03\\x04 nonsense", b""):
    (folder / "model.keras").write_bytes(content)
    try:
        load_classifier(Run(folder, INFO))
    except RunError as error:
        print("refused:", error)
"""


@pytest.mark.slow
def test_keras_networks_of_every_output_form_agree_and_unsafe_or_broken_ones_are_refused(tmp_path):
    here = Path(__file__)
    arguments = [str(ASSETS), str(here.parent), str(tmp_path)]
    done = subprocess.run([sys.executable, "-c", KERAS_CHECK, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    refusals = [line for line in done.stdout.splitlines() if line.startswith("refused: ")]
    assert len(refusals) == 3
    assert all("model.keras" in line and line.endswith("Lambda layers.") for line in refusals)


def bundled_run() -> Run:
    if not (artifacts_root() / DEFAULT_RUN / "model.tflite").is_file():
        pytest.skip("the bundled run holds no model.tflite")
    return load_run(DEFAULT_RUN)


def test_bundled_run_has_dynamic_batch_and_activation_maps():
    run = bundled_run()
    height, width = run.info.input_size
    faces = np.random.default_rng(0).integers(0, 256, (5, height, width), np.uint8)
    classifier = load_classifier(run)
    together = classifier.classify(faces)
    alone = np.concatenate([classifier.classify([face]).probabilities for face in faces])
    np.testing.assert_allclose(together.probabilities, alone, atol=1e-5)
    from_maps = softmax(together.activation_maps.mean((1, 2)))
    np.testing.assert_allclose(from_maps, together.probabilities, atol=1e-4)


@pytest.mark.parametrize("detector_name", ["haar", "yunet", pytest.param("mtcnn", marks=pytest.mark.slow)])
def test_bundled_run_calls_the_astronaut_happy(detector_name, request, monkeypatch):
    from skimage.data import astronaut

    from emoscope.model.faces.detectors import create_detector
    from emoscope.model.pipeline import Pipeline

    run = bundled_run()
    if detector_name == "yunet":
        monkeypatch.setenv("EMOSCOPE_MODELS", str(request.getfixturevalue("yunet_path").parent))
    photo = np.ascontiguousarray(astronaut()[:, :, ::-1])
    predictions = Pipeline(create_detector(detector_name), load_classifier(run)).analyze(photo)
    assert predictions[0].label == "happy"
