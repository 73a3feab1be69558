"""Why a network does otherwise on other data: class shares, crop, light, contrast and sharpness, in a small table."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from emoscope.model.dataset import Dataset, Split
from emoscope.model.dataset.appearance import brightness_and_contrast
from emoscope.model.errors import RunError
from emoscope.model.evaluation.calibration import validation_split
from emoscope.model.evaluation.shift import PriorShift, prior_shift
from emoscope.model.networks.classifier import Classifier
from emoscope.model.runs.run import Run
from emoscope.training.evaluation.evaluate import classify_images
from emoscope.training.evaluation.labels import labels_for

CROPS = (0.8, 0.9, 1.0, 1.1, 1.2)
"""Sizes of the crop against the images as they are; beyond 1 the border is repeated."""


def shift_report(run: Run, place: Run, dataset: Dataset, own: Dataset | None, classifier: Classifier) -> str:
    """Say what differs between a run's own data and others that it was scored on, for a terminal.

    Args:
        run: The network's run.
        place: The run that holds its predictions on the other data.
        dataset: The other data.
        own: The run's own data, for the comparison of their images; None where they are not at hand.
        classifier: The run's network.
    """
    parts = []
    for name in place.splits:
        if name not in dataset.splits:
            continue
        found = place.predictions(name)
        lines = [f"\nWhat differs on {name}"]
        try:
            lines += _priors(prior_shift(run.predictions(validation_split(run)).probabilities, found), run)
        except RunError:
            lines.append("  How frequent classes were in training is not known: the run has no validation predictions.")
        lines += _images(dataset.splits[name], own.validation or own.train if own is not None else None)
        lines += _crops(classifier, dataset, dataset.splits[name])
        parts.append("\n".join(lines))
    return "\n".join(parts)


def _priors(shift: PriorShift, run: Run) -> list[str]:
    width = max(len(name) for name in run.info.class_names)
    lines = [f"  {'share of each class':<{width + 2}}  own data  labels here  estimated without labels"]
    for name, own, here, guess in zip(
        run.info.class_names, shift.learned, shift.labelled, shift.estimated, strict=True
    ):
        lines.append(f"    {name:<{width}}  {100 * own:>13.1f} %  {100 * here:>9.1f} %  {100 * guess:>9.1f} %")
    for title, values in (
        ("accuracy", (shift.accuracy, shift.accuracy_estimated, shift.accuracy_known)),
        ("mean recall", (shift.balanced, shift.balanced_estimated, shift.balanced_known)),
    ):
        as_it_is, estimated, known = (f"{100 * value:.1f} %" for value in values)
        lines.append(f"  {title}: {as_it_is}; told the shares, {known}; with estimated ones, {estimated}")
    return lines


def _images(here: Split, own: Split | None) -> list[str]:
    rows = {"here": _appearance(here.images)} | ({"own data": _appearance(own.images)} if own is not None else {})
    return [
        f"  images, {name}: brightness {light:.0f}, contrast {contrast:.0f}, sharpness {sharp:.2f} (medians)"
        for name, (light, contrast, sharp) in rows.items()
    ]


def _appearance(images: np.ndarray) -> tuple[float, float, float]:
    """Return the medians of brightness, of contrast and of the share of contrast that is fine detail."""
    light, contrast = brightness_and_contrast(images)
    detail = np.array([_detail(image) for image in images])
    return float(np.median(light)), float(np.median(contrast)), float(np.median(detail))


def _detail(image: np.ndarray) -> float:
    """Return how much of an image's contrast a blur of one pixel takes away, 0..1: little where it was enlarged."""
    pixels = image.astype(np.float32)
    smooth = cv2.GaussianBlur(pixels, (0, 0), 1.0).reshape(pixels.shape)
    return float((pixels - smooth).std() / max(float(pixels.std()), 1.0))


def _crops(classifier: Classifier, dataset: Dataset, split: Split) -> list[str]:
    kept, labels = labels_for(classifier.info, dataset, split)
    accuracies = []
    for size in CROPS:
        images = np.stack([cropped(split.images[i], size) for i in kept])
        accuracies.append(float((classify_images(classifier, images).argmax(1) == labels).mean()))
    best = CROPS[int(np.argmax(accuracies))]
    cells = ", ".join(f"{size:g}: {100 * value:.1f} %" for size, value in zip(CROPS, accuracies, strict=True))
    advice = "" if best == 1 else f" (best at {best:g}: crop {'tighter' if best < 1 else 'wider'})"
    return [f"  accuracy by size of the crop: {cells}{advice}"]


def cropped(image: np.ndarray, size: float) -> np.ndarray:
    """Return the middle of an image at another size of the crop, uint8, of the same shape.

    Args:
        image: uint8, shape (H, W, C).
        size: Of the crop against the image; beyond 1 the border is repeated.
    """
    height, width = image.shape[:2]
    center: Sequence[float] = ((width - 1) / 2, (height - 1) / 2)
    matrix = np.array([[size, 0, center[0] * (1 - size)], [0, size, center[1] * (1 - size)]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE).reshape(
        image.shape
    )
