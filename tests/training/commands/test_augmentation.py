"""The contact sheet shows what training would see."""

import numpy as np
from PIL import Image

from emoscope.training.commands.augmentation import DRAWS, class_examples, contact_sheet, draw_variants
from emoscope.training.config.schema import load_config
from tests.training.made_up import make_dataset

OFF = {f"augmentation.{key}": 0 for key in ("rotation", "zoom", "shift", "gamma", "side_light", "erasing")}


def dataset():
    made = make_dataset(per_class=3, class_names=("happy", "sad"))
    for split in made.splits.values():
        np.subtract(split.labels, 3, out=split.labels)
    return made


def test_the_first_image_of_a_row_is_unchanged_and_the_others_are_variants():
    variants = draw_variants(load_config("flatten_cnn"), dataset())
    assert list(variants) == ["happy", "sad"]
    for images in variants.values():
        assert images.shape == (1 + DRAWS, 48, 48, 1)
        assert any((images[0] == image).all() for image in dataset().splits["Training"].images)
        assert all((images[0] != image).any() for image in images[1:])


def test_without_augmentation_nothing_changes():
    for images in draw_variants(load_config("flatten_cnn", OFF | {"augmentation.flip": False}), dataset()).values():
        assert (images == images[0]).all()


def test_mixtures_are_shown():
    config = load_config("flatten_cnn", OFF | {"augmentation.flip": False, "cutmix": 1})
    dark, bright = (images[0].mean() for images in draw_variants(config, dataset()).values())
    sheet = draw_variants(config, dataset())
    between = [min(dark, bright) + 5 < image.mean() < max(dark, bright) - 5 for image in sheet["happy"][1:]]
    assert any(between)


def test_the_sheet_holds_every_variant(tmp_path):
    images = np.arange(4, dtype=np.uint8)[:, None, None, None] * 60 * np.ones((1, 8, 8, 1), np.uint8)
    sheet = contact_sheet({"happy": images, "sad": images}, "a title")
    assert isinstance(sheet, Image.Image)
    pixels = np.asarray(sheet)
    for gray in (0, 60, 120, 180):
        assert (pixels == gray).all(2).sum() >= 2 * 96 * 96


def test_examples_of_a_class_are_its_first_images():
    split = make_dataset(per_class=3).splits["Training"]
    examples = class_examples(split, ("angry", "disgust", "fear", "happy", "sad"), 2)
    np.testing.assert_array_equal(examples["happy"], split.images[:2])
    np.testing.assert_array_equal(examples["sad"], split.images[3:5])
    assert len(examples["angry"]) == 0


def test_rows_may_differ_in_length():
    images = np.full((3, 8, 8, 1), 60, np.uint8)
    sheet = contact_sheet({"angry": images[:0], "happy": images[:1], "sad": images}, "a title", first_apart=False)
    assert (np.asarray(sheet) == 60).all(2).sum() // 96**2 == 4
