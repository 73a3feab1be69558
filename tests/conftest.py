"""What lies outside of the project and tests use if it is there: FER-2013 and YuNet's weights."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

# First of all, as in the app: imported after TensorFlow it crashes the process, and test modules import TensorFlow.
import pylibsrtp  # noqa: F401
import pytest

from emoscope.model.dataset import Dataset, load_dataset
from tests.paths import ROOT


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that hold slow tests: of two workers, none is left alone with the longest at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def _outside(variable: str, folders: list[Path], pattern: str) -> Path:
    """Find a file in the folder that a variable names, else in one of some; without it the test is skipped.

    On CI, where skipping would hide a broken set-up, the test fails instead.
    """
    named = os.environ.get(variable)
    for folder in [Path(named)] if named else folders:
        if found := sorted(folder.glob(pattern)):
            return found[0]
    message = f"no {pattern} here; put it into a folder and name that in {variable}"
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def fer2013_path() -> Path:
    """The folder that holds ``fer2013.csv`` in whatever compression, and ``fer2013new.csv``."""
    return _outside("EMOSCOPE_DATA", [ROOT / "data", ROOT.parent / "shared" / "data"], "fer2013.csv*").parent


@pytest.fixture(scope="session")
def fer2013(fer2013_path: Path) -> Dataset:
    """FER-2013 with FER+ votes, 48×48 gray."""
    return load_dataset(fer2013_path)


@pytest.fixture(scope="session")
def yunet_path() -> Path:
    """YuNet's weights."""
    folders = [ROOT.parent / "shared" / "models"]
    return _outside("EMOSCOPE_MODELS", folders, "face_detection_yunet_2023mar.onnx")


@pytest.fixture(scope="session", autouse=True)
def _state_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the queue of trainings of whoever runs the tests out of them, and theirs out of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMOSCOPE_STATE", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(autouse=True)
def _same_main_module() -> Iterator[None]:
    """Put back ``__main__``, which a page under test replaces: a spawned process would run that page first."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main
