"""Where YuNet's weights come from, and what is said when they do not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from emoscope.model.errors import DetectorError
from emoscope.model.faces.detectors import YuNetDetector, create_detector, detector_problem, yunet
from emoscope.model.faces.detectors.yunet import YUNET_FILE, yunet_weights


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No weights on this machine."""
    folder = tmp_path / "cache"
    monkeypatch.delenv("EMOSCOPE_MODELS", raising=False)
    monkeypatch.setattr(yunet, "_cache", lambda: folder)
    return folder


@pytest.fixture
def zoo(yunet_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A local server in the Zoo's place; gives the paths that were asked for."""
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            asked.append(self.path)

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(yunet_path.parent)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(yunet, "YUNET_URL", f"http://127.0.0.1:{server.server_port}/{YUNET_FILE}")
    yield asked
    server.shutdown()
    server.server_close()


def test_weights_are_fetched_once_and_kept(zoo: list[str], empty_cache: Path) -> None:
    assert detector_problem("yunet") == "" and zoo == []
    assert create_detector("yunet").name == "yunet"
    assert (empty_cache / YUNET_FILE).is_file()
    create_detector("yunet")
    assert len(zoo) == 1


def test_the_users_folder_comes_first(yunet_path: Path, zoo: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOSCOPE_MODELS", str(yunet_path.parent))
    assert yunet_weights() == yunet_path and zoo == []


def test_without_network_the_error_says_where_to_put_the_file(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yunet, "YUNET_URL", "http://127.0.0.1:9/absent.onnx")
    with pytest.raises(DetectorError, match="cannot be fetched") as caught:
        create_detector("yunet")
    assert YUNET_FILE in caught.value.action and str(empty_cache) in caught.value.action


def test_a_download_that_is_another_file_is_refused_and_not_kept(
    zoo: list[str], empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yunet, "YUNET_SHA256", "0" * 64)
    with pytest.raises(DetectorError, match="cannot be fetched"):
        yunet_weights()
    assert not (empty_cache / YUNET_FILE).exists()


def test_a_wrong_file_in_the_users_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOSCOPE_MODELS", str(tmp_path))
    (tmp_path / YUNET_FILE).write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    assert str(tmp_path) in detector_problem("yunet")
    with pytest.raises(DetectorError, match="not the YuNet file"):
        create_detector("yunet")


@pytest.mark.parametrize("shape", [(1, 320), (32, 320), (320, 20)])
def test_narrow_frames_are_not_read_from_stale_memory(yunet_path: Path, shape: tuple[int, int]) -> None:
    detector = YuNetDetector(yunet_path)
    detector._network.setScoreThreshold(0.0)  # every score shows, not only the rare one that passes for a face
    rng = np.random.default_rng(0)
    best = set()
    for step in range(8):
        detector._candidates(rng.integers(0, 256, (160 + 8 * step, 200 + 16 * step, 3), np.uint8), 480)
        best.add(float(detector._candidates(np.zeros((*shape, 3), np.uint8), 480)[:, 14].max()))
    assert len(best) == 1 and max(best) < 0.1


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.onnx").write_bytes(b"")
    with pytest.raises(DetectorError, match="cannot load"):
        YuNetDetector(tmp_path / "empty.onnx")
