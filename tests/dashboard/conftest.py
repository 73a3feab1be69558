import shutil
from pathlib import Path

import pytest
import streamlit as st

from tests.factories import write_run
from tests.paths import ASSETS


@pytest.fixture(autouse=True)
def fresh_caches():
    """Keep what one test loaded from the next."""
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


@pytest.fixture
def runs_folder(tmp_path, monkeypatch) -> Path:
    """A folder of saved runs, with one that works: bright faces are happy to it, dark ones sad."""
    root = tmp_path / "artifacts"
    write_run(root, "emoscope", name="Bright or dark", n=200, metrics=True)
    shutil.copy(ASSETS / "cam.tflite", root / "emoscope" / "model.tflite")
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(root))
    return root
