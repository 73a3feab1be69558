import os

import numpy as np
import pytest
import streamlit as st

from emoscope.dashboard.evaluation import digests, scores
from emoscope.dashboard.evaluation.digests import keep_digest, read_digest
from emoscope.model.runs.run import load_run
from tests.factories import write_run


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(tmp_path / "artifacts"))
    monkeypatch.setenv("EMOSCOPE_CACHE", str(tmp_path / "cache"))
    st.cache_resource.clear()
    return tmp_path / "artifacts"


def kept(root):
    return sorted((root.parent / "cache").rglob("*.json"))


def test_a_digest_comes_back_from_the_disk_as_it_was(root, monkeypatch):
    run = write_run(root, "a", n=203)
    made = scores.digest(run, "PublicTest")
    assert len(kept(root)) == 1
    st.cache_resource.clear()
    monkeypatch.setattr(digests, "digest_of", lambda *_: pytest.fail("it was read from the disk"))
    again = scores.digest(run, "PublicTest")
    np.testing.assert_array_equal(again.right, made.right)
    assert (again.figures, again.detail, again.samples) == (made.figures, made.detail, made.samples)
    found = run.predictions("PublicTest")
    assert again.right.mean() == np.mean(found.probabilities.argmax(1) == found.label)


def test_changed_predictions_are_counted_anew(root):
    before = scores.digest(write_run(root, "a", n=203), "PublicTest")
    after = scores.digest(write_run(root, "a", n=203, accuracy=0.4), "PublicTest")
    assert after.figures["accuracy"] < before.figures["accuracy"]
    assert len(kept(root)) == 1, "the next one takes the place of the last"


def test_a_damaged_digest_is_counted_anew(root):
    run = write_run(root, "a", n=203)
    made = scores.digest(run, "PublicTest")
    for content in ("{", "[]", '{"of": 3}', kept(root)[0].read_text().replace('"right"', '"wrong"')):
        kept(root)[0].write_text(content)
        st.cache_resource.clear()
        assert scores.digest(run, "PublicTest").figures == made.figures


def test_a_folder_that_cannot_be_written_is_no_problem(root, monkeypatch):
    monkeypatch.setenv("EMOSCOPE_CACHE", os.devnull)
    assert scores.digest(write_run(root, "a", n=20), "PublicTest").figures["n"] == 20


def test_what_lies_outside_of_the_folder_of_runs_is_not_kept(root, tmp_path):
    scores.digest(write_run(tmp_path / "session", "brought", n=20), "PublicTest")
    write_run(root, "twice", n=20)
    scores.digest(write_run(tmp_path / "session", "twice", n=20), "PublicTest")
    assert not kept(root)


def test_two_runs_right_on_the_same_images_agree_place_by_place(root):
    one = write_run(root, "one", n=60, class_names=("anger", "happy"))
    other = write_run(root, "other", n=60, class_names=("happiness", "angry"))
    found = load_run(one.path).predictions("PublicTest")
    a, b = scores.digest(one, "PublicTest"), scores.digest(other, "PublicTest")
    assert a.samples != b.samples, "their labels mean the opposite"
    assert len(a.right) == len(found.label) and a.identifies_images


def test_other_files_are_another_digest(root):
    run = write_run(root, "a", n=20)
    digest = scores.digest(run, "PublicTest")
    keep_digest(run, "PublicTest", [("file", 1, 2)], digest)
    assert read_digest(run, "PublicTest", [("file", 1, 2)]) is not None
    assert read_digest(run, "PublicTest", [("file", 1, 3)]) is None
