import numpy as np
import pytest

from emoscope.model.drawing import annotated_picture as module
from emoscope.model.drawing.annotated_picture import annotated_picture, readable_scale
from emoscope.model.drawing.palette import EMOTION_COLORS, hex_to_bgr
from tests.model.drawing.test_annotate import count, prediction

GRAY = 127


@pytest.fixture
def labels(monkeypatch):
    """The text and the place of every label that is drawn."""
    drawn = []
    draw = module.draw_chip

    def noting(canvas, x, y, text, color, text_size):
        drawn.append((text, (x, y, *np.add((x, y), module.chip_size(text, text_size)).tolist())))
        draw(canvas, x, y, text, color, text_size)

    monkeypatch.setattr(module, "draw_chip", noting)
    return drawn


def plain(width, height):
    return np.full((height, width, 3), GRAY, np.uint8)


def row_of_faces(faces, side, gap):
    """Return a picture of faces in a row, and their predictions."""
    predictions = [prediction((gap + i * (side + gap), gap, (i + 1) * (side + gap), gap + side)) for i in range(faces)]
    return plain(gap + faces * (side + gap), side + 2 * gap), predictions


def test_a_face_that_fills_a_small_picture_is_not_hidden(labels):
    drawn = annotated_picture(plain(48, 48), [prediction((0, 0, 48, 48))], ground_bgr=(9, 9, 9))
    [(text, (_, y1, x2, y2))] = labels
    above = drawn.shape[0] - 960
    assert text == "happy 86%" and drawn.shape[1] == 960
    assert 0 <= y1 < y2 <= above, "the label has a canvas of its own"
    assert (drawn[: y1 + 1, x2 + 5 :] == 9).all()
    face = drawn[above + 40 : -40, 40:-40]
    assert (face == GRAY).all(), "nothing but the box is drawn on the picture"


def test_labels_on_a_wide_collage_can_be_read_where_it_is_shown(labels):
    frame, predictions = row_of_faces(16, side=180, gap=20)
    height, width = frame.shape[:2]
    drawn = annotated_picture(frame, predictions, scale=readable_scale(width, height), bars=False)
    assert drawn.shape[1] == 960
    assert [text for text, _ in labels] == [str(number) for number in range(1, 17)], "no more than a number has room"
    assert all(y2 - y1 >= 40 for _, (_, y1, _, y2) in labels), "20 pixels high in a column of 480"


def test_several_faces_are_numbered_and_one_is_not(labels):
    annotated_picture(plain(900, 600), [prediction((80, 200, 240, 360)), prediction((600, 200, 760, 360))])
    annotated_picture(plain(900, 600), [prediction((80, 200, 240, 360))])
    assert [text for text, _ in labels] == ["1  happy 86%", "2  happy 86%", "happy 86%"]


@pytest.mark.parametrize(("gap", "wording"), [(200, "1  happy 86%"), (70, "1  happy"), (8, "1")])
def test_labels_are_shortened_for_all_faces_until_none_is_hidden(labels, gap, wording):
    frame, predictions = row_of_faces(4, side=120, gap=gap)
    drawn = annotated_picture(frame, predictions, scale=1.0)
    top = drawn.shape[0] - frame.shape[0]
    assert [text for text, _ in labels] == [wording.replace("1", str(number), 1) for number in range(1, 5)]
    faces = [tuple(np.add(p.detection.xyxy, (0, top, 0, top)).astype(int)) for p in predictions]
    places = [place for _, place in labels]
    for i, place in enumerate(places):
        assert not module._hidden(place, [*faces, *places[:i]])


def test_a_warning_stands_in_place_of_an_emotion(labels):
    faces = [prediction((80, 200, 240, 360), warnings=("The face is too small.",)), prediction((600, 200, 760, 360))]
    drawn = annotated_picture(plain(960, 700), faces, bars=False)
    assert labels[0][0] == "1  too small"
    assert count(drawn[:, :480], "happy") == 0


def test_bars_are_for_one_face_only():
    faces = [prediction((80, 200, 240, 360)), prediction((600, 200, 760, 360))]
    track = np.array(hex_to_bgr(EMOTION_COLORS["surprise"]))

    def has_bars(predictions):
        return bool((np.abs(annotated_picture(plain(960, 700), predictions).astype(int) - track).max(2) <= 2).any())

    assert has_bars(faces[:1]) and not has_bars(faces)


def test_a_large_picture_keeps_its_size_and_a_picture_without_a_face_its_look():
    assert annotated_picture(plain(2000, 1500), [prediction((500, 500, 900, 900))]).shape == (1500, 2000, 3)
    assert (annotated_picture(plain(1000, 800), []) == GRAY).all()
