"""Fixtures of the evaluation pages: made-up images and runs that were scored on them."""

from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st

from emoscope.model.dataset import Dataset, load_dataset
from tests.made_up_faces import write_faces, write_scored_run


@pytest.fixture(scope="session")
def faces_folder(tmp_path_factory) -> Path:
    return write_faces(tmp_path_factory.mktemp("faces"))


@pytest.fixture(scope="session")
def faces(faces_folder) -> Dataset:
    return load_dataset(faces_folder, cache=False)


@pytest.fixture
def world(tmp_path, monkeypatch, faces, faces_folder) -> Path:
    """A folder of three runs on the same images (20, 44 and 22 of 140 wrong), which the pages see with the images."""
    root = tmp_path / "artifacts"
    write_scored_run(root, "emoscope", faces, wrong=20, seed=1)
    write_scored_run(root, "baseline", faces, wrong=44, seed=2, config={"batch_size": 128})
    write_scored_run(root, "twin", faces, wrong=22, seed=3)
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(root))
    monkeypatch.setenv("EMOSCOPE_DATA", str(faces_folder))
    monkeypatch.setenv("EMOSCOPE_CACHE", str(tmp_path / "cache"))
    st.cache_data.clear()
    st.cache_resource.clear()
    return root
