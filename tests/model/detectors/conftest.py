"""The detectors that can run here, and the photo they look at."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from model.detectors import Detector, HaarDetector, YuNetDetector
from model.detectors.yunet import YUNET_FILE

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def yunet_file() -> Path:
    """YuNet's weights: in ``EMOSCOPE_MODELS`` or beside the project."""
    folders = [Path(os.environ["EMOSCOPE_MODELS"])] if os.environ.get("EMOSCOPE_MODELS") else []
    for folder in (*folders, ROOT.parent / "shared" / "models"):
        if (folder / YUNET_FILE).is_file():
            return folder / YUNET_FILE
    message = f"{YUNET_FILE} is not here; put it into a folder and name that in EMOSCOPE_MODELS"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session", params=["haar", "yunet"])
def make(request: pytest.FixtureRequest) -> Callable[..., Detector]:
    """Makes one of the two quick detectors, the same object for the same arguments."""
    if request.param == "haar":
        return cache(HaarDetector)
    file = request.getfixturevalue("yunet_file")
    return cache(lambda for_video=False: YuNetDetector(file, for_video))


@pytest.fixture(scope="session")
def photo() -> np.ndarray:
    """The astronaut, BGR, (512, 512, 3); her face is at about (178, 63)-(267, 176)."""
    return np.ascontiguousarray(data.astronaut()[:, :, ::-1])
