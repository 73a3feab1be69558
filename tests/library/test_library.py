"""``import emoscope``: what the guide shows works, names are loaded when they are used, and what it prints is short."""

import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

import emoscope
from emoscope.dashboard.ui.samples import sample_clip, sample_picture
from tests.paths import ROOT

GUIDE = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with what the guide's snippets name."""
    (tmp_path / "photo.jpg").write_bytes(sample_picture("One face")[1])
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(sample_picture("One face")[1])
    (tmp_path / "clip.mp4").write_bytes(sample_clip()[1])
    shutil.copy(emoscope.load_run("emoscope").litert_file, tmp_path / "model.tflite")
    cv2.imwrite(str(tmp_path / "face.png"), astronaut()[40:190, 150:290])
    rng = np.random.default_rng(0)
    for split, count in (("train", 12), ("test", 4)):
        for name in ("down", "up"):
            for i in range(count):
                file = tmp_path / "faces" / split / name / f"{i}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(file), rng.integers(0, 256, (48, 48), np.uint8))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def parameter(snippet):
    marks = [pytest.mark.slow] if "emoscope.train(" in snippet or "keras." in snippet else []
    return pytest.param(snippet, marks=marks, id=snippet.splitlines()[0][:40])


@pytest.mark.parametrize("snippet", map(parameter, SNIPPETS))
def test_snippets_of_the_guide_run_and_are_short(snippet, folder, request, monkeypatch):
    assert len(snippet.strip().splitlines()) <= 6
    if "yunet" in snippet:
        monkeypatch.setenv("EMOSCOPE_MODELS", str(request.getfixturevalue("yunet_path").parent))
    names = {"emoscope": emoscope}
    if "RunLogger" in snippet:
        monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(folder / "artifacts"))
    if "keras." in snippet:
        import keras

        names |= {"keras": keras, "x": np.eye(4, 2), "y": np.arange(4) % 2}
    exec(compile(snippet, "docs/library.md", "exec"), names)
    if "RunLogger" in snippet:
        names["log"].close()
        run = emoscope.load_run(names["log"].key)
        assert len(run.history["val_loss"]) == (2 if "keras." in snippet else 3)


def test_a_name_is_imported_when_it_is_used():
    code = (
        "import sys, emoscope; before = {'numpy', 'pandas', 'cv2'} & set(sys.modules); emoscope.predict;"
        "print(sorted(before), sorted({'tensorflow', 'keras', 'streamlit', 'plotly'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] []"


@pytest.mark.parametrize("name", emoscope.__all__)
def test_every_public_name_is_there_and_documented(name):
    found = getattr(emoscope, name)
    assert name in dir(emoscope)
    assert isinstance(found, str) or found.__doc__


def test_figures_of_a_run_that_brought_predictions_alone_are_computed():
    table = emoscope.metrics("PyTorch-ResNet", "HOG-and-logistic-regression")
    assert table.index.tolist() == [
        ("PyTorch-ResNet", "PrivateTest"),
        ("PyTorch-ResNet", "PublicTest"),
        ("HOG-and-logistic-regression", "PrivateTest"),
    ]
    assert (table["n"] == 3589).all() and table["accuracy"].between(table["accuracy_low"], table["accuracy_high"]).all()


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'prdict'"):
        emoscope.prdict  # noqa: B018


def test_what_a_notebook_prints_is_one_short_line():
    picture = cv2.imdecode(np.frombuffer(sample_picture("One face")[1], np.uint8), cv2.IMREAD_COLOR)
    pipeline = emoscope.open_pipeline()
    [face] = emoscope.predict(picture, pipeline)
    run = emoscope.load_run("emoscope")
    comparison = emoscope.compare("emoscope", "vgg_cnn")
    for shown in (pipeline, face, run, run.predictions("PrivateTest"), comparison):
        assert len(repr(shown)) < 100 and "\n" not in repr(shown)
    assert repr(face).startswith(f"Prediction({face.label} ")
    assert comparison.a in repr(comparison)


def test_pixels_of_another_form_are_one_sentence():
    gray = emoscope.predict(np.zeros((64, 64), np.uint8))
    assert gray == []
    with pytest.raises(emoscope.EmoscopeError, match="float64 of shape"):
        emoscope.predict(np.zeros((64, 64, 3)))


def test_files_of_a_folder_that_are_no_pictures_are_a_warning(folder):
    (folder / "photos" / "notes.txt").write_text("no picture")
    with pytest.warns(UserWarning, match="^1 file was left out, which is no picture: notes.txt$") as caught:
        table = emoscope.predict_folder("photos")
    assert set(table.file) == {str(Path("photos", "a.jpg"))} and caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        emoscope.predict_folder(Path("photos", "a.jpg"))
