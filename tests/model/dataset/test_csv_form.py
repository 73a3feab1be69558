import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emoscope.model.dataset.csv_form import read_csv
from emoscope.model.dataset.samples import hash_pixels
from emoscope.model.errors import DataError
from tests.model.dataset.made_up import HEADER, PIXELS, make_images, make_table, table_row, three_splits


def read(text: str | bytes):
    return read_csv(io.BytesIO(text if isinstance(text, bytes) else text.encode()), "faces.csv")


@given(seed=st.integers(0, 2**32 - 1), digits=st.sampled_from([(0, 10), (0, 256), (90, 110), (100, 256)]))
@settings(max_examples=25, deadline=None)
def test_every_pixel_is_read_as_int_reads_it(seed, digits):
    images = np.random.default_rng(seed).integers(*digits, (3, 48, 48))
    split = read(make_table(images, [0, 3, 6], ["Training"] * 3))["Training"]
    np.testing.assert_array_equal(split.images[..., 0], images)
    assert split.labels.tolist() == [0, 3, 6]
    assert split.pixel_hash[1] == hash_pixels(images[1].astype(np.uint8))


def test_splits_come_in_order_with_their_rows():
    images = make_images(4)
    splits = read(make_table(images, [1, 2, 3, 4], ["PrivateTest", "Training", "PublicTest", "Training"]))
    assert list(splits) == ["Training", "PublicTest", "PrivateTest"]
    assert splits["Training"].names.tolist() == ["row 2", "row 4"]
    np.testing.assert_array_equal(splits["Training"].images[..., 0], images[[1, 3]])
    assert splits["PrivateTest"].labels.tolist() == [1]


@pytest.mark.parametrize("block", [100, 10_000, 30_000])
def test_rows_are_whole_across_blocks(block, monkeypatch):
    monkeypatch.setattr("emoscope.model.dataset.csv_form.BLOCK_BYTES", block)
    images = make_images(12, seed=5)
    split = read(make_table(images, [k % 7 for k in range(12)], ["Training"] * 12))["Training"]
    np.testing.assert_array_equal(split.images[..., 0], images)
    assert split.names[-1] == "row 12"


def quoted(text: str) -> str:
    return "\n".join(",".join(f'"{field}"' for field in line.split(",")) for line in text.splitlines())


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.rstrip("\n"),
        lambda text: text.replace("\n", "\n\n"),
        lambda text: text.replace(",Training", " , Training "),
        lambda text: text.replace(HEADER, "emotion, pixels, Usage"),
        lambda text: text.replace(HEADER, "Emotion,PIXELS,usage"),
        lambda text: text.replace(" ", "  "),
        quoted,
    ],
    ids=["crlf", "bom", "no last line end", "blank lines", "spaces", "icml header", "case", "double spaces", "quotes"],
)
def test_spelling_does_not_matter(change):
    images, emotions, usages = three_splits()
    text = make_table(images, emotions, usages)
    plain, changed = read(text), read(change(text))
    for name, split in plain.items():
        np.testing.assert_array_equal(changed[name].images, split.images)
        np.testing.assert_array_equal(changed[name].labels, split.labels)


def test_columns_may_come_in_icml_order():
    images, emotions, usages = three_splits()
    rows = [
        ",".join(np.array(line.split(","))[[0, 2, 1]]) for line in make_table(images, emotions, usages).splitlines()
    ]
    assert rows[0] == "emotion,Usage,pixels"
    splits = read("\n".join(rows))
    np.testing.assert_array_equal(splits["PublicTest"].images[..., 0], images[2:4])


good = make_images(1)[0].astype(int)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (table_row(good.ravel()[:-1]), "has 2303 pixels where 2304"),
        (table_row(np.append(good.ravel(), 1)), "has 2305 pixels where 2304"),
        (table_row(np.where(np.arange(PIXELS) == 7, 256, good.ravel())), "pixel value “256”, outside 0..255"),
        (table_row(np.where(np.arange(PIXELS) == 7, 1000, good.ravel())), "pixel value “1000”, outside 0..255"),
        (table_row(good).replace(" ", " 4294967301 ", 1), "pixel value “4294967301”, outside 0..255"),
        (table_row(good).replace(" ", f" {2**64 + 5} ", 1), "outside 0..255"),
        (table_row(good).replace(" ", " -", 1), "no whole number in 0..255"),
        (table_row(good).replace(" ", ".5 ", 1), "no whole number in 0..255"),
        (table_row(good).replace(" ", " ² ", 1), "no whole number in 0..255"),
        (table_row(good, usage="Test"), "has the Usage “Test”, which is none of Training"),
        (table_row(good, usage=""), "has the Usage “”"),
        (table_row(good, emotion=7), "has the emotion “7”, which is none of the codes 0..6"),
        (table_row(good, emotion="happy"), "has the emotion “happy”"),
        (table_row(good, emotion=-1), "has the emotion “-1”"),
        (table_row(good, emotion="3.0"), "has the emotion “3.0”"),
        (table_row(good)[:4000], "is cut short or damaged: it has 2 of 3 columns"),
        (table_row(good) + ",x", "it has 4 of 3 columns"),
        ("3,,Training", "has 0 pixels where 2304"),
    ],
)
def test_a_wrong_row_is_named(row, reason):
    rows = [table_row(image, usage="Training") for image in make_images(4)]
    with pytest.raises(DataError, match=r"faces\.csv, row 3 \(line 4\) ") as caught:
        read("\n".join([HEADER, *rows[:2], row, *rows[2:]]))
    assert reason in caught.value.message
    assert len(caught.value.message) < 200
    assert caught.value.action


def test_shifted_pixels_between_two_rows_are_noticed():
    """One pixel too few in a row and one too many in the next give the right sum."""
    pixels = good.ravel()
    with pytest.raises(DataError, match=r"row 1 .* 2303 pixels"):
        read("\n".join([HEADER, table_row(pixels[:-1]), table_row(np.append(pixels, 9))]))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        (HEADER, "has a header and no rows"),
        (HEADER + "\n\n\n", "has a header and no rows"),
        ("emotion,pixels\n3,1 2 3\n", "wrong columns"),
        ("a,b,c\n", "wrong columns.*reads a, b, c"),
        (make_table(good[None], [3], ["Training"]).split("\n", 1)[1], "wrong columns"),
        ("emotion,emotion,pixels,Usage\n", "wrong columns"),
        (b"\xff\xfe" + HEADER.encode("utf-16-le"), "not a UTF-8 text file"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not a UTF-8 text file"),
        (b"0" * 6_000_000, "no CSV table: it has a line of over"),
    ],
)
def test_a_file_that_is_no_table_is_refused(text, reason):
    with pytest.raises(DataError, match=reason):
        read(text)


def test_a_bad_row_does_not_hide_behind_quotes():
    with pytest.raises(DataError, match=r"row 1 .* cut short"):
        read(HEADER + '\n3,"1 2 3\n')
