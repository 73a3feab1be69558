import pytest

from emoscope.model.errors import RunError
from emoscope.model.runs.notes import NOTES_FILE, Note, read_notes, write_note
from emoscope.model.runs.run import run_folders
from tests.factories import write_run


def test_notes_come_back_and_leave_the_run_alone(tmp_path):
    run = write_run(tmp_path, "a", n=10)
    before = {file: file.stat().st_mtime_ns for file in run.path.rglob("*")}
    note = Note.of(["wide", " wide ", "", "x" * 50], "  Best so far. ")
    write_note(tmp_path, ["a", "b"], note)
    assert note == Note(("wide", "x" * 40), "Best so far.")
    assert read_notes(tmp_path) == {"a": note, "b": note}
    assert {file: file.stat().st_mtime_ns for file in run.path.rglob("*")} == before
    assert list(run_folders(tmp_path)) == ["a"]


def test_an_empty_note_is_taken_away(tmp_path):
    write_note(tmp_path, ["a", "b"], Note(("x",)))
    write_note(tmp_path, ["a"], Note.of([], " "))
    assert list(read_notes(tmp_path)) == ["b"]


@pytest.mark.parametrize("content", ["{", '{"a": 3}', '{"a": {"tags": "x"}}', '{"a": {"text": 1}}', "[]"])
def test_a_broken_file_gets_a_sentence_and_is_not_overwritten(tmp_path, content):
    (tmp_path / NOTES_FILE).write_text(content)
    with pytest.raises(RunError):
        read_notes(tmp_path)
    with pytest.raises(RunError):
        write_note(tmp_path, ["a"], Note(("x",)))
    assert (tmp_path / NOTES_FILE).read_text() == content
