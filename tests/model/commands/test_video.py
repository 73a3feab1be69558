import csv
from pathlib import Path

import pytest

from emoscope.model.__main__ import main
from emoscope.model.video import analysis as video_analysis
from emoscope.model.video.reader import Video
from tests.clips import make_clip
from tests.factories import FER7, write_tiny_run


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A working folder with a made-up run and a clip of two seconds."""
    write_tiny_run(tmp_path / "runs")
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(tmp_path / "runs"))
    work = tmp_path / "work"
    work.mkdir()
    (work / "clip.mp4").write_bytes(make_clip(2.0, sound="aac"))
    monkeypatch.chdir(work)
    return work


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_clip_gives_a_summary_a_row_an_analysis_and_an_annotated_copy(folder, capsys):
    assert main(["video", "clip.mp4", "--csv", "new/out.csv", "--annotate", "new/drawn.mp4"]) == 0
    heading, person = capsys.readouterr().out.splitlines()
    assert heading.split()[:4] == ["person", "from", "to", "seen"]
    assert person.split()[:5] == ["1", "0:00", "0:02", "2.0", "s"] and "100%" in person
    found = rows(folder / "new" / "out.csv")
    assert len(found) == 20 and {row["person"] for row in found} == {"1"}
    assert {row["emotion"] for row in found} <= set(FER7) and person.split()[5] in {row["emotion"] for row in found}
    assert [float(row["seconds"]) for row in found] == sorted(float(row["seconds"]) for row in found)
    with Video(folder / "new" / "drawn.mp4") as copy:
        assert len(list(copy.frames())) == 50 and copy.info.has_audio
    assert sorted(path.name for path in (folder / "new").iterdir()) == ["drawn.mp4", "out.csv"]


def test_a_clip_of_one_frame_is_not_seen_for_no_time(folder, capsys):
    (folder / "one.gif").write_bytes(make_clip(0.04, form="gif", codec="gif"))
    assert main(["video", "one.gif"]) == 0
    assert "0.04 s" in capsys.readouterr().out


def test_the_rate_and_standard_output_are_chosen(folder, capsys):
    assert main(["video", "clip.mp4", "--rate", "2", "--csv", "-"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("seconds,person,x1") and len(lines) == 5


def test_of_a_file_that_ends_early_the_rest_is_read_and_the_status_says_so(folder, capsys):
    whole = make_clip(4.0, form="matroska")
    (folder / "half.mkv").write_bytes(whole[: len(whole) // 2])
    assert main(["video", "half.mkv", "--csv", "half.csv"]) == 1
    assert "The file ends early: 0:02 of 0:04" in capsys.readouterr().err
    assert 1.5 < float(rows(folder / "half.csv")[-1]["seconds"]) < 2.5


def test_ctrl_c_keeps_what_was_read(folder, capsys, monkeypatch):
    run = video_analysis.VideoAnalysis.run

    def interrupted(self):
        for number, step in enumerate(run(self)):
            if number == 12:
                raise KeyboardInterrupt
            yield step

    monkeypatch.setattr(video_analysis.VideoAnalysis, "run", interrupted)
    assert main(["video", "clip.mp4", "--csv", "out.csv", "--annotate", "drawn.mp4"]) == 130
    assert "kept" in capsys.readouterr().err
    assert len(rows(folder / "out.csv")) == 13 and not (folder / "drawn.mp4").exists()


def test_a_failed_copy_leaves_nothing_behind(folder, monkeypatch):
    from emoscope.model.video import writer as video_writing

    def broken(self):
        self._target.write(b"half")
        raise OSError(28, "No space left on device")
        yield

    monkeypatch.setattr(video_writing.AnnotatedVideo, "run", broken)
    assert main(["video", "clip.mp4", "--annotate", "drawn.mp4"]) == 2
    assert [path.name for path in folder.iterdir()] == ["clip.mp4"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["absent.mp4"], "absent.mp4 cannot be read"),
        (["notes.txt"], "no video that can be opened"),
        (["clip.mp4", "--run", "absent"], "absent is not a saved run"),
        (["clip.mp4", "--annotate", "clip.mp4"], "clip.mp4 is an input of this command"),
        (["clip.mp4", "--annotate", "drawn.avi"], "is written as MP4"),
        (["clip.mp4", "--csv", "."], "cannot be written"),
        (["clip.mp4", "--csv", "notes.txt/out.csv"], "cannot be written"),
    ],
)
def test_what_cannot_start_is_said_in_one_sentence(folder, capsys, arguments, sentence):
    (folder / "notes.txt").write_text("no video")
    assert main(["video", *arguments]) == 2
    err = capsys.readouterr().err
    assert sentence in err and "Traceback" not in err
    assert sorted(path.name for path in folder.iterdir()) == ["clip.mp4", "notes.txt"]


@pytest.mark.parametrize("rate", ["0", "-1", "often", "nan", "1e9"])
def test_an_impossible_rate_is_refused(rate):
    with pytest.raises(SystemExit) as caught:
        main(["video", "clip.mp4", "--rate", rate])
    assert caught.value.code == 2
