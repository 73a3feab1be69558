import csv
import io
import json
import zipfile
from dataclasses import replace

import cv2
import numpy as np
import pytest

from emoscope.dashboard.predict.album import Picture
from emoscope.dashboard.predict.downloads import to_csv, to_json, to_zip
from emoscope.model.entities import Detection, Prediction

CLASSES = ("happy", "sad")


def kept(name, width=64, height=48):
    _, jpeg = cv2.imencode(".jpg", np.full((height, width, 3), 128, np.uint8))
    return Picture(name, name, width, height, jpeg.tobytes(), 1.0)


def face(x, probabilities=(0.75, 0.25)):
    detection = Detection(np.array([x, 5, x + 20, 30]), 0.9)
    return Prediction(detection, np.array(probabilities), CLASSES, warnings=("The face is too small.",))


def rows(results):
    return list(csv.DictReader(io.StringIO(to_csv(results, CLASSES, "blazeface").decode("utf-8-sig"))))


def test_csv_has_a_row_a_face():
    table = rows([(kept("two.jpg"), [face(3), face(30, (0.1, 0.9))]), (kept("none.jpg"), [])])
    assert [(row["file"], row["face"], row["emotion"]) for row in table] == [
        ("two.jpg", "1", "happy"),
        ("two.jpg", "2", "sad"),
        ("none.jpg", "", ""),
    ]
    assert [float(table[0][name]) for name in ("x1", "y1", "x2", "y2", "p_happy", "p_sad")] == [
        3,
        5,
        23,
        30,
        0.75,
        0.25,
    ]
    assert table[0]["warnings"] == "The face is too small."
    assert table[2]["warnings"] == "No face was found."


@pytest.mark.parametrize("name", ["=HYPERLINK(A1).jpg", "+1.jpg", "@x.jpg"])
def test_csv_holds_no_formula(name):
    assert rows([(kept(name), [face(1)])])[0]["file"] == "'" + name


def test_csv_of_nothing_is_a_header():
    assert to_csv([], CLASSES, "blazeface").decode("utf-8-sig").startswith("file,face,")


def test_json_names_the_detector_of_a_picture_that_has_its_own():
    cropped = replace(kept("crop.jpg"), detector_name="none")
    content = json.loads(to_json([(cropped, [face(3)]), (kept("scene.jpg"), [])], "emoscope", "haar"))
    assert [picture.get("detector") for picture in content["pictures"]] == ["none", None]


def test_json_says_who_read_what():
    content = json.loads(to_json([(kept("ä.jpg"), [face(3)])], "emoscope", "yunet"))
    assert (content["run"], content["detector"]) == ("emoscope", "yunet")
    [picture] = content["pictures"]
    assert (picture["file"], picture["width"], picture["height"]) == ("ä.jpg", 64, 48)
    assert picture["faces"][0]["probabilities"] == {"happy": 0.75, "sad": 0.25}


def test_zip_holds_every_picture_with_its_faces_drawn():
    names = ["a.jpg", "A.PNG", "sub/a.jpg", "../../etc/passwd.jpg", "C:\\x.jpg"]
    results = [(kept(name), [face(3)]) for name in names]
    with zipfile.ZipFile(io.BytesIO(to_zip(results))) as archive:
        inside = archive.namelist()
        drawn = cv2.imdecode(np.frombuffer(archive.read(inside[0]), np.uint8), cv2.IMREAD_COLOR)
    assert inside == ["a.png", "A (2).png", "sub_a.png", "etc_passwd.png", "C:_x.png"]
    assert drawn.shape == (720, 960, 3), "a small picture is enlarged so that its label can be read"
    assert (drawn != 128).any()
