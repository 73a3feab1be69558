import io
from zipfile import ZipFile

import pytest

from emoscope.model.errors import RunError
from emoscope.model.runs.foreign.registry import recognise


def packed(*names: str) -> bytes:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "what", "action"),
    [
        (packed("m/code/__torch__.py", "m/data.pkl"), "network of PyTorch", "training evaluate file.bin"),
        (packed("m/archive_format", "m/models/model.json"), "network of PyTorch", "training evaluate file.bin"),
        (packed("archive/data.pkl", "archive/version"), "weights without their network", "load_state_dict"),
        (b"\x80\x04junk.", "a pickle", "turn it into JSON"),
    ],
)
def test_what_is_known_and_not_opened_is_one_sentence_and_a_way(tmp_path, content, what, action):
    file = tmp_path / "file.bin"
    file.write_bytes(content)
    with pytest.raises(RunError, match=what) as found:
        recognise(file)
    assert action in found.value.action
    if "load_state" in action:
        assert found.value.action.count("`") == 8, "three lines to export, and the command that follows"


def test_a_zip_of_another_kind_is_left_to_its_reader(tmp_path):
    (tmp_path / "a.zip").write_bytes(packed("notes.txt"))
    with pytest.raises(RunError, match="no result that is recognised"):
        recognise(tmp_path / "a.zip")
