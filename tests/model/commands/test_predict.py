import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut, coffee

from emoscope.model.__main__ import main
from emoscope.model.images import read_image
from emoscope.model.pictures.results import LANDMARKS
from emoscope.model.runs.files import write_json
from tests.factories import FER7, write_tiny_run
from tests.paths import ROOT


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A working folder with a made-up run and pictures: a face, the same elsewhere, none, and no picture at all."""
    write_tiny_run(tmp_path / "runs")
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(tmp_path / "runs"))
    work = tmp_path / "work"
    for name in ("photos/frau, lächelnd 微笑.png", "photos/b/same.png", "photos/c/same.png"):
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imencode(".png", astronaut()[:300, 100:400, ::-1])[1].tofile(work / name)
    cv2.imencode(".png", coffee()[:200, :200, ::-1])[1].tofile(work / "photos" / "cup.png")
    (work / "photos" / "notes.txt").write_text("no picture, and not called like one")
    monkeypatch.chdir(work)
    return work


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_folder_gives_a_row_a_face_in_table_csv_and_json(folder, capsys):
    assert main(["predict", "photos"]) == 0
    table, summary = capsys.readouterr()
    assert sum("%" in line for line in table.splitlines()) == 3
    assert any("cup.png" in line and "no face found" in line for line in table.splitlines())
    assert "3 faces in 4 files" in summary and "--detector mtcnn" in summary
    assert "\n1 file was left out, which is no picture: notes.txt\n" in summary
    assert main(["predict", "photos", "--csv", "new/out.csv", "--json", "new/out.json"]) == 0
    assert capsys.readouterr().out == ""
    assert sorted(path.name for path in (folder / "new").iterdir()) == ["out.csv", "out.json"]
    rows = read_csv(folder / "new" / "out.csv")
    columns = ["file", "face", "x1", "y1", "x2", "y2", "detector_confidence", "emotion", "confidence"]
    found = ["warnings", "detector", "turned"]
    landmarks = [f"{point}_{axis}" for point in LANDMARKS for axis in "xy"]
    assert list(rows[0]) == [*columns, *(f"p_{name}" for name in FER7), *found, *landmarks]
    faces = [row for row in rows if row["face"]]
    assert {row["file"] for row in faces} == {
        str(Path("photos", name)) for name in ("frau, lächelnd 微笑.png", "b/same.png", "c/same.png")
    }
    for row in faces:
        probabilities = {name: float(row[f"p_{name}"]) for name in FER7}
        assert max(probabilities, key=probabilities.__getitem__) == row["emotion"]
        assert sum(probabilities.values()) == pytest.approx(1, abs=1e-3)
        left, right, upper, lower = (float(row[name]) for name in ("x1", "x2", "y1", "y2"))
        assert (row["detector"], row["turned"]) == ("blazeface", "0")
        assert left < float(row["right_eye_x"]) < float(row["nose_x"]) < float(row["left_eye_x"]) < right
        assert upper < float(row["nose_y"]) < float(row["left_mouth_y"]) < lower
    (cup,) = [row for row in rows if row["file"].endswith("cup.png")]
    assert cup["face"] == cup["emotion"] == "" and cup["warnings"] == "No face was found."
    content = json.loads((folder / "new" / "out.json").read_text(encoding="utf-8"))
    assert content["run"] == "emoscope" and content["detector"] == "blazeface"
    by_name = {picture["file"]: picture for picture in content["pictures"]}
    first = by_name[faces[0]["file"]]
    assert (first["width"], first["height"]) == (300, 300)
    assert first["faces"][0]["emotion"] == faces[0]["emotion"]
    assert by_name[cup["file"]]["faces"] == []


def test_bad_files_are_listed_at_the_end_and_told_by_the_exit_status(folder, capsys):
    (folder / "photos" / "broken.jpg").write_bytes(b"\xff\xd8 nothing")
    (folder / "photos" / "empty.png").touch()
    status = main(["predict", "photos", "photos/notes.txt", "nowhere.jpg", "--json"])
    out, err = capsys.readouterr()
    assert status == 1
    end = err[err.index("4 of 8 files could not be opened:") :]
    bad = ("broken.jpg", "empty.png", "notes.txt", "nowhere.jpg")
    assert all(name in end for name in bad)
    pictures = json.loads(out)["pictures"]
    assert len(pictures) == 8
    assert {Path(p["file"]).name for p in pictures if "error" in p} == set(bad)


def test_a_cut_file_is_predicted_as_far_as_it_goes_and_listed(folder, capsys):
    data = cv2.imencode(".jpg", astronaut()[:300, 100:400, ::-1])[1].tobytes()
    (folder / "cut.jpg").write_bytes(data[: len(data) * 9 // 10])
    assert main(["predict", "cut.jpg", "photos/cup.png", "--json"]) == 0
    out, err = capsys.readouterr()
    cut, whole = json.loads(out)["pictures"]
    assert len(cut["faces"]) == 1
    assert cut["notes"] == ["The file ends early: what could be read of it is shown."] and "notes" not in whole
    assert "1 of 2 files are damaged and were opened all the same:\n  cut.jpg: The file ends early" in err


def test_patterns_and_repeated_names_mean_each_file_once(folder, capsys):
    assert main(["predict", "photos/**/same.png", "photos/b", "./photos/b/same.png", "--csv", "-"]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [row["file"] for row in rows] == [str(Path("photos", "b", "same.png")), str(Path("photos", "c", "same.png"))]


def test_annotated_copies_keep_apart_and_never_touch_the_originals(folder):
    before = {path: path.read_bytes() for path in (folder / "photos").rglob("*.png")}
    shutil.copy(folder / "photos" / "b" / "same.png", folder / "photos" / "b" / "same.bmp")
    assert main(["predict", "photos/b/same.png", "photos/c/same.png", "--annotate", "photos"]) == 0
    assert main(["predict", "photos/b", "photos/c", "--annotate", "drawn"]) == 0
    drawn = sorted(path.name for path in (folder / "drawn").rglob("*.png"))
    assert drawn == ["same (2).png", "same (3).png", "same.png"]
    assert sorted(p.name for p in (folder / "photos").glob("same*.png")) == ["same (2).png", "same.png"]
    assert all(path.read_bytes() == content for path, content in before.items())
    copy = read_image(folder / "drawn" / "same.png")
    assert copy.shape == (960, 960, 3), "a small picture is enlarged so that its label can be read"


def test_folder_tree_is_kept_and_results_are_not_predict_again(folder, capsys):
    for _ in range(2):
        assert main(["predict", "photos", "--annotate", "photos/drawn", "--json"]) == 0
        assert len(json.loads(capsys.readouterr().out)["pictures"]) == 4
    drawn = {str(p.relative_to(folder / "photos/drawn")) for p in (folder / "photos/drawn").rglob("*.png")}
    assert drawn == {"frau, lächelnd 微笑.png", "b/same.png", "c/same.png", "cup.png"}


def test_already_cropped_faces_need_no_detector(folder, capsys):
    cv2.imwrite("bright.png", np.full((60, 50), 250, np.uint8))
    assert main(["predict", "bright.png", "--detector", "none", "--json"]) == 0
    (face,) = json.loads(capsys.readouterr().out)["pictures"][0]["faces"]
    assert face["emotion"] == "happy" and face["xyxy"] == [0, 0, 50, 60]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["photos", "--run", "absent"], "absent is not a saved run"),
        (["photos", "--csv", "photos"], "photos cannot be written"),
        (["photos", "--json", "photos/notes.txt/out.json"], "cannot be written"),
        (["photos", "--annotate", "photos/notes.txt"], "cannot be written"),
        (["photos", "--parquet", "photos"], "photos cannot be written"),
        (["list.csv", "--json", "list.csv"], "list.csv is an input of this command"),
        (["hollow"], "There are no pictures in hollow."),
        (["words"], "in words (1 file was left out, which is no picture: a.txt)."),
    ],
)
def test_what_cannot_start_is_said_in_one_sentence(folder, capsys, arguments, sentence):
    (folder / "hollow").mkdir()
    (folder / "words").mkdir()
    (folder / "words" / "a.txt").touch()
    (folder / "list.csv").write_text("file\nphotos/cup.png\n")
    assert main(["predict", *arguments]) == 2
    err = capsys.readouterr().err
    assert sentence in err and "Traceback" not in err
    assert not list(folder.rglob(".*"))


@pytest.mark.parametrize("arguments", [["predict"], ["predict", "a.jpg", "--threads", "0"], ["nonsense"]])
def test_wrong_usage_exits_with_2(arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def test_no_command_prints_help(capsys):
    assert main([]) == 2
    assert "predict" in capsys.readouterr().out


FORBIDDEN = ("tensorflow", "keras", "streamlit", "scipy", "skimage", "sklearn", "pandas", "matplotlib", "torch")


def test_predicting_imports_nothing_heavy_and_survives_a_closed_pipe(folder):
    code = (
        "import sys; from emoscope.model.__main__ import main; "
        "status = main(['predict', 'photos', '--annotate', 'drawn']); "
        f"print('HEAVY', [m for m in {FORBIDDEN} if m in sys.modules], status)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert "HEAVY [] 0" in done.stdout, done.stdout + done.stderr
    command = [sys.executable, "-m", "model", "predict", "photos", "--json"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as piped:
        piped.stdout.close()
        assert b"Traceback" not in piped.stderr.read()


@pytest.mark.skipif(sys.platform != "linux", reason="file names that are no text exist on Linux only")
def test_file_name_that_is_no_text(folder, capsysbinary):
    Path("photos/b/same.png").rename("photos/b/caf\udce9.png")
    assert main(["predict", "photos/b", "--csv", "out.csv", "--json", "out.json"]) == 0
    assert "caf\\udce9" in (folder / "out.csv").read_text()
    assert "caf\udce9" in json.loads((folder / "out.json").read_text())["pictures"][0]["file"]


def test_calibrated_probabilities_are_those_of_the_stored_temperature(folder, tmp_path, capsys):
    run = tmp_path / "runs" / "emoscope"
    assert main(["predict", "photos/b/same.png", "--calibrated"]) == 2
    assert "python -m training calibrate emoscope" in capsys.readouterr().err
    write_json(run / "calibration.json", {"temperature": 5.0})
    assert main(["predict", "photos/b/same.png", "--csv", "plain.csv"]) == 0
    assert main(["predict", "photos/b/same.png", "--csv", "soft.csv", "--calibrated"]) == 0
    plain, soft = (float(read_csv(folder / name)[0]["confidence"]) for name in ("plain.csv", "soft.csv"))
    assert soft < plain


PLAIN_PILLOW = """
import sys
from PIL import Image
for name in sys.argv[1:]:
    try:
        image = Image.open(name)
        image.load()
        image.getexif()
    except Exception:
        pass
