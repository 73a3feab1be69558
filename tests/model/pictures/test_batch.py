import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from skimage.data import astronaut

from emoscope.model.__main__ import main
from emoscope.model.errors import RunError
from emoscope.model.pictures.batch import PipelineSettings, Task, predict_pictures
from emoscope.model.pictures.files import PictureFile
from emoscope.model.pictures.journal import Journal
from tests.factories import write_tiny_run
from tests.paths import ROOT


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A run, and 40 pictures of which three are broken."""
    write_tiny_run(tmp_path / "runs")
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(tmp_path / "runs"))
    (tmp_path / "faces").mkdir()
    random = np.random.default_rng(0)
    face = cv2.resize(astronaut()[40:240, 130:330, ::-1], (120, 120), interpolation=cv2.INTER_AREA)
    for i in range(40):
        picture = np.clip(face * random.uniform(0.3, 1.2), 0, 255).astype(np.uint8)
        cv2.imwrite(str(tmp_path / "faces" / f"{i:02}.jpg"), picture)
    for i in (3, 17, 30):
        (tmp_path / "faces" / f"{i:02}.jpg").write_bytes(b"broken")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tasks(folder: Path) -> list[Task]:
    return [Task(path) for path in sorted((folder / "faces").iterdir())]


def test_two_processes_give_what_one_gives_in_the_same_order(folder):
    settings = PipelineSettings(folder / "runs" / "emoscope", "none")
    alone = list(predict_pictures(tasks(folder), settings))
    assert [entry["file"] for entry in alone] == [str(task.path) for task in tasks(folder)]
    assert [i for i, entry in enumerate(alone) if "error" in entry] == [3, 17, 30]
    assert list(predict_pictures(tasks(folder), settings, processes=2)) == alone


def test_error_of_a_process_reaches_the_caller(folder):
    (folder / "runs" / "emoscope" / "model.tflite").write_bytes(b"broken")
    with pytest.raises(RunError, match=r"model\.tflite"):
        list(predict_pictures(tasks(folder), PipelineSettings(folder / "runs" / "emoscope", "none"), processes=2))


OUTPUTS = ("out.csv", "out.json", "out.parquet")
COMMAND = ["predict", "faces", "--csv", OUTPUTS[0], "--json", OUTPUTS[1], "--parquet", OUTPUTS[2]]


def test_killed_command_goes_on_and_ends_with_the_same_files(folder, capsys):
    assert main(COMMAND) == 1
    expected = {name: Path(name).read_bytes() for name in OUTPUTS}
    for name in OUTPUTS:
        Path(name).unlink()
    journal = folder / ".out.parquet.journal"
    command = [sys.executable, "-m", "model", *COMMAND]
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and (not journal.exists() or journal.read_bytes().count(b"\n") < 8):
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    assert 8 <= journal.read_bytes().count(b"\n") < 40 and not Path("out.parquet").exists()
    with journal.open("ab") as stream:
        stream.write(b'{"file": "half a li')
    capsys.readouterr()
    assert main(COMMAND) == 1
    err = capsys.readouterr().err
    assert "Resuming after" in err and "3 of 40 files could not be opened:" in err
    assert {name: Path(name).read_bytes() for name in OUTPUTS} == expected
    assert not journal.exists()


def test_parquet_holds_the_rows_of_the_csv_file(folder):
    main([*COMMAND, "--detector", "none", "--processes", "1"])
    lines = Path("out.csv").read_text().splitlines()
    table = pq.read_table("out.parquet")
    assert table.column_names == lines[0].split(",") and table.num_rows == len(lines) - 1 == 37
    for row, line in zip(table.to_pylist(), lines[1:], strict=True):
        cells = line.split(",")
        assert (row["file"], row["emotion"]) == (cells[0], cells[7])
        assert row["p_happy"] == pytest.approx(float(cells[table.column_names.index("p_happy")]))


def files(folder: Path) -> list[PictureFile]:
    return [PictureFile(task.path, task.path.relative_to(folder)) for task in tasks(folder)[:4]]


def interrupt(path: Path, settings: dict, pictures: list[PictureFile]) -> None:
    with pytest.raises(KeyboardInterrupt), Journal(path, settings) as journal:
        assert list(journal.replay(pictures)) == []
        for number, file in enumerate(pictures[:3]):
            journal.append(file, {"number": number})
        raise KeyboardInterrupt


def replayed(path: Path, settings: dict, pictures: list[PictureFile]) -> list[int]:
    with Journal(path, settings) as journal:
        return [entry["number"] for entry in journal.replay(pictures)]


@pytest.mark.parametrize(
    ("change", "expected"),
    [("nothing", [0, 1, 2]), ("picture", [0]), ("order", []), ("settings", []), ("garbage", [0, 1])],
)
def test_journal_gives_back_what_still_holds(folder, change, expected):
    path, pictures, settings = folder / "journal", files(folder), {"run": "a"}
    interrupt(path, settings, pictures)
    if change == "picture":
        pictures[1].path.write_bytes(b"another picture")
    elif change == "order":
        pictures.reverse()
    elif change == "settings":
        settings = {"run": "b"}
    elif change == "garbage":
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[:-1]) + json.dumps([1]).encode()[:-1] + b"\0\n")
    assert replayed(path, settings, pictures) == expected
    assert not path.exists()
