"""``python -m training augmentation``: a contact sheet of augmented training images."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from emoscope.model.dataset import Dataset, Split
from emoscope.model.errors import OutputError
from emoscope.model.runs.files import write_atomically
from emoscope.training.commands.arguments import add_data_arguments, load_data_at
from emoscope.training.config.schema import TrainConfig, add_config_flags, config_names, config_overrides, load_config

DRAWS = 9
TILE = 96  # pixels that an image is shown at
GAP = 4
MARGIN = 88  # for class names
HEADER = 26


def draw_variants(config: TrainConfig, dataset: Dataset, draws: int = DRAWS) -> dict[str, np.ndarray]:
    """Return one image of each class and its augmented variants of some epochs.

    Args:
        config: Its augmentation, mixup and CutMix are applied as in training.
        dataset: Its training split gives the images.
        draws: Variants per image.

    Returns:
        By class name uint8 images, the unchanged one first, shape (1 + draws, H, W, C).
    """
    from emoscope.training.inputs.augmentation import augmentation_layers, set_epoch
    from emoscope.training.inputs.batches import batches
    from emoscope.training.inputs.samples import training_samples

    samples, _ = training_samples(replace(config, limit=0), dataset)
    labels = samples.labels(config.heads[0])
    rng = np.random.default_rng(config.seed)
    chosen = [int(rng.choice(np.flatnonzero(labels == label))) for label in np.unique(labels[labels >= 0])]
    config = replace(config, batch_size=len(chosen))
    layers = augmentation_layers(config.augmentation, config.seed)
    rows = [[samples.images[i]] for i in chosen]
    for epoch in range(draws):
        # In training a batch holds many classes; here each class is mixed with the others of the sheet.
        images = next(batches(config, samples, np.array(chosen), epoch)).images
        set_epoch(layers, config.seed, epoch)
        for layer in layers:
            images = layer(images, training=True)
        for row, image in zip(rows, np.asarray(images), strict=True):
            row.append(np.clip(np.round(image), 0, 255).astype(np.uint8))
    return {_class_name(config, dataset, int(labels[i])): np.stack(row) for i, row in zip(chosen, rows, strict=True)}


def _class_name(config: TrainConfig, dataset: Dataset, label: int) -> str:
    from emoscope.training.inputs.samples import head_classes

    return head_classes(config, dataset)[config.heads[0]][label]


def class_examples(split: Split, class_names: Sequence[str], count: int = 1 + DRAWS) -> dict[str, np.ndarray]:
    """Return the first images of each class of a split: by class name uint8, shape (at most count, H, W, C)."""
    return {name: split.images[split.labels == label][:count] for label, name in enumerate(class_names)}


def contact_sheet(rows: dict[str, np.ndarray], title: str, *, first_apart: bool = True) -> Image.Image:
    """Lay images out, one row per class.

    Args:
        rows: From :func:`draw_variants` or :func:`class_examples`.
        title: Stands above.
        first_apart: Set the first image of each row, the unchanged one, apart from the others.
    """
    columns = max(len(images) for images in rows.values())
    apart = 2 * GAP if first_apart else 0
    step = TILE + GAP
    sheet = Image.new("RGB", (MARGIN + columns * step + apart, HEADER + len(rows) * step + GAP), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    pen.text((GAP, 5), title, "black", font)
    for row, (name, images) in enumerate(rows.items()):
        top = HEADER + row * step
        pen.text((GAP, top + TILE // 2), name, "black", font, anchor="lm")
        for column, image in enumerate(images):
            tile = cv2.resize(image, (TILE, TILE), interpolation=cv2.INTER_NEAREST)
            left = MARGIN + column * step + (apart if column else 0)
            sheet.paste(Image.fromarray(tile).convert("RGB"), (left, top))
    return sheet


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags of ``python -m training augmentation``."""
    known = ", ".join(config_names())
    parser.add_argument("config", nargs="?", default="emoscope", help=f"YAML file or one of: {known}")
    add_data_arguments(parser)
    parser.add_argument("--output", type=Path, default=Path("augmentation.png"), help="PNG file to write")
    add_config_flags(parser)


def run(args: Namespace) -> int:
    """Draw the sheet.

    Raises:
        OutputError: The file cannot be written.
    """
    import io

    config = load_config(args.config, config_overrides(args))
    dataset = load_data_at(args, config.input_size, config.channels)
    sheet = contact_sheet(draw_variants(config, dataset), f"{config.name}: each image as it is, and {DRAWS} times")
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    try:
        write_atomically(args.output, buffer.getvalue())
    except OSError as error:
        raise OutputError(
            f"{args.output} could not be written ({error.strerror}).", "Name another file with --output."
        ) from error
    print(f"Saved {args.output}: {sheet.width}×{sheet.height} pixels")
    return 0
