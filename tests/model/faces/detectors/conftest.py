"""The detectors that can run here, and the photo they look at."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from skimage import data

from emoscope.model.faces.detectors import BlazeFaceDetector, Detector, HaarDetector, YuNetDetector


@pytest.fixture(scope="session", params=["blazeface", "haar", "yunet"])
def make(request: pytest.FixtureRequest) -> Callable[..., Detector]:
    """Makes one of the quick detectors, the same object for the same arguments."""
    if request.param == "blazeface":
        return cache(BlazeFaceDetector)
    if request.param == "haar":
        return cache(HaarDetector)
    file = request.getfixturevalue("yunet_path")
    return cache(lambda for_video=False: YuNetDetector(file, for_video))


@pytest.fixture(scope="session")
def photo() -> np.ndarray:
    """The astronaut, BGR, (512, 512, 3); her face is at about (178, 63)-(267, 176)."""
    return np.ascontiguousarray(data.astronaut()[:, :, ::-1])
