"""What a visitor sees of a cluster that fails: the reading, and a note."""

import socket

from streamlit.testing.v1 import AppTest

from emoscope.dashboard.ui.samples import sample_picture
from tests.paths import ROOT


def test_a_page_reads_here_and_says_so_where_the_cluster_does_not_answer(runs_folder, monkeypatch):
    with socket.socket() as silent:  # bound and not listening: connections are refused
        silent.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("EMOSCOPE_SERVE_URL", url)
        page = AppTest.from_file(str(ROOT / "pages" / "predict.py"), default_timeout=60).run()
        assert not any("The cluster at" in caption.value for caption in page.caption)
        page.file_uploader[0].upload("portrait.png", sample_picture("One face")[1], "image/png").run()
    assert not page.exception
    assert [s.value for s in page.subheader] == ["1 face in 1 picture"]
    [note] = [caption.value for caption in page.caption if "The cluster at" in caption.value]
    assert "does not answer" in note and "this machine classifies the faces" in note