"""


def damaged_pictures(folder: Path) -> list[str]:
    """Write pictures that Pillow, its loggers or the libraries below it complain about on standard error."""
    folder.mkdir()
    x, y = np.meshgrid(np.linspace(0, 255, 80), np.linspace(0, 255, 60))
    image = Image.fromarray(np.stack([x, y, x], -1).astype(np.uint8))
    exif = Image.Exif()
    exif[0x010F] = "a maker's name that is longer than four bytes"
    image.save(folder / "cut-exif.jpg", exif=exif.tobytes()[:30])
    image.save(folder / "many.tif", tiffinfo={277: 135}, compression="raw")
    image.save(folder / "deflate.tif", compression="tiff_adobe_deflate")
    content = bytearray((folder / "deflate.tif").read_bytes())
    content[40:48] = bytes(8)
    (folder / "deflate.tif").write_bytes(content)
    many = bytearray((folder / "many.tif").read_bytes())
    at = many.index((277).to_bytes(2, "little"))  # samples per pixel
    many[at + 8] = 135
    (folder / "many.tif").write_bytes(many)
    Image.new("1", (9500, 9500)).save(folder / "large.png")
    return sorted(str(path) for path in folder.iterdir())


@pytest.mark.parametrize("processes", ["1", "2"])
def test_only_lines_of_our_own_reach_standard_error(folder, processes):
    names = damaged_pictures(folder / "damaged")
    plain = subprocess.run([sys.executable, "-c", PLAIN_PILLOW, *names], capture_output=True, text=True, check=True)
    for noise in ("EXIF", "samples per pixel", "ZIPDecode", "DecompressionBombWarning"):
        assert noise in plain.stderr, "these pictures are quiet by themselves"
    command = [
        sys.executable,
        "-m",
        "model",
        "predict",
        str(folder),
        "--processes",
        processes,
        "--csv",
        str(folder / "out.csv"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    ours = r"|  .+|\d faces in \d files: .+|No face was found in \d of \d pictures:|Try --detector .+|"
    ours += r"1 file was left out, .+|\d of \d files could not be opened:"
    assert [line for line in done.stderr.splitlines() if not re.fullmatch(ours, line)] == []
