import importlib.util
import subprocess
import sys

import pytest

from tests.paths import ROOT

OURS = {"model", "training", "dashboard", "pages", "benchmarks", "tests"}


def test_no_module_of_the_dashboard_hides_another_package():
    """`streamlit run` puts dashboard/ first on the path, so its modules answer to their bare names."""
    names = {path.stem for path in (ROOT / "dashboard").glob("*.py") if not path.stem.startswith("__")}
    names |= {path.name for path in (ROOT / "dashboard").iterdir() if (path / "__init__.py").is_file()}
    elsewhere = {name: importlib.util.find_spec(name) for name in names}
    found = {name: spec.origin for name, spec in elsewhere.items() if spec and "dashboard" not in str(spec.origin)}
    assert found == {}
    assert names & (set(sys.stdlib_module_names) | OURS) == set()


PREDICT = """
import sys
sys.path.insert(0, sys.argv[1])
from streamlit.testing.v1 import AppTest
from emoscope.dashboard.ui.samples import sample_picture
at = AppTest.from_file(sys.argv[1] + "/pages/predict.py", default_timeout=60).run()
at.file_uploader[0].upload(*sample_picture("One face"), "image/png").run()
assert not at.exception, at.exception
assert [s.value for s in at.subheader] == ["1 face in 1 picture"], at
print(sorted({"tensorflow", "keras", "torch", "mtcnn"} & set(sys.modules)))
"""


def test_the_predict_page_reads_a_face_without_tensorflow(runs_folder, tmp_path):
    command = [sys.executable, "-c", PREDICT, str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_tensorflow_and_live_video_live_in_one_process():
    """TensorFlow before the streaming library crashes; the router loads them in the order that works."""
    code = (
        "from streamlit.testing.v1 import AppTest; AppTest.from_file('dashboard/app.py', default_timeout=60).run();"
        "import tensorflow, streamlit_webrtc; print('both')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip().endswith("both"), done.stderr[-500:]
